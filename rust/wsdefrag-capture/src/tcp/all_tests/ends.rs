//! Which connections end for others, and which by silence.

use super::*;
use crate::protocol::ProtocolCounts;

#[test]
fn room_for_a_connection_is_made_by_those_needed_least() {
    let options = Options { max_connections: 4, ..Options::default() };
    let mut wire = Wire::new(options);
    for port in 1..=4 {
        wire.open(port);
    }
    // A closing one ends first, then the one used least recently.
    wire.reset(3);
    for port in 5..=6 {
        wire.open(port);
        assert_eq!(wire.connections.live_connections(), 4);
    }
    assert_eq!(wire.seen.ended, [(3, Ended::Rst), (1, Ended::Evicted)]);
    assert_eq!((wire.connections.evicted, wire.connections.evicted_packets), (1, 0));
    // New bytes of the evicted one are counted, and copies are not.
    wire.data(1, true, 100, REQUEST);
    assert_eq!(wire.connections.evicted_packets, 0);
    wire.data(1, true, after(100, REQUEST), b"new");
    assert_eq!(wire.connections.evicted_packets, 1);
    // Connections that are not known to be WebSockets give way if they are many.
    for port in 11..=13 {
        wire.segment(port, true, SYN);
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
        wire.reset(2);
        let began = wire.now;
        let mut ended = Vec::new();
        // One second after the other: a packet of a third connection moves the clock.
        for second in 1..=500 {
            wire.now = began + second * SECOND;
            wire.segment(3, true, SYN);
            for (port, how) in wire.seen.ended.drain(..) {
                ended.push((port, second - 1, how));
            }
        }
        assert_eq!(ended, expected, "{idle_timeout:?}");
    }
}

/// Connections that are not known to be WebSockets give way to others if they are more than a quarter.
#[test]
fn many_handshakes_give_way_before_websockets() {
    let mut wire = Wire::new(Options { max_connections: 8, ..Options::default() });
    for port in 1..=6 {
        wire.open(port);
        wire.now += SECOND;
    }
    for port in 11..=12 {
        wire.segment(port, true, SYN);
        wire.now += SECOND;
    }
    // A quarter is not too many: the connection used least recently ends.
    wire.segment(13, true, SYN);
    assert_eq!(wire.seen.ended, [(1, Ended::Evicted)]);
    wire.segment(14, true, SYN);
    assert_eq!(wire.seen.ended.len(), 1);
    let ports = [2, 3, 4, 5, 6, 11, 12, 13, 14];
    let live: Vec<_> = ports.into_iter().filter(|port| wire.is_live(*port)).collect();
    assert_eq!(live, [2, 3, 4, 5, 6, 12, 13, 14]);
}

/// After a RST that the endpoints did not see, the connection goes on; after its end it does not.
#[test]
fn connection_goes_on_after_a_reset_but_not_after_its_end() {
    for (is_reset, goes_on) in [(true, true), (false, false)] {
        let mut wire = Wire::new(Options::default());
        let (client, server) = wire.open(1);
        if is_reset {
            wire.segment(1, true, Segment { sequence: client, rst: true, ..Segment::default() });
        } else {
            wire.close(1, client, server);
        }
        wire.now += 400 * SECOND;
        wire.open(2);
        let ended = if is_reset { Ended::Rst } else { Ended::Fin };
        assert_eq!(wire.seen.ended, [(1, ended)]);
        wire.data(1, true, client, FROM_CLIENT);
        assert_eq!(wire.is_live(1), goes_on);
    }
}

/// The time of a packet that is far after the others counts once the next one confirms it, and then the
/// connection was not idle.
#[test]
fn connection_with_a_doubtful_time_has_not_been_idle() {
    let mut wire = Wire::new(Options { idle_timeout: Some(100 * SECOND), ..Options::default() });
    let (client, _) = wire.open(1);
    wire.now += 200 * SECOND;
    wire.data(1, true, client, FROM_CLIENT);
    wire.now += SECOND;
    wire.open(2);
    assert!(wire.is_live(1) && wire.seen.ended.is_empty());
    wire.now += 50 * SECOND;
    wire.open(3);
    wire.now += 50 * SECOND;
    wire.open(4);
    assert_eq!(wire.seen.ended, [(1, Ended::Idle)]);
}

/// Neither an acknowledgment alone nor a RST opens a connection.
#[test]
fn only_a_syn_or_payload_opens_a_connection() {
    let mut wire = Wire::new(Options::default());
    let nothing = Segment { sequence: 100, acknowledgment: Some(5), ..Segment::default() };
    let data = Segment { bytes: b"abc", ..nothing };
    for (segment, opens) in [
        (nothing, false),
        (Segment { fin: true, ..nothing }, false),
        (Segment { rst: true, ..nothing }, false),
        (Segment { rst: true, ..data }, false),
        (data, true),
        (Segment { cut: 5, ..nothing }, true),
        (Segment { syn: true, ..nothing }, true),
    ] {
        wire.segment(1, true, segment);
        assert_eq!(wire.connections.live_connections(), usize::from(opens), "{segment:?}");
        wire.connections = Connections::new(Options::default());
    }
}

