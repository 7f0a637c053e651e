//! Connections that several threads or readers have parts of.

use super::*;
use crate::share::Share;
use crate::tcp::connection_table::Class;
use crate::tcp::inflaters::Inflaters;
use crate::tcp::shard_numbers::Numbers;
use crate::threads::report::{Place, Report};

/// The connections of one worker of two.
fn worker(number: usize, options: &Options) -> Wire {
    let mut wire = Wire::new(options.clone());
    wire.connections = Connections::shard(options, (number, 2));
    wire
}

#[test]
fn workers_share_the_memory_of_inflaters() {
    let options = Options { memory: 100 << 20, ..Options::default() };
    let shard = Connections::shard(&options, (1, 4));
    let part = Inflaters::new(&Options { memory: 25 << 20, ..Options::default() });
    assert_eq!(shard.inflaters.most_bytes(), part.most_bytes());
    assert!(shard.inflaters.most_bytes() < Inflaters::new(&options).most_bytes());
}

/// What each worker holds is held by all together, in the order in which it was captured.
#[test]
fn joined_connections_are_those_of_one_thread() {
    let options = Options::default();
    let mut workers = [worker(0, &options), worker(1, &options)];
    let mut numbers = Numbers::new(2);
    let mut number = 0;
    // At the same time, in turn; the last ones wait for their beginnings.
    for port in 1..=4 {
        for (index, worker) in workers.iter_mut().enumerate() {
            let port = 10 * port + u16::try_from(index).unwrap();
            worker.number = number;
            worker.open(port);
            number = worker.number;
            numbers.take(index);
        }
    }
    let mut held = 0;
    for (worker, evicted_packets) in workers.iter_mut().zip([3, 4]) {
        worker.connections.evicted_packets = evicted_packets;
        worker.connections.tenants.add(key(5_000), |_| true).unwrap();
    }
    for (index, worker) in workers.iter_mut().enumerate() {
        worker.number = number;
        worker.data(90 + u16::try_from(index).unwrap(), true, 500, &[b'a'; 1_000]);
        number = worker.number;
        numbers.take(index);
        held += worker.connections.total_held;
        assert!(worker.connections.bytes_to_join() > 0);
        assert_eq!(worker.connections.bytes_to_join(), worker.connections.table.bytes_to_move());
    }
    assert!(held >= 2_000);
    let used: usize = workers.iter().map(Wire::used).sum();
    let mut all = Wire::new(options);
    let shards = workers.map(|worker| worker.connections).into_iter().collect();
    all.connections.join(shards, &numbers);
    all.check();
    assert!(!all.connections.tenants.is_empty());
    assert_eq!((all.connections.total_held, all.used()), (held, used));
    assert_eq!((all.connections.next_number, all.connections.evicted_packets), (10, 7));
    let table = &mut all.connections.table;
    let mut next = table.oldest(Class::WebSocket).map(|(index, _)| index);
    let mut order = Vec::new();
    while let Some(index) = next {
        next = table.newer(index);
        let Some(Entry::Live(live)) = table.get(index) else { panic!("it is live") };
        order.push(live.conversation.transport.number);
    }
    assert_eq!(order, (0..8).collect::<Vec<_>>());
}

/// A worker is asked whether a connection has been silent for too long, before the next packet.
#[test]
fn silence_is_told_when_it_is_over() {
    for (idle, limits) in [
        // How many seconds no connection, a WebSocket, and one after a RST may be silent.
        (None, [None, None, Some(300)]),
        (Some(400), [None, Some(400), Some(300)]),
        (Some(100), [None, Some(100), Some(100)]),
    ] {
        let idle_timeout = idle.map(|seconds| seconds * SECOND);
        let mut wire = Wire::new(Options { idle_timeout, ..Options::default() });
        for (step, limit) in limits.into_iter().enumerate() {
            match step {
                0 => {}
                1 => drop(wire.open(1)),
                _ => wire.reset(1),
            }
            let mut is_over = |now: i64| {
                let is_over = wire.connections.silent_ones().iter().any(|one| one.is_over(now));
                assert_eq!(is_over, wire.connections.is_silent(now));
                is_over
            };
            let found = match limit.map(|seconds: i64| wire.now + seconds * SECOND) {
                Some(end) => [is_over(end), is_over(end + 1)],
                None => [is_over(0), is_over(i64::MAX)],
            };
            assert_eq!(found, [false, limit.is_some()], "{idle:?} {step}");
        }
    }
}

/// Those that end with the same packet end list by list, whenever their last packets came.
#[test]
fn silent_connections_end_in_the_order_of_their_lists() {
    let timeout = Some(100 * SECOND);
    let mut wire = Wire::new(Options { idle_timeout: timeout, ..Options::default() });
    wire.segment(1, true, SYN);
    wire.open(2);
    wire.open(3);
    wire.reset(3);
    let order: Vec<u64> = wire.connections.silent_ones().iter().map(|one| one.order).collect();
    assert_eq!(order.len(), 4, "closing ones are in two lists");
    assert!(order.is_sorted());
    // In the first list they have the order of their packets.
    assert_eq!(order[0], wire.number);
}

/// A reader of a share stops where one reader of all connections would have given memory back.
#[test]
fn reader_of_a_share_says_when_it_has_outgrown_its_part() {
    for share in [None, Share::new(0, 2)] {
        let mut options = Options { memory: 1 << 20, ..Options::default() };
        options.filter.share = share;
        let mut wire = Wire::new(options);
        assert_eq!(wire.connections.outgrown(), None);
        let most = wire.connections.ledger.most();
        for port in 1..=100 {
            let (_, server) = wire.open(port);
            wire.data(port, false, server, LARGE);
            wire.data(port, false, server + 10, b"a");
        }
        assert!(wire.connections.has_met_limit);
        assert_eq!(wire.connections.outgrown(), share.map(|_| most));
    }
}

/// Each name of a TLS server has the place of the packet with which it came.
#[test]
fn names_of_servers_have_places() {
    let mut shard = Connections::shard(&Options::default(), (0, 2));
    let mut report = Report::default();
    for packet in 1..=3 {
        if packet != 2 {
            shard.tls.add_server(&format!("server{packet}.example"));
        }
        shard.note_peaks(Place { packet, order: 0 }, false, &mut report);
    }
    let places: Vec<u64> = shard.server_places.iter().map(|place| place.packet).collect();
    assert_eq!(places, [1, 3]);
}
