//! What became of the packets of a capture, so that nothing goes unsaid.

/// Link types that are told apart in [`Counts::unknown_links`].
pub const MAX_UNKNOWN_LINKS: usize = 16;

/// What became of every packet.
///
/// `packets == tcp + exported + other + malformed + unknown_link + fragments`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All packets.
    pub packets: u64,
    /// TCP segments handed out.
    pub tcp: u64,
    /// Those of them that a snap length cut.
    pub cut: u64,
    /// Pieces of TCP streams out of exported PDUs handed out.
    pub exported: u64,
    /// Packets of other protocols.
    pub other: u64,
    /// Packets that contradict themselves, or of which not even the headers were captured, or
    /// whose interface the file does not describe.
    pub malformed: u64,
    /// Packets of link types that are not read.
    pub unknown_link: u64,
    /// Which link types, and how many packets of each; at most [`MAX_UNKNOWN_LINKS`].
    pub unknown_links: Vec<(u32, u64)>,
    /// Fragments that did not complete a datagram.
    pub fragments: u64,
    /// Those of them whose datagram was given up.
    pub fragments_dropped: u64,
    /// Those of them whose datagram may still be completed.
    pub fragments_waiting: u64,
    /// When the first packet was captured, in nanoseconds since the epoch.
    pub first_time: Option<i64>,
    /// When the last packet was captured, in nanoseconds since the epoch.
    pub last_time: Option<i64>,
}

impl Counts {
    /// Counts a packet of a link type that is not read.
    #[cold]
    pub(crate) fn unknown_link(&mut self, link: u32) {
        self.unknown_link += 1;
        if let Some((_, count)) = self.unknown_links.iter_mut().find(|(other, _)| *other == link) {
            *count += 1;
        } else if self.unknown_links.len() < MAX_UNKNOWN_LINKS {
            self.unknown_links.push((link, 1));
        }
    }
}
