//! The result of reading a direction does not depend on its chunks, nor on whether its inflater is
//! parked between messages.

use wsdefrag_core::Settings;

use super::{frames, input, journal};

/// Panics unless the result of reading `input` is the same for any split into chunks.
pub(crate) fn check(input: &[u8]) {
    let Some((settings, cuts, wire)) = input::read(input) else { return };
    check_wire(settings, cuts, wire);
}

/// Panics unless the result of reading `wire` is the same whole, byte by byte, in two halves and in
/// pseudo-random chunks.
pub(crate) fn check_wire(settings: Settings, cuts: u8, wire: &[u8]) {
    let (whole, _) = journal::read(settings, [wire]);
    let (whole_frames, _) = frames::read(&settings, [wire]);
    let middle = wire.len() * usize::from(cuts) / 256;
    let halves = [&wire[..middle], &wire[middle..]];
    let ways: [(&str, Vec<&[u8]>); 3] = [
        ("bytes", wire.chunks(1).collect()),
        ("halves", halves.to_vec()),
        ("chunks", input::cut(wire, cuts).collect()),
    ];
    for (way, chunks) in ways {
        let (journal, _) = journal::read(settings, chunks.iter().copied());
        assert_eq!(journal, whole, "{way} and the whole differ under {settings:?}");
        if settings.deflate.is_some() {
            let (journal, _) = journal::read_parking(settings, chunks.iter().copied());
            assert_eq!(journal, whole, "{way} with parking and the whole differ");
        }
        let (frames, _) = frames::read(&settings, chunks);
        assert_eq!(frames, whole_frames, "{way} and the whole differ in frames");
    }
}
