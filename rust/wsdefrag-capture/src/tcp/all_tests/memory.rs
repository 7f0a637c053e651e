//! What connections are said to hold, and what is given back over the bound.

use super::*;
use crate::tcp::connection_memory::Change;
use crate::tcp::stream::MAX_TOTAL_HELD;

#[test]
fn connection_is_measured_with_what_it_holds() {
    let mut wire = Wire::new(Options::default());
    let (client, server) = wire.open(1);
    let idle = wire.used();
    // A segment after a hole, and the one that fills it.
    wire.data(1, false, server + 10, &[0; 1000]);
    assert!(wire.used() >= idle + 1000);
    wire.data(1, false, server, LARGE);
    assert!(wire.used() >= idle + 1000, "a part of a message");
    wire.data(1, false, server + 1010, &vec![0; 64_536]);
    assert_eq!(wire.seen.messages, 1);
    assert!(wire.used() < idle + 10_000, "what was given out is not held");
    // A compressed message leaves a window, or an inflater.
    let before = wire.used();
    wire.data(1, true, client, HELLO);
    assert!(wire.used() > before);
    wire.close(1, client + 13, server + 65_546);
    assert!(wire.used() < idle && wire.used() > IN_TABLE, "an ended connection is remembered");
    assert_eq!(wire.finish().ended, [(1, Ended::Fin)]);
}

/// Before it is known where a direction begins its segments wait, and are held.
#[test]
fn segments_that_wait_for_a_beginning_are_held() {
    let mut wire = Wire::new(Options::default());
    wire.data(1, true, 500, &[b'a'; 5_000]);
    let first = wire.used();
    assert!(wire.connections.total_held >= 5_000);
    wire.data(1, false, 900, &[b'a'; 5_000]);
    assert!(wire.used() >= first + 5_000 && wire.connections.total_held >= 10_000);
    // They are read when the wait is over.
    wire.now += 3 * SECOND;
    wire.data(1, true, 5_500, b"a");
    wire.data(1, false, 5_900, b"a");
    assert_eq!(wire.connections.total_held, 0);
}

#[test]
fn connection_that_is_not_a_websocket_is_remembered_only() {
    let mut wire = Wire::new(Options::default());
    wire.segment(1, true, SYN);
    let live = wire.used();
    wire.data(1, true, 100, NO_WEBSOCKET);
    assert!(wire.used() < live);
    assert!(wire.finish().ended.is_empty());
}

/// Over the bound, unfinished messages are dropped, the largest first, and connections stay.
#[test]
fn memory_over_the_bound_costs_the_largest_messages() {
    let memory = 1 << 20;
    let mut wire = Wire::new(Options { memory, ..Options::default() });
    for port in 1..=40 {
        let (_, server) = wire.open(port);
        wire.data(port, false, server, LARGE);
        wire.data(port, false, server + 10, &vec![0; 30_000 + usize::from(port) * 100]);
        let idle = wire.connections.inflaters.pool.idle_bytes();
        assert!(wire.used() + idle <= memory, "{} bytes", wire.used());
        // No more is dropped than has to be: the last eighth, and a message.
        let least =
            if wire.connections.has_met_limit { memory - memory / 8 - (80 << 10) } else { 0 };
        assert!(wire.used() >= least, "{} bytes", wire.used());
    }
    assert!(wire.connections.has_met_limit);
    // About as many as there is room for go on.
    let seen = wire.finish();
    assert_eq!(seen.ended.len(), 40);
    assert!(seen.ended.iter().all(|(_, ended)| *ended == Ended::EndOfCapture));
    let dropped = seen.incomplete.iter().filter(|status| **status == Status::TooBig).count();
    assert!((10..40).contains(&dropped), "{dropped} messages were dropped");
}

/// Where nothing is unfinished, the connections used least recently end.
#[test]
fn memory_over_the_bound_ends_those_used_least_recently() {
    let mut wire = Wire::new(Options { memory: 128 << 10, ..Options::default() });
    for port in 1..=200 {
        wire.now += SECOND;
        wire.open(port);
        // The first one goes on.
        wire.data(1, true, 100, b"GET");
        assert!(wire.used() <= 128 << 10);
    }
    let ended: Vec<u16> = wire.seen.ended.iter().map(|(port, _)| *port).collect();
    assert!(ended.len() > 100 && ended.len() < 200);
    let expected: Vec<u16> = (2..).take(ended.len()).collect();
    assert_eq!(ended, expected);
    assert!(wire.seen.ended.iter().all(|(_, how)| *how == Ended::Evicted));
    assert_eq!(wire.connections.evicted, ended.len() as u64);
}

