//! Which connections end for others, and which by silence.

use super::*;

#[test]
fn room_for_a_connection_is_made_by_those_needed_least() {
    let options = Options { max_connections: 4, ..Options::default() };
    let mut wire = Wire::new(options);
    for port in 1..=4 {
        wire.open(port);
    }
    // A closing one ends first, then the one used least recently.
    wire.segment(3, true, Segment { sequence: 400, rst: true, ..Segment::default() });
    for port in 5..=6 {
        wire.open(port);
        assert_eq!(wire.connections.live_connections(), 4);
    }
    assert_eq!(wire.seen.ended, [(3, Ended::Rst), (1, Ended::Evicted)]);
    assert_eq!((wire.connections.evicted, wire.connections.evicted_packets), (1, 0));
    // New bytes of the evicted one are counted, and copies are not.
    wire.data(1, true, 100, REQUEST);
    assert_eq!(wire.connections.evicted_packets, 0);
    wire.data(1, true, 100 + u32::try_from(REQUEST.len()).unwrap(), b"new");
    assert_eq!(wire.connections.evicted_packets, 1);
    // Connections that are not known to be WebSockets give way if they are many.
    let syn = Segment { sequence: 99, syn: true, ..Segment::default() };
    for port in 11..=13 {
        wire.segment(port, true, syn);
    }
    let live: Vec<_> =
        [2, 4, 5, 6, 11, 12, 13].into_iter().filter(|port| wire.is_live(*port)).collect();
    assert_eq!(live, [4, 5, 6, 13]);
}

/// A reset or closed connection ends after five minutes, and others only if there is a timeout.
#[test]
fn silence_ends_closing_connections_and_others_after_the_timeout() {
    for (idle_timeout, expected) in [
        (None, &[(2, 300, Ended::Rst)][..]),
        (Some(400), &[(2, 300, Ended::Rst), (1, 400, Ended::Idle)]),
        (Some(100), &[(1, 100, Ended::Idle), (2, 100, Ended::Rst)]),
    ] {
        let timeout = idle_timeout.map(|seconds| seconds * SECOND);
        let mut wire = Wire::new(Options { idle_timeout: timeout, ..Options::default() });
        wire.open(1);
        wire.open(2);
        wire.segment(2, true, Segment { sequence: 400, rst: true, ..Segment::default() });
        let began = wire.now;
        let mut ended = Vec::new();
        // One second after the other: a packet of a third connection moves the clock.
        for second in 1..=500 {
            wire.now = began + second * SECOND;
            wire.segment(3, true, Segment { sequence: 99, syn: true, ..Segment::default() });
            for (port, how) in wire.seen.ended.drain(..) {
                ended.push((port, second - 1, how));
            }
        }
        assert_eq!(ended, expected, "{idle_timeout:?}");
    }
}
