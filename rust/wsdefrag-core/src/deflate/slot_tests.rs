//! A slot whose state was written inside a message goes on where it was.

use crate::Strictness;
use crate::deflate::inflation::Inflation;
use crate::deflate::pool::InflaterPool;
use crate::deflate::slot::Slot;
use crate::error::Kind;
use crate::frame::mask::Mask;
use crate::limits::Excess;

use crate::deflate::inflater::{Progress, Stream};
use crate::deflate::target::{Room, Target};
use crate::error::OutOfMemory;

/// Keeps everything.
#[derive(Default)]
struct Kept(Vec<u8>);

impl Target for Kept {
    fn room(&mut self) -> Result<Room, OutOfMemory> {
        Ok(Room::Bytes(100))
    }

    fn inflate(&mut self, room: usize, stream: &mut Stream, input: &[u8]) -> Progress {
        let start = self.0.len();
        self.0.resize(start + room, 0);
        let progress = stream.inflate(input, &mut self.0[start..]);
        self.0.truncate(start + progress.produced);
        progress
    }

    fn took(&mut self, _: usize, _: usize) -> Result<(), Kind> {
        Ok(())
    }

    fn exceeded(&mut self, _: Excess, _: u8) -> Result<(), Kind> {
        Ok(())
    }
}

/// "Hello" as RFC 7692 section 7.2.3.1 compresses it, and with a window that has it.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

#[test]
fn state_inside_a_message_is_the_same_after_reading() {
    let strictness = Strictness::default();
    for cut in 0..=HELLO.len() + AGAIN.len() {
        let pool = InflaterPool::resumable();
        let mut slot = Slot::of(pool.clone());
        let mut content = Kept::default();
        let mut fed = 0;
        for message in [&HELLO[..], &AGAIN] {
            for byte in message {
                if fed == cut {
                    let text = serde_json::to_string(&slot).unwrap();
                    slot = serde_json::from_str(&text).unwrap();
                    slot.share(pool.clone());
                    assert_eq!(serde_json::to_string(&slot).unwrap(), text);
                }
                let inflation: &mut Inflation = slot.live(false, strictness).unwrap();
                inflation.range(&[*byte], Mask::NONE, true, &mut content).unwrap();
                fed += 1;
            }
            let inflation = slot.live(false, strictness).unwrap();
            inflation.finish(false).unwrap();
            inflation.end_message();
        }
        assert_eq!(content.0, b"HelloHello", "cut at {cut}");
    }
}