/// A connection takes its own size, what the allocator adds, its place in the table, and what it refers to.
#[test]
fn common_memory_is_that_of_its_parts() {
    let own = size_of::<LiveConnection>() + 128 + IN_TABLE;
    let mut wire = Wire::new(Options::default());
    wire.segment(1, true, SYN);
    let live = wire.live(1);
    assert_eq!(live.common, own + live.conversation.common_bytes());
    wire.data(2, true, 500, &[b'a'; 5_000]);
    let live = wire.live(2);
    let waiting = live.segments_memory();
    assert!(waiting > 5_000);
    assert_eq!(live.common, own + waiting + live.conversation.common_bytes());
    for hash in 0..5 {
        live.tags.note(0, hash);
    }
    let tags = live.tags.bytes_held();
    assert!(tags > 0);
    wire.data(2, true, 5_500, b"a");
    let live = wire.live(2);
    let parts = [live.segments_memory(), live.tags.bytes_held(), live.conversation.common_bytes()];
    assert!(parts[1] >= tags);
    assert_eq!(live.common, own + parts.iter().sum::<usize>());
}

/// After most segments only one direction is measured again, or nothing.
#[test]
fn segments_of_a_steady_connection_change_one_side_at_most() {
    let mut wire = Wire::new(Options::default());
    let data = Segment { sequence: 100, bytes: b"abc", ..Segment::default() };
    let nothing = Segment { bytes: b"", ..data };
    let syn = Segment { syn: true, ..nothing };
    wire.segment(1, true, Segment { sequence: 99, ..syn });
    assert!(matches!(wire.live(1).change_of(0, &nothing), Change::All), "a handshake");
    let (client, server) = wire.open(2);
    for sender in [0, 1] {
        let live = wire.live(2);
        assert!(matches!(live.change_of(sender, &nothing), Change::Nothing));
        assert!(matches!(live.change_of(sender, &syn), Change::All));
        let is_side = |change| matches!(change, Change::Side(side) if side == sender);
        assert!(is_side(live.change_of(sender, &data)));
        assert!(is_side(live.change_of(sender, &Segment { cut: 5, ..nothing })));
    }
    // A hole may be given up with any segment of either side.
    wire.data(2, true, client + 10, b"abc");
    for sender in [0, 1] {
        assert!(matches!(wire.live(2).change_of(sender, &nothing), Change::All));
        assert!(matches!(wire.live(2).change_of(sender, &data), Change::All));
    }
    assert!(wire.live(2).holds_segments());
    wire.data(2, true, client, b"\x82\x84\0\0\0\0abcd");
    wire.data(2, false, server, b"\x82\x01a");
    assert!(!wire.live(2).holds_segments());
    assert!(matches!(wire.live(2).change_of(1, &nothing), Change::Nothing));
}

#[test]
fn connections_hold_segments_for_a_hole_or_a_beginning() {
    let mut wire = Wire::new(Options::default());
    wire.data(1, true, 500, b"abc");
    assert!(wire.live(1).holds_segments());
    for from_client in [true, false] {
        let port = if from_client { 2 } else { 3 };
        let (client, server) = wire.open(port);
        assert!(!wire.live(port).holds_segments());
        let sequence = if from_client { client } else { server };
        wire.data(port, from_client, sequence + 10, b"abc");
        assert!(wire.live(port).holds_segments());
    }
}

/// Of a message and of segments behind holes, the larger is dropped.
#[test]
fn largest_unfinished_thing_is_dropped_first() {
    for (held, unfinished, drops_message) in
        [(1_000, 5_000, true), (5_000, 1_000, false), (1_000, 0, false), (0, 5_000, true)]
    {
        let mut wire = Wire::new(Options::default());
        let (client, server) = wire.open(1);
        if held > 0 {
            wire.data(1, true, client + 10, &vec![0; held]);
        }
        if unfinished > 0 {
            let [high, low] = u16::to_be_bytes(unfinished);
            wire.data(1, false, server, &[0x82, 0x7e, high, low, 0]);
        }
        let index = wire.index(1).unwrap();
        let held = wire.live(1).segments_memory();
        let largest = wire.live(1).conversation.largest_unfinished();
        assert_eq!(largest > held, drops_message);
        assert_eq!(wire.live(1).unfinished(), largest.max(held));
        wire.connections.drop_unfinished(index, &mut wire.seen);
        wire.check();
        let left = if drops_message { held } else { 0 };
        assert_eq!(wire.live(1).segments_memory(), left, "{held} {unfinished}");
        let is_dropped = wire.finish().incomplete.contains(&Status::TooBig);
        assert_eq!(is_dropped, drops_message, "{held} {unfinished}");
    }
}

