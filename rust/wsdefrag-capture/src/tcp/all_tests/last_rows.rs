//! The rows that the end of a capture causes.

use super::*;

/// Messages that wait behind a hole in each connection.
const HELD: u32 = 1_000;

/// So many connections, whose messages came in turn. Unfinished messages of others take what is left of the
/// memory, if it shall be full.
fn with_held_messages(memory: usize, connections: u16, is_full: bool) -> Wire {
    let mut wire = Wire::new(Options { memory, ..Options::default() });
    let next: Vec<_> = (1..=connections).map(|port| wire.open(port).0).collect();
    for port in (100..).take_while(|_| is_full) {
        // The segments of four connections take 565 KiB.
        if wire.used() > memory - (650 << 10) {
            break;
        }
        let (_, server) = wire.open(port);
        wire.data(port, false, server, LARGE);
        wire.data(port, false, server + 10, b"a");
    }
    // The last byte of the first message is missing.
    for (port, sequence) in (1..).zip(&next) {
        wire.data(port, true, *sequence, b"\x81\x81\0\0\0\0");
    }
    for number in 1..=HELD {
        for (port, sequence) in (1..).zip(&next) {
            wire.data(port, true, sequence + 7 * number, FROM_CLIENT);
        }
    }
    assert!(!wire.connections.has_met_limit && wire.used() < memory);
    wire
}

/// How often a message of each of the four connections comes in turn.
fn turns(wire: Wire) -> usize {
    let order = wire.finish().order;
    assert_eq!(order.iter().filter(|number| **number < 4).count(), 4 * (1 + HELD as usize));
    order.windows(4).filter(|four| *four == [0, 1, 2, 3]).count()
}

#[test]
fn last_rows_come_in_the_order_of_packets_as_far_as_memory_allows() {
    assert!(turns(with_held_messages(1 << 30, 4, false)) >= HELD as usize - 1);
    // Rows take more than the segments did: over the bound those of the first connections come first.
    assert!(turns(with_held_messages(700 << 10, 4, false)) < 10);
    // A sixteenth is free for them in any case.
    let memory = 16 << 20;
    let wire = with_held_messages(memory, 4, true);
    assert!(wire.used() > memory - (128 << 10), "{}", wire.used());
    assert!(turns(wire) >= HELD as usize - 1);
}

/// Where one thread might have given out rows in another order, several threads leave the end to it.
#[test]
fn end_of_several_threads_is_that_of_one_if_all_rows_fit() {
    for (memory, connections, were_spread, expected) in [
        (1 << 30, 4, true, false),
        (700 << 10, 4, true, true),
        (700 << 10, 4, false, false),
        // There is no order among the rows of one connection.
        (200 << 10, 1, true, false),
    ] {
        let mut wire = with_held_messages(memory, connections, false);
        wire.connections.were_spread = were_spread;
        assert!(wire.connections.finish(&mut wire.seen));
        let found = wire.connections.has_met_limit;
        assert_eq!(found, expected, "{memory} {connections} {were_spread}");
    }
}
