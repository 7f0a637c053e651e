//! How many connections are remembered, and the memory of tables.

use super::*;

fn with_memory(memory: usize) -> Wire {
    Wire::new(Options { memory, ..Options::default() })
}

/// Ports whose connections have one bucket, and this bucket.
fn of_one_bucket(count: usize) -> (Vec<u16>, u8) {
    let bucket = key(1).bucket();
    ((1..).filter(|port| key(*port).bucket() == bucket).take(count).collect(), bucket)
}

#[test]
fn past_connections_take_a_sixteenth_of_the_memory_up_to_a_number() {
    let max_past = |memory| with_memory(memory).connections.max_past();
    for (all, each) in [(0, 0), (1, 1), (64, 1), (65, 2), (6_400, 100), (1 << 20, 1024)] {
        assert_eq!(max_past(all * 16 * IN_TABLE), each, "{all}");
    }
    assert_eq!(max_past(65 * 16 * IN_TABLE - 1), 1);
    assert_eq!(max_past(65_536 * 16 * IN_TABLE), 1024);
}

/// When another one opens, no more are remembered of its bucket than may be.
#[test]
fn oldest_past_connections_of_a_bucket_are_forgotten() {
    let mut wire = with_memory(64 * 16 * IN_TABLE);
    assert_eq!(wire.connections.max_past(), 1);
    let (ports, bucket) = of_one_bucket(5);
    let past = ports.into_iter().map(|port| {
        wire.segment(port, true, SYN);
        wire.data(port, true, 100, NO_WEBSOCKET);
        wire.connections.table.past(bucket)
    });
    assert_eq!(past.collect::<Vec<_>>(), [1, 2, 2, 2, 2]);
    assert_eq!(wire.connections.live_connections(), 0);
}

/// A past connection of which bytes come is forgotten later, but not for an acknowledgment.
#[test]
fn past_connection_that_goes_on_is_remembered_for_longer() {
    let mut wire = with_memory(1 << 30);
    let (ports, bucket) = of_one_bucket(3);
    let oldest = |wire: &Wire| {
        let index = wire.connections.table.oldest_past(bucket);
        assert!(index.is_some());
        ports.iter().position(|port| wire.index(*port) == index)
    };
    for port in &ports {
        wire.segment(*port, true, SYN);
        wire.data(*port, true, 100, NO_WEBSOCKET);
    }
    assert_eq!(oldest(&wire), Some(0));
    wire.data(ports[0], true, 100, b"");
    assert_eq!(oldest(&wire), Some(0));
    wire.data(ports[0], true, 100, b"more of them");
    assert_eq!(oldest(&wire), Some(1));
}

#[test]
fn memory_of_tables_is_that_of_each_connection() {
    let mut wire = with_memory(1 << 30);
    assert_eq!(wire.connections.growth(7), wire.connections.table.growth(7));
    assert_eq!(wire.connections.bytes_to_finish(), 0);
    let rows = 4 * size_of::<Connection>();
    for port in 1..=5_000 {
        wire.packet(port, true, SYN);
        let live = usize::from(port);
        let connections = &wire.connections;
        assert_eq!(connections.live_connections(), live);
        assert_eq!(connections.growth(7), connections.table.growth(7) + live * 256);
        assert_eq!(connections.bytes_to_finish(), live.min(4_096) * rows + live * 64);
    }
}
