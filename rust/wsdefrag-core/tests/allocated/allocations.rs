//! What the engine allocates: the sizes that it reports are those that the allocator counts.

use crate::allocator;
use crate::common;
use crate::contract::writer::Deflater;
use wsdefrag_core::limits::Excess;
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::write::encoder::Encoder;
use wsdefrag_core::write::settings::{Choice, Settings as Sending};
use wsdefrag_core::{
    DeflateParams, Events, Layout, Opcode, OutOfMemory, Output, Reassembler, Refusal, Settings,
    Strictness,
};
use zlib_rs::Strategy as Matching;

/// How much more than what is allocated may be said to be held, in bytes: the engine does not know
/// the size of zlib-rs's state exactly.
const ROUNDING: isize = 4 << 10;

fn compressed(contents: &[&[u8]], takeover: bool) -> Vec<Vec<u8>> {
    common::compressed(contents, Deflater::new(6, 15, Matching::Default, takeover))
}

/// What a direction says it holds is what the allocator gave it, at every point of its life.
#[test]
fn bytes_held_are_bytes_allocated() {
    let content: Vec<u8> = (0..100_000_u32).map(|n| n.wrapping_mul(n).to_be_bytes()[2]).collect();
    for (takeover, strictness) in
        [(true, Strictness::default()), (false, Strictness::default()), (false, Strictness::NONE)]
    {
        let frames = compressed(&[&content[..900], &content[..70_000], &content], takeover);
        let before = allocator::live();
        let how = Passive { contents: true, from_the_start: true };
        let settings = Settings { strictness, ..common::strict_takeover(takeover) };
        let mut direction = Reassembler::passive(settings, how);
        let inline = size_of_val(&direction);
        let mut sink = Events::to(|_, _| ());
        let check = |direction: &Reassembler<Vec<u8>>, what: &str| {
            let allocated = allocator::live() - before;
            let held = isize::try_from(direction.bytes_held() - inline).unwrap();
            let most = if allocated > 40 << 10 { allocated + ROUNDING } else { allocated };
            assert!((allocated..=most).contains(&held), "{what}: {held}, not {allocated}");
        };
        check(&direction, "new");
        for frame in &frames {
            for chunk in frame.chunks(999) {
                direction.receive_data(chunk, &mut sink);
                check(&direction, "inside a message");
            }
            direction.park_inflater();
            let parked = allocator::live() - before;
            assert_eq!(isize::try_from(direction.bytes_held() - inline), Ok(parked), "parked");
        }
        direction.receive_data(b"\x01\x05hello", &mut sink);
        check(&direction, "an open message");
        direction.abandon_message(Excess::Budget { limit: 1, requested: 2 });
        check(&direction, "abandoned");
        direction.finish(&mut sink);
        assert_eq!(direction.bytes_held(), inline);
        assert_eq!(allocator::live(), before, "all is given back at the end");
    }
}

/// A compressor's state is tried for before it is made; the trial has to be at least as large.
#[test]
fn compressor_takes_no_more_than_is_tried_for() {
    for window_bits in 8..=15_u8 {
        for level in [0, 6, 9] {
            let mut encoder = Encoder::new(Sending {
                from_client: false,
                deflate: Some(DeflateParams {
                    server_max_window_bits: window_bits,
                    ..DeflateParams::default()
                }),
                compress_from: 0,
                level,
                check_utf8: false,
            });
            let tried = (256 << 10) + (4 << window_bits.max(9));
            let content = [7; 99];
            let (_, run) = allocator::refusing(allocator::Refuse::Nothing, || {
                encoder.message(Opcode::Binary, &content, None, Choice::default(), &mut Out)
            });
            // Besides the state there is the buffer of 4 KiB for the output.
            let besides = 4096;
            let state = usize::try_from(run.most).unwrap() - besides;
            assert!((tried - (16 << 10)..=tried).contains(&state), "{state} of {tried} bytes");
        }
    }
}

/// Takes frames and keeps none.
struct Out;

impl Output for Out {
    type Bytes = ();

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        Ok([1, 2, 3, 4])
    }

    fn write(&mut self, _: &Layout<'_>) -> Result<(), OutOfMemory> {
        Ok(())
    }
}

/// An inflater costs what the documentation says, so that a caller can plan with it.
#[test]
fn live_inflater_takes_less_than_56_kib() {
    let frames = compressed(&[b"Hello"], true);
    let mut direction = Reassembler::new(common::strict_deflate());
    let mut sink = Events::to(|_, _| ());
    let ((), run) = allocator::refusing(allocator::Refuse::Nothing, || {
        direction.receive_data(&frames[0], &mut sink);
    });
    assert!(run.most < 56 << 10, "{} bytes", run.most);
}
