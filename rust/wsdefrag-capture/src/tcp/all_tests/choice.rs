//! Which of several connections with the same addresses and ports a packet belongs to.

use super::*;

/// A tenant goes on after the first one of its addresses and ports was forgotten.
#[test]
fn tenant_goes_on_when_the_first_one_is_gone() {
    let mut wire = Wire::new(Options::default());
    wire.tags = 7;
    let (first_client, first_server) = wire.open_at(1, 99);
    wire.tags = 8;
    let (client, _) = wire.open_at(1, 0x4000_0000);
    assert_eq!(wire.connections.live_connections(), 2);
    wire.tags = 7;
    wire.close(1, first_client, first_server);
    assert!(!wire.is_live(1));
    let index = wire.index(1).unwrap();
    wire.connections.forget(index);
    wire.tags = 8;
    wire.data(1, true, client, FROM_CLIENT);
    assert_eq!((wire.seen.messages, wire.connections.live_connections()), (1, 1));
}

/// A packet that fits no connection and opens none leaves no trace.
#[test]
fn packet_that_opens_nothing_makes_no_tenant() {
    let far =
        Segment { sequence: 0x4000_0000, acknowledgment: Some(0x4100_0000), ..Segment::default() };
    let data = Segment { bytes: b"abc", ..far };
    let syn = Segment { acknowledgment: None, syn: true, ..far };
    for (segment, makes_one) in [
        (far, false),
        (Segment { fin: true, ..far }, false),
        (Segment { rst: true, ..far }, false),
        (Segment { rst: true, ..data }, false),
        (data, true),
        (Segment { cut: 3, ..far }, true),
        (syn, true),
    ] {
        let mut wire = Wire::new(Options::default());
        wire.tags = 7;
        wire.open(1);
        wire.tags = 8;
        wire.segment(1, true, segment);
        assert_eq!(!wire.connections.tenants.is_empty(), makes_one, "{segment:?}");
        assert_eq!(wire.connections.live_connections(), 1 + usize::from(makes_one));
    }
}

/// A packet that fits two connections equally well is one of the first.
#[test]
fn first_of_equal_fits_is_chosen() {
    let mut wire = Wire::new(Options::default());
    wire.tags = 7;
    let (client, _) = wire.open_at(1, 99);
    wire.tags = 8;
    let (_, server) = wire.open_at(1, 0x4000_0000);
    wire.tags = 9;
    let between = Segment { sequence: client, acknowledgment: Some(server), ..Segment::default() };
    wire.segment(1, true, between);
    assert!(wire.live(1).tags.has(0, 9));
    assert_eq!(wire.connections.live_connections(), 2);
}

/// A connection that is no WebSocket goes on, so another SYN under other tags is another tenant's. One that has
/// ended leaves its ports to the next.
#[test]
fn syn_under_other_tags_is_of_a_tenant_unless_the_connection_has_ended() {
    for is_websocket in [true, false] {
        let mut wire = Wire::new(Options::default());
        wire.tags = 7;
        if is_websocket {
            let (client, server) = wire.open(1);
            wire.close(1, client, server);
        } else {
            wire.segment(1, true, SYN);
            wire.data(1, true, 100, NO_WEBSOCKET);
        }
        assert!(!wire.is_live(1));
        wire.tags = 8;
        wire.open_at(1, 0x4000_0000);
        assert_eq!(wire.connections.live_connections(), 1);
        assert_eq!(wire.connections.tenants.is_empty(), is_websocket);
    }
}

/// The tags that are remembered of a connection take memory, also when one of them comes again.
#[test]
fn memory_of_tags_is_measured_with_each_packet() {
    let mut wire = Wire::new(Options::default());
    wire.tags = 1;
    let (client, server) = wire.open(1);
    let before = wire.used();
    for tags in [2, 3, 4, 5, 1, 2] {
        wire.tags = tags;
        let nothing =
            Segment { sequence: client, acknowledgment: Some(server), ..Segment::default() };
        wire.segment(1, true, nothing);
    }
    assert_eq!(wire.used() - before, wire.live(1).tags.bytes_held());
    assert!(wire.live(1).tags.bytes_held() >= 5 * size_of::<(usize, u64)>());
}
