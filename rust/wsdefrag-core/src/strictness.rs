//! Rules that a capture of a sloppy peer may be read without.
//!
//! Everything is on by default. A rule that is off is still watched: each
//! breach of it is counted in [`Tolerated`], so that leniency never hides what
//! was on the wire.

/// Which of the rules that can be switched off are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches, not a state")]
pub struct Strictness {
    /// Clients mask, servers do not (RFC 6455 section 5.1).
    pub mask_direction: bool,
    /// Lengths use the shortest form (RFC 6455 section 5.2).
    pub minimal_length: bool,
    /// RSV bits are zero unless an extension gave them a meaning (RFC 6455 section 5.2).
    pub reserved_bits: bool,
    /// Close codes are ones that may be sent (RFC 6455 section 7.4).
    pub close_codes: bool,
}

impl Default for Strictness {
    fn default() -> Self {
        Self { mask_direction: true, minimal_length: true, reserved_bits: true, close_codes: true }
    }
}

/// How many frames broke each rule that was switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerated {
    /// Frames masked, or not, against their direction.
    pub mask_direction: u64,
    /// Frames whose length used a longer form than it needed.
    pub minimal_length: u64,
    /// Frames with RSV bits that nothing gave a meaning.
    pub reserved_bits: u64,
    /// Close frames with a code that may not be sent.
    pub close_codes: u64,
}

impl Tolerated {
    /// The rules that are switched off, by their field's name, with their counts.
    pub fn of(&self, strictness: Strictness) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("mask_direction", strictness.mask_direction, self.mask_direction),
            ("minimal_length", strictness.minimal_length, self.minimal_length),
            ("reserved_bits", strictness.reserved_bits, self.reserved_bits),
            ("close_codes", strictness.close_codes, self.close_codes),
        ]
        .into_iter()
        .filter(|(_, enforced, _)| !enforced)
        .map(|(name, _, count)| (name, count))
    }
}
