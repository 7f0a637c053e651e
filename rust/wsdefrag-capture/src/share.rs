//! A share of a capture's connections: for readers that each read all files, on machines that do not know
//! of each other, and together give the rows of one reader.
//!
//! A share is chosen as by a filter. All connections are followed, so what depends on all of them (their
//! numbers, which of them there is room for, sessions of TLS) is that of one reader. Which share a connection
//! is in follows from its addresses and ports alone: all tenants of them, and all streams of HTTP/2, are in
//! one.
//!
//! What does depend on the contents is the memory, as connections of other shares hold none. So each reader
//! compares what it holds with its part of the memory. While all keep to that, they hold no more together
//! than one may. Over it, what one reader would give is not known, and reading has to end.
//!
//! - `index < of <= MOST_SHARES`

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::tcp::key::{BUCKETS, Key};

/// Shares of a capture at most.
pub const MOST_SHARES: u8 = 64;
const _: () = assert!(MOST_SHARES as usize == BUCKETS);

/// One of several shares of a capture's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    index: u8,
    of: u8,
}

impl Share {
    /// The share with this index, from 0, of so many. `None` if there is no such share, or there are more
    /// than [`MOST_SHARES`].
    #[must_use]
    pub const fn new(index: u8, of: u8) -> Option<Self> {
        if index < of && of <= MOST_SHARES { Some(Self { index, of }) } else { None }
    }

    /// Whether a connection between these endpoints is in the share.
    #[must_use]
    pub fn has(self, [one, other]: [SocketAddr; 2]) -> bool {
        Key::new(one, other).0.bucket() % self.of == self.index
    }

    /// What the reader of the share may hold of so many bytes of memory.
    pub(crate) const fn part_of(self, memory: usize) -> usize {
        memory / self.of as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_in_one_share_from_both_sides() {
        for of in [1, 2, 5, MOST_SHARES] {
            let mut sizes = vec![0; usize::from(of)];
            for port in 1024..9216 {
                let ends: [SocketAddr; 2] =
                    [([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into()];
                let shares = (0..of).filter_map(|index| Share::new(index, of));
                let has: Vec<_> = shares.filter(|share| share.has(ends)).collect();
                let [share] = has[..] else { panic!("{ends:?} is in {has:?}") };
                assert!(share.has([ends[1], ends[0]]));
                sizes[usize::from(share.index)] += 1;
            }
            let (least, most) = (sizes.iter().min(), sizes.iter().max());
            assert!(most < least.map(|least| 2 * least).as_ref(), "{sizes:?}");
        }
    }

    #[test]
    fn shares_that_there_are_not_are_refused() {
        for (index, of) in [(0, 0), (1, 1), (5, 4), (0, MOST_SHARES + 1)] {
            assert_eq!(Share::new(index, of), None, "{index} of {of}");
        }
    }
}
