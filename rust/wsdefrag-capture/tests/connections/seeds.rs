//! The input that fuzzing starts from. The example `seeds` includes this file too.

/// The inputs, by their names: scripts as `contract.rs` reads them.
pub(crate) fn seeds() -> [(String, Vec<u8>); 1] {
    // After a handshake with deflate: a text of each side, nothing captured of 7 bytes, and three
    // bytes of the client.
    let input = b"\x03\x03\x05hello\x02\x05world\x0f\x07\x03\x03abc".to_vec();
    [("frames-and-a-loss".to_owned(), input)]
}
