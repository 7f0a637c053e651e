//! The inputs that fuzzing starts from. The example `seeds` includes this file too.

/// The inputs, by their names: scripts as `contract.rs` reads them.
pub(crate) fn seeds() -> [(String, Vec<u8>); 1] {
    // After a handshake with deflate: a text of each side, nothing captured of 7 bytes, and three
    // bytes of the client.
    let input = b"\x03\x03\x05hello\x02\x05world\x0f\x07\x03\x03abc".to_vec();
    [("frames-and-a-loss".to_owned(), input)]
}

/// Scripts as `http2::check` reads them.
pub(crate) fn http2() -> [(String, Vec<u8>); 1] {
    // Two WebSockets, a text in each, a padded frame, nothing captured of 7 bytes, and another text.
    let input =
        b"\x08\x0a\x00\x8a\x00\x03\x05hello\x12\x03abc\x85\x04\x01\x81\x00\x00\x09\x07\x03\x02hi";
    [("websockets-and-a-loss".to_owned(), input.to_vec())]
}

/// Scripts as `http2::check_blocks` reads them.
pub(crate) fn hpack() -> [(String, Vec<u8>); 1] {
    // An announced table, an inserted field and references to it, a lost block, and more references.
    let input = b"\x04\x00\x40\x08\x40\x01a\x011\xbe\xbe\x82\x08\x05\x40\x01b\x012\x40\x02\xbe\xbf";
    [("references-and-a-loss".to_owned(), input.to_vec())]
}
