//! Why a header block cannot be decoded.

/// The rule that a header block breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HpackError {
    /// The block ends inside a field (RFC 7541 section 6).
    Truncated,
    /// An integer that does not fit in 32 bits, or is written with too many bytes (section 5.1).
    IntegerTooLarge,
    /// A string that the Huffman code does not have (section 5.2).
    Huffman,
    /// An index to no entry (section 2.3.3).
    Index,
}
