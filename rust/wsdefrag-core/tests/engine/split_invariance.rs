//! The split of a direction's bytes into chunks changes nothing: not the events, not the error, not
//! the counts.

use crate::common;
use crate::contract::input;
use crate::contract::split_feeding::check_wire;
use crate::contract::{frames, journal};
use proptest::prelude::*;
use wsdefrag_core::{Settings, Strictness};

proptest! {
    #![proptest_config(common::times(1500))]

    #[test]
    fn any_cut_of_frame_like_bytes_reads_the_same(
        settings in common::settings(), cuts in any::<u8>(), wire in common::frame_like(),
    ) {
        check_wire(settings, cuts, &wire);
    }

    #[test]
    fn any_cut_of_random_bytes_reads_the_same(
        settings in common::settings(),
        cuts in any::<u8>(),
        wire in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        check_wire(settings, cuts, &wire);
    }
}

proptest! {
    #![proptest_config(common::times(1000))]

    #[test]
    fn any_cut_of_valid_messages_reads_the_same(
        script in common::script(4100), other in common::settings(), cuts in any::<u8>(),
    ) {
        let wire = script.write().wire;
        check_wire(script.settings(), cuts, &wire);
        // The same bytes where limits or rules stop them somewhere.
        check_wire(Settings { from_client: script.from_client, ..other }, cuts, &wire);
    }

    #[test]
    fn any_cut_of_damaged_messages_reads_the_same(
        script in common::script(4100),
        limits in common::settings(),
        cuts in any::<u8>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut wire = script.write().wire;
        for (at, byte) in damage {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        let strictness = Strictness { utf8: limits.strictness.utf8, ..script.settings().strictness };
        let settings = Settings { strictness, ..script.settings() };
        check_wire(settings, cuts, &wire);
        check_wire(Settings { limits: limits.limits, ..settings }, cuts, &wire);
    }
}

/// Every cut into two, and every rule at least once on either side of a cut.
#[test]
fn every_cut_in_two_of_short_streams_reads_the_same() {
    let streams: [&[u8]; 9] = [
        b"\x01\x01\xe2\x89\x00\x00\x01\x82\x89\x01p\x80\x01\xac\x82\x00",
        b"\x81\x7e\x00\x80\xc3\xa4\xf4\x90",
        b"\x01\x03abc\x88\x05\x03\xe8bye\x81\x01x",
        b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello\x8a\x7e\x00",
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
        b"\x41\x03\xf2\x48\xcd\x89\x02hi\x80\x04\xc9\xc9\x07\x00\x81\x01\xff",
        b"\xc1\x85\x37\xfa\x21\x3d\xc5\xfa\x30\x3d\x37\x88\x80\x37\xfa\x21\x3d",
        b"\xb1\x05hello\x89\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x41\x02\xf2\x48\x00\x00\x80\x01\xcd",
    ];
    for wire in streams {
        for strictness in [Strictness::default(), Strictness::NONE] {
            let settings = Settings { strictness, ..common::strict_deflate() };
            let (whole, _) = journal::read(settings, [wire]);
            let (whole_frames, _) = frames::read(&settings, [wire]);
            for at in 0..=wire.len() {
                let halves = [&wire[..at], &wire[at..]];
                assert_eq!(journal::read(settings, halves).0, whole, "{wire:02x?} cut at {at}");
                assert_eq!(frames::read(&settings, halves).0, whole_frames, "{wire:02x?} at {at}");
            }
        }
    }
}

#[test]
fn chunks_of_a_cut_are_the_whole() {
    let wire: Vec<u8> = (0..=255).cycle().take(1000).collect();
    for seed in 0..=255 {
        assert_eq!(input::cut(&wire, seed).collect::<Vec<_>>().concat(), wire);
    }
}
