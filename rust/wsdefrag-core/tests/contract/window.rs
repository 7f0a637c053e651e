//! Reads compressed messages through a window of exactly the agreed size.
//!
//! The engine's window always has the largest size, so the engine also reads data that a receiver
//! with a smaller window cannot read. Output is requested in small steps, because any distance is
//! accepted within one step.

use wsdefrag_core::{Frame, Opcode};
use zlib_rs::{Inflate, InflateFlush, Status};

/// Bytes of output of one step. A distance that exceeds the window by less is not noticed.
const STEP: usize = 32;
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The contents of the compressed messages among `frames`, in order, as a receiver with a window of
/// `window_bits` reads them. `alone` is for a receiver that keeps no context between messages.
pub(crate) fn contents(frames: &[Frame<Vec<u8>>], window_bits: u8, alone: bool) -> Vec<Vec<u8>> {
    let mut inflate = Inflate::new(false, window_bits);
    let mut contents = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for frame in frames.iter().filter(|frame| !frame.header.opcode.is_control()) {
        if frame.header.opcode != Opcode::Continuation {
            open = frame.header.rsv1().then(Vec::new);
        }
        let Some(payload) = &mut open else { continue };
        payload.extend_from_slice(&frame.payload);
        if frame.header.fin {
            payload.extend_from_slice(&TAIL);
            contents.push(message(&mut inflate, payload));
            open = None;
            if alone {
                inflate.reset(false);
            }
        }
    }
    contents
}

fn message(inflate: &mut Inflate, mut payload: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let mut step = [0; STEP];
        let status = inflate.decompress(payload, &mut step, InflateFlush::SyncFlush);
        let status = status.expect("what was compressed here stays within its window");
        let taken = usize::try_from(inflate.total_in() - before_in).unwrap();
        let made = usize::try_from(inflate.total_out() - before_out).unwrap();
        content.extend_from_slice(&step[..made]);
        payload = &payload[taken..];
        if status == Status::StreamEnd {
            inflate.reset(false);
            // A sender that ended with a final block did not remove a tail.
            if payload == TAIL {
                return content;
            }
        } else if made < STEP && payload.is_empty() {
            return content;
        }
    }
}
