//! How large a payload's buffer is made.
//!
//! A frame announces its length, and a peer may announce much and send little.
//! So a buffer is made for what was announced, but never for more than
//! `EAGERNESS * LEAP` times what has arrived: a promise alone costs nothing, and the
//! last step of a last frame lands on the exact size. A message whose further
//! fragments have announced nothing yet doubles instead, up to the limit.

use crate::error::OutOfMemory;
use crate::frame::mask::Mask;
use crate::read::memory::{Content, Memory};

/// Bytes that a step makes room for, per byte that arrived.
pub const EAGERNESS: usize = 16;
/// A step that comes this near to all that was announced goes all the way, so that the next one does
/// not copy nearly as much as it makes room for. Half a read of 64 KiB then makes room for a frame of
/// 1 MiB at once. A peer has to send a 64th of what it makes us hold, and memory that nobody has
/// written to is only promised by the system, too.
pub const LEAP: usize = 4;
/// The first step, in bytes, where less than that arrived.
pub const FIRST_STEP: usize = 4096;

/// What is known of the end of a growing payload.
#[derive(Clone, Copy, Debug)]
pub struct Outlook {
    /// Bytes of the frame at hand that are not appended yet, those to be appended included.
    pub frame_left: u64,
    /// Whether the payload ends with the frame at hand.
    pub last_frame: bool,
    /// Bytes that the payload may come to, which what was announced has been checked against.
    pub most: Option<u64>,
}

/// The capacity for `held` bytes that are there and `arriving` ones that are about to be.
#[must_use]
pub fn capacity(held: usize, arriving: usize, outlook: Outlook) -> usize {
    let needed = held + arriving;
    let frame_left = usize::try_from(outlook.frame_left).unwrap_or(usize::MAX);
    let announced = held.saturating_add(frame_left);
    let expected =
        if outlook.last_frame { announced } else { announced.max(needed.saturating_mul(2)) };
    let step = needed.saturating_mul(EAGERNESS).max(FIRST_STEP);
    let affordable = if step.saturating_mul(LEAP) < expected { step } else { expected };
    let most = outlook.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    affordable.min(most)
}

/// Appends `wire`, unmasked, to a content that is made when its first byte arrives; returns the
/// OR of the appended bytes.
#[inline]
pub fn append<M: Memory>(
    content: &mut Option<M::Content>,
    wire: &[u8],
    mask: Mask,
    outlook: Outlook,
    memory: &mut M,
) -> Result<u8, OutOfMemory> {
    if wire.is_empty() {
        return Ok(0);
    }
    let content = match content {
        Some(content) => {
            let held = content.as_slice().len();
            if content.capacity() - held < wire.len() {
                memory.grow(content, capacity(held, wire.len(), outlook))?;
            }
            content
        }
        None => content.insert(memory.allocate(capacity(0, wire.len(), outlook))?),
    };
    Ok(memory.unmask(content, wire, mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn promise_alone_costs_a_page() {
        let outlook = Outlook { frame_left: 1 << 40, last_frame: true, most: None };
        assert_eq!(capacity(0, 1, outlook), FIRST_STEP);
    }

    proptest! {
        #[test]
        fn capacity_holds_what_arrives_and_never_more_than_was_announced(
            held in 0_usize..1 << 30, arriving in 1_usize..1 << 20, more in 0_u64..1 << 40,
        ) {
            let outlook = Outlook { frame_left: arriving as u64 + more, last_frame: true, most: None };
            let got = capacity(held, arriving, outlook);
            prop_assert!(got >= held + arriving);
            prop_assert!(got as u64 <= held as u64 + outlook.frame_left);
            prop_assert!(got <= ((held + arriving) * EAGERNESS).max(FIRST_STEP) * LEAP);
        }

        #[test]
        fn fragments_grow_geometrically_up_to_the_limit(
            held in 1_usize..1 << 30, arriving in 1_usize..1 << 20, more in 0_u64..1 << 30,
        ) {
            let needed = held + arriving;
            let most = needed as u64 + more;
            let outlook =
                Outlook { frame_left: arriving as u64, last_frame: false, most: Some(most) };
            prop_assert_eq!(capacity(held, arriving, outlook) as u64, most.min(2 * needed as u64));
        }
    }
}