/// Connections give their inflaters back in the order in which they took them, but for those that are
/// in use, and only where there are too many.
#[test]
fn inflaters_are_parked_where_there_are_too_many() {
    let mut wire = Wire::new(Options { memory: 1 << 20, ..Options::default() });
    let next: Vec<_> = (1..=6).map(|port| wire.open(port).0).collect();
    let lent = |wire: &Wire| wire.connections.inflaters.pool.lent();
    for (port, sequence) in (1..).zip(&next) {
        wire.now += SECOND;
        wire.data(port, true, *sequence, HELLO);
        assert_eq!(lent(&wire), usize::from(port).min(2), "{port}");
    }
    assert_eq!(wire.seen.messages, 6);
    // Their windows are kept: what refers to earlier messages is still read.
    for (port, sequence) in (1..).zip(&next) {
        wire.now += SECOND;
        wire.data(port, true, sequence + 13, HELLO_AGAIN);
        assert_eq!(lent(&wire), 2);
    }
    assert_eq!((wire.seen.messages, wire.seen.incomplete.len()), (12, 0));
}

/// Of connections that have an inflater, the one that was used since it took it keeps it.
#[test]
fn inflater_in_use_is_not_parked() {
    let mut wire = Wire::new(Options { memory: 1 << 20, ..Options::default() });
    let next: Vec<_> = (1..=3).map(|port| wire.open(port).0).collect();
    let mut takings = |port: u16, offset: u32, bytes: &[u8]| {
        wire.now += SECOND;
        let before = wire.connections.inflaters.pool.takings();
        wire.data(port, true, next[usize::from(port) - 1] + offset, bytes);
        assert!(wire.connections.inflaters.pool.lent() <= 2);
        wire.connections.inflaters.pool.takings() - before
    };
    assert_eq!([takings(1, 0, HELLO), takings(2, 0, HELLO)], [1, 1]);
    assert_eq!(takings(1, 13, HELLO_AGAIN), 0, "it has one");
    // There are two, and the second connection has not used its own since.
    assert_eq!(takings(3, 0, HELLO), 1);
    assert_eq!(takings(1, 24, HELLO_AGAIN), 0, "it has kept it");
    assert_eq!(takings(2, 13, HELLO_AGAIN), 1, "it has given it back");
}

/// Inflaters are given back before anything is dropped, and before a state is written.
#[test]
fn inflaters_are_parked_where_memory_is_short_or_written() {
    let memory = 1 << 20;
    let mut wire = Wire::new(Options { memory, ..Options::default() });
    let lent = |wire: &Wire| wire.connections.inflaters.pool.lent();
    for port in 1..=2 {
        let (client, _) = wire.open(port);
        wire.data(port, true, client, HELLO);
    }
    assert_eq!(lent(&wire), 2);
    let used = wire.used();
    wire.connections.park_all();
    wire.check();
    assert_eq!((lent(&wire), wire.connections.inflaters.pool.idle_bytes()), (0, 0));
    assert!(wire.used() < used - (90 << 10));
    // They are taken again, and given back when other connections take the memory.
    for port in 3..=4 {
        let (client, _) = wire.open(port);
        wire.data(port, true, client, HELLO);
    }
    assert_eq!(lent(&wire), 2);
    for port in 5.. {
        let (_, server) = wire.open(port);
        wire.data(port, false, server, LARGE);
        wire.data(port, false, server + 10, b"a");
        if wire.connections.has_met_limit {
            break;
        }
        assert_eq!(lent(&wire), 2);
    }
    assert_eq!(lent(&wire), 0);
    assert!((1..=4).all(|port| wire.is_live(port)), "they have not ended for it");
    assert_eq!(wire.seen.messages - wire.seen.incomplete.len(), 4);
}

/// No segment waits for a beginning where the segments of all connections take more than they may.
#[test]
fn segments_wait_for_a_beginning_as_long_as_there_is_room() {
    let data = Segment { sequence: 500, bytes: b"abc", ..Segment::default() };
    let mut wire = Wire::new(Options::default());
    wire.segment(1, true, data);
    let one = wire.connections.total_held;
    for (held, waits) in [(MAX_TOTAL_HELD - one, true), (MAX_TOTAL_HELD - one + 1, false)] {
        let mut wire = Wire::new(Options::default());
        wire.connections.total_held = held;
        wire.packet(1, true, data);
        assert_eq!(wire.live(1).beginning.is_some(), waits, "{held}");
        let expected = if waits { MAX_TOTAL_HELD } else { held };
        assert_eq!(wire.connections.total_held, expected);
    }
}
