//! One direction of a connection that was captured from the middle on: searches for frames, and
//! counts the bytes until they are found.
//!
//! - `account.bytes == account.lost`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_GAPS`")]

use std::collections::VecDeque;

use crate::account::Account;
use crate::stream_part::{Gap, StreamPart};
use crate::websocket::frame_search::{Found, FrameSearch, Sender};

/// A direction in which no frame has been found.
pub(super) struct Midstream {
    pub(super) search: FrameSearch,
    pub(super) account: Account,
    /// The newest gaps, at most [`MAX_GAPS`], and their positions in the stream.
    pub(super) gaps: VecDeque<(u64, Gap)>,
}

/// Gaps that are remembered while no frame has been found.
const MAX_GAPS: usize = 64;

impl Midstream {
    pub(super) fn new(sender: Sender, max_frame: u64) -> Self {
        // RSV1 may be set: nothing is known of the extensions.
        let search = FrameSearch::new(sender, true, max_frame);
        Self { search, account: Account::default(), gaps: VecDeque::new() }
    }

    /// The memory that it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        size_of::<Self>()
            + self.search.bytes_held()
            + self.gaps.capacity() * size_of::<(u64, Gap)>()
    }

    /// Takes a part of the stream. Returns the frames if they are found.
    pub(super) fn part(&mut self, part: StreamPart<'_>) -> Option<Found> {
        let account = &mut self.account;
        match part {
            StreamPart::Data(bytes, origin) => {
                account.bytes += bytes.len() as u64;
                account.lost += bytes.len() as u64;
                self.search.data(bytes, origin)
            }
            StreamPart::Gap(gap) => {
                account.bytes += gap.length;
                account.lost += gap.length;
                account.gaps += 1;
                account.missing += gap.length;
                self.search.gap();
                if self.gaps.len() == MAX_GAPS {
                    self.gaps.pop_front();
                }
                self.gaps.push_back((account.bytes - gap.length, gap));
                None
            }
        }
    }
}