/// The SYN that opens a connection acknowledges nothing: another one that does tells nothing of the server.
#[test]
fn stray_acknowledgment_of_a_syn_does_not_begin_the_other_direction() {
    let mut wire = Wire::new(Options::default());
    wire.segment(1, true, SYN);
    wire.segment(1, true, Segment { acknowledgment: Some(0x4000_0000), ..SYN });
    let (client, server) = wire.open(1);
    wire.data(1, true, client, FROM_CLIENT);
    wire.data(1, false, server, FROM_SERVER);
    assert_eq!((wire.seen.messages, wire.seen.incomplete.len()), (2, 0));
}

/// After both FINs a connection has ended by them, whatever its last bytes were waited for.
#[test]
fn connection_with_a_hole_before_its_fin_has_ended_by_it() {
    let mut wire = Wire::new(Options::default());
    let (client, server) = wire.open(1);
    wire.close(1, client + 5, server);
    assert!(wire.is_live(1));
    assert_eq!(wire.finish().ended, [(1, Ended::Fin)]);
}

/// A second answer to the SYN of a connection replaces what the first one began only as long as nothing
/// was read of it. Else it belongs to another connection.
#[test]
fn other_answer_to_a_syn_is_of_another_connection_once_bytes_were_read() {
    let answer = Segment { sequence: 0x4000_0000, acknowledgment: Some(100), ..SYN };
    let confirmed =
        Segment { sequence: 100, acknowledgment: Some(0x4000_0001), ..Segment::default() };
    let mut wire = Wire::new(Options::default());
    wire.open(1);
    wire.segment(1, false, answer);
    wire.segment(1, true, confirmed);
    assert_eq!(wire.seen.ended, [(1, Ended::Replaced)]);

    let mut wire = Wire::new(Options::default());
    wire.segment(1, true, SYN);
    wire.segment(1, false, Segment { sequence: 7, ..answer });
    wire.segment(1, false, answer);
    wire.segment(1, true, confirmed);
    wire.data(1, true, 100, REQUEST);
    wire.data(1, false, 0x4000_0001, ANSWER);
    wire.data(1, false, after(0x4000_0001, ANSWER), FROM_SERVER);
    assert_eq!((wire.seen.messages, wire.seen.incomplete.len()), (1, 0));
    assert!(wire.seen.ended.is_empty());
}

/// A SYN that acknowledges nothing tells who opens the connection, also after a stray answer of its sender,
/// which told it the other way round.
#[test]
fn opener_is_known_whichever_end_it_is() {
    for from_first in [true, false] {
        let mut wire = Wire::new(Options::default());
        wire.segment(1, from_first, Segment { acknowledgment: Some(0x4000_0000), ..SYN });
        let (client, server) = wire.open_from(1, from_first, SYN.sequence);
        wire.data(1, from_first, client, FROM_CLIENT);
        wire.data(1, !from_first, server, FROM_SERVER);
        assert_eq!((wire.seen.messages, wire.seen.incomplete.len()), (2, 0), "{from_first}");
    }
}

/// A SYN that comes after the data that it was before ends their wait.
#[test]
fn late_syn_tells_where_the_waiting_bytes_begin() {
    let mut wire = Wire::new(Options::default());
    wire.data(1, true, 100, REQUEST);
    assert!(wire.connections.total_held > 0 && wire.live(1).beginning.is_some());
    wire.segment(1, true, SYN);
    assert!(wire.connections.total_held == 0 && wire.live(1).beginning.is_none());
}

/// It also tells which end is the client, as an answer does.
#[test]
fn late_syn_tells_who_the_client_is() {
    for (sender, acknowledgment, client) in
        [(0, None, 0), (1, None, 1), (0, Some(5_000), 1), (1, Some(5_000), 0)]
    {
        let mut wire = Wire::new(Options::default());
        wire.data(1, sender == 0, 100, if sender == client { REQUEST } else { ANSWER });
        let syn = Segment { acknowledgment, ..SYN };
        wire.segment(1, sender == 0, syn);
        let transport = &wire.live(1).conversation.transport;
        let found = [0, 1].map(|end| transport.is_client(end));
        assert_eq!(found, [client == 0, client == 1], "{sender} {acknowledgment:?}");
        // What comes first has to be a handshake then: frames are not searched for.
        let mut wire = Wire::new(Options::default());
        wire.data(1, sender == 0, 100, b"abc");
        assert!(wire.is_live(1));
        wire.segment(1, sender == 0, syn);
        assert!(!wire.is_live(1), "{sender} {acknowledgment:?}");
    }
}

/// Only connections that the filter's ports and addresses want are counted.
#[test]
fn ended_connections_are_counted_if_they_are_wanted() {
    for (port, is_wanted) in [(80, true), (81, false)] {
        let mut options = Options::default();
        options.filter.ports = vec![port];
        let mut wire = Wire::new(options);
        wire.open(1);
        assert!(wire.connections.finish(&mut wire.seen));
        let has_counted = wire.connections.protocols != ProtocolCounts::default();
        assert_eq!(has_counted, is_wanted);
    }
}
