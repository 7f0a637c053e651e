//! Decides how large a payload's buffer is.
//!
//! A peer can announce a long frame and send little. A buffer is therefore made for the announced
//! length, but at most for `EAGERNESS * LEAP` times the bytes that have arrived. The last step of
//! the last frame reaches the exact size. While further fragments are expected, the buffer doubles
//! instead, up to the limit.
//!
//! Nothing announces the size of inflated content. Its buffer doubles, but a large one grows by a
//! quarter, so that it is never much larger than what is in it.
//!
//! - `held + arriving <= capacity`

use crate::error::OutOfMemory;
use crate::frame::mask::Mask;
use crate::read::memory::{Content, Memory};

/// Bytes of room per byte that has arrived.
pub const EAGERNESS: usize = 16;
/// If the announced length is at most this many times the next step, the buffer gets the announced
/// length at once; this saves the copy of another step. Half a read of 64 KiB is then enough for a
/// frame of 1 MiB. A peer still has to send a 64th of the memory reserved for it, and the operating
/// system does not provide memory before it is written.
pub const LEAP: usize = 4;
/// The smallest first step, in bytes.
pub const FIRST_STEP: usize = 4096;

/// Inflated content doubles up to steps of this many bytes; later steps are a quarter of it.
pub const INFLATED_STEP: usize = 1 << 20;

/// What is known about the final size of a growing payload.
#[derive(Clone, Copy, Debug)]
pub struct Outlook {
    /// Bytes of the current frame that were not appended yet, including the arriving ones.
    pub frame_left: u64,
    /// Whether the current frame is the last of the payload.
    pub last_frame: bool,
    /// The limit on the payload, in bytes; the announced length has been checked against it.
    pub most: Option<u64>,
}

/// The capacity for a buffer of `held` bytes to which `arriving` bytes will be appended.
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

/// The capacity for the next inflated bytes of a full buffer of `held` bytes.
#[must_use]
pub fn inflated_capacity(held: usize) -> usize {
    held.saturating_add(held.min((held / 4).max(INFLATED_STEP)))
}

/// Appends `wire`, unmasked, to a content, which is allocated with its first byte; returns the OR
/// of the appended bytes.
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
    fn announcement_alone_costs_one_page() {
        let outlook = Outlook { frame_left: 1 << 40, last_frame: true, most: None };
        assert_eq!(capacity(0, 1, outlook), FIRST_STEP);
    }

    #[test]
    fn announced_length_within_a_leap_is_taken_at_once() {
        let step = FIRST_STEP;
        for (length, expected) in
            [(1, 1), (step, step), (LEAP * step, LEAP * step), (LEAP * step + 1, step)]
        {
            let outlook = Outlook { frame_left: length as u64, last_frame: true, most: None };
            assert_eq!(capacity(0, 1, outlook), expected);
        }
    }

    #[test]
    fn large_inflated_content_grows_by_a_quarter() {
        let mib = 1 << 20;
        for (held, expected) in
            [(256, 512), (mib, 2 * mib), (2 * mib, 3 * mib), (40 * mib, 50 * mib)]
        {
            assert_eq!(inflated_capacity(held), expected);
        }
        assert_eq!(inflated_capacity(usize::MAX), usize::MAX);
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
