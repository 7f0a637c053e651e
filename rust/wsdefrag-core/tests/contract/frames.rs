//! Reads one direction through a [`FrameDecoder`] and accounts for every byte.

use wsdefrag_core::frame::header::{MAX_CONTROL, MAX_HEADER};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{Error, Frame, FrameDecoder, Incomplete, Settings};

use super::ledger::Ledger;

/// The result of a direction, frame by frame; it must not depend on the split into chunks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frames {
    /// The frames in order.
    pub(crate) list: Vec<Frame<Vec<u8>>>,
    /// The violation, if any.
    pub(crate) error: Option<Error>,
    /// Bytes from the violation on.
    pub(crate) discarded: u64,
    /// Breaches of the rules that were switched off.
    pub(crate) tolerated: Tolerated,
    /// The result of the end of the stream.
    pub(crate) ending: Result<Option<Incomplete<Vec<u8>>>, Error>,
}

impl Frames {
    /// The offset after the last frame.
    pub(crate) fn end(&self) -> u64 {
        self.list.last().map_or(0, end)
    }
}

/// The size of these frames, in bytes, if each is masked as a receiver needs it (RFC 6455 section
/// 5.1).
pub(crate) fn size_with_right_masks<'a>(
    from_client: bool,
    frames: impl IntoIterator<Item = &'a Frame<Vec<u8>>>,
) -> u64 {
    let size = |frame: &Frame<Vec<u8>>| {
        let plain = frame.header.size - if frame.header.masking_key.is_some() { 4 } else { 0 };
        plain as u64 + if from_client { 4 } else { 0 } + frame.header.length
    };
    frames.into_iter().map(size).sum()
}

/// The offset after a frame.
pub(crate) fn end(frame: &Frame<Vec<u8>>) -> u64 {
    frame.offset + frame.header.size as u64 + frame.header.length
}

/// Feeds `chunks` and the end of the stream. Checks that every byte is in a frame or held.
pub(crate) fn read<'a>(
    settings: &Settings,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Frames, Ledger) {
    let mut decoder = FrameDecoder::new(settings.rules(), settings.limits);
    let mut ledger = Ledger::new(settings.limits.max_frame_size);
    ledger.allow(MAX_CONTROL);
    let mut list = Vec::<Frame<Vec<u8>>>::new();
    let mut received = 0;
    for chunk in chunks {
        decoder.receive_data(chunk, &mut ledger, |frame| {
            assert_eq!(frame.offset, list.last().map_or(0, end), "a gap between frames");
            assert_eq!(frame.payload.len() as u64, frame.header.length);
            list.push(frame);
            Ok(())
        });
        received += chunk.len() as u64;
        assert_eq!(decoder.bytes_received(), received);
        let pending = received - list.last().map_or(0, end);
        let buffered = decoder.bytes_buffered() as u64;
        if decoder.error().is_some() {
            assert_eq!((decoder.bytes_discarded(), buffered), (pending, 0));
        } else {
            // A complete header is no longer held, so at most its length is missing.
            assert!((buffered..=buffered + MAX_HEADER as u64).contains(&pending));
            assert_eq!(decoder.bytes_discarded(), 0);
        }
    }
    let (error, discarded) = (decoder.error().copied(), decoder.bytes_discarded());
    let tolerated = *decoder.tolerated();
    let ending = decoder.receive_eof(&mut ledger);
    let again = decoder.receive_eof(&mut ledger);
    assert_eq!(again, ending.clone().map(|_| None), "the second end of stream says something new");
    assert_eq!(decoder.bytes_buffered(), 0, "something is held after the end");
    (Frames { list, error, discarded, tolerated, ending }, ledger)
}
