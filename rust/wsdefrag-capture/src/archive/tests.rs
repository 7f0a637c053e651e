//! Where rows wait, and how many bytes are taken at a time, does not show in an archive.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wsdefrag_core::Opcode;

use super::archive_output::Archive;
use super::spool::Spool;
use crate::connection::{Connection, Ended};
use crate::event::{CaptureEvent, Detail, GapCost, GapEffect};
use crate::message::{Message, Status};
use crate::output::Output;
use crate::packet::Origin;

/// Bytes in memory, and how many were ever appended.
#[derive(Default)]
pub(super) struct Bytes(Vec<u8>, Arc<AtomicU64>);

impl Spool for Bytes {
    fn append(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(position, self.0.len() as u64);
        self.0.extend(bytes);
        self.1.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn read(&mut self, position: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(position).unwrap();
        bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear();
        Ok(())
    }
}

/// A disk without room.
struct Full;

impl Spool for Full {
    fn append(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn read(&mut self, _: u64, _: &mut [u8]) -> io::Result<()> {
        unreachable!()
    }

    fn clear(&mut self) -> io::Result<()> {
        unreachable!()
    }
}

fn connection(number: u64) -> Connection {
    Connection { connection: number, ..Connection::of(["192.0.2.1:50000", "192.0.2.2:80"]) }
}

fn message(connection: u64, seq: u64, opcode: Opcode, content: Vec<u8>) -> Message {
    Message {
        connection,
        seq,
        from_client: seq.is_multiple_of(2),
        opcode,
        content,
        timestamp: 1_700_000_000_123_456_789,
        first_timestamp: 1_700_000_000_000_000_000,
        dropped: false,
        injected: false,
        frames: 1,
        wire_length: 0,
        payload_length: 0,
        compressed: false,
        status: Status::Ok,
        missing_bytes: 0,
        resynced: false,
        unauthenticated: false,
        first_packet: 1,
        last_packet: 2,
        file: 0,
    }
}

fn gap(connection: u64, event: u64, lost: Option<u64>) -> CaptureEvent {
    let cost = GapCost {
        effect: GapEffect::Search,
        incomplete: 1,
        undecodable: 0,
        lost: lost.unwrap_or(0),
        is_final: lost.is_some(),
    };
    CaptureEvent {
        connection,
        from_client: true,
        event,
        seq: 0,
        offset: 7,
        length: 1000,
        missing_bytes: 1000,
        first: Some(Origin { packet: 3, time: 1_700_000_000_000_000_000, file: 0 }),
        last: None,
        resynced: false,
        detail: Detail::Gap(cost),
    }
}

/// The blocks of an output that is given rows of 20 connections, two of them with much content.
fn written(archive: Archive, spool: Option<Box<dyn Spool>>) -> (Vec<u8>, usize, usize) {
    let mut output = archive.output(vec!["a.pcap".to_owned()], spool);
    let (mut all, mut block) = (Vec::new(), Vec::new());
    let (mut most_held, mut largest) = (0, 0);
    let mut take = |output: &mut Box<dyn Output + Send>, all: &mut Vec<u8>| {
        while output.is_full() {
            block.clear();
            output.take(&mut block).unwrap();
            largest = largest.max(block.len());
            all.extend_from_slice(&block);
        }
    };
    for number in 0..20 {
        output.opened(&connection(number));
    }
    for seq in 0..300_u64 {
        for number in 0..20 {
            let length = if number < 2 { 200_000 } else { 300 };
            let (opcode, content) = match seq % 3 {
                0 => (Opcode::Text, "ä\u{7}b".repeat(length / 4).into_bytes()),
                1 => (Opcode::Text, b"{\"a\": \xff}".to_vec()),
                _ => (Opcode::Binary, vec![seq.to_le_bytes()[0]; length]),
            };
            output.message(message(number, seq, opcode, content));
            if seq % 100 == 50 {
                output.gap(&gap(number, seq, None));
            }
            most_held = most_held.max(output.bytes_held());
        }
        // The cost of a gap becomes certain later, and comes in another order.
        if seq % 100 == 60 {
            for number in (0..20).rev() {
                output.event(gap(number, seq - 10, Some(1234 + seq)));
            }
        }
        take(&mut output, &mut all);
    }
    for number in 0..20 {
        output.ended(Connection { ended: Some(Ended::Fin), ..connection(number) });
        take(&mut output, &mut all);
    }
    output.finish().unwrap();
    loop {
        let mut block = Vec::new();
        output.take(&mut block).unwrap();
        if block.is_empty() {
            break;
        }
        all.extend(block);
    }
    assert_eq!(output.rows(), 20);
    (all, most_held, largest)
}

#[test]
fn spool_does_not_show_and_bounds_the_memory() {
    for archive in [Archive::Har, Archive::Flows] {
        let (expected, held, _) = written(archive, None);
        assert!(held > 60 << 20, "{held}");
        let spool = Bytes::default();
        let spooled = Arc::clone(&spool.1);
        let (found, held, largest) = written(archive, Some(Box::new(spool)));
        assert!(found == expected);
        assert!(held <= 48 << 20, "{held}");
        assert!(spooled.load(Ordering::Relaxed) > 1 << 20);
        assert!(largest <= 6 << 20, "{largest}");
    }
}

#[test]
fn archive_is_json_with_the_gaps_in_their_places() {
    let (found, ..) = written(Archive::Har, Some(Box::<Bytes>::default()));
    let log: serde_json::Value = serde_json::from_slice(&found).unwrap();
    let entries = log["log"]["entries"].as_array().unwrap();
    for entry in entries {
        let messages = entry["_webSocketMessages"].as_array().unwrap();
        assert_eq!(messages.len(), 303);
        for (index, seq) in [(51, 50), (152, 150), (253, 250)] {
            assert_eq!(messages[index]["_kind"], "gap");
            let text = messages[index]["data"].as_str().unwrap();
            let lost = format!("1 message incomplete; 1,{} bytes lost", 234 + seq + 10);
            assert!(text.ends_with(&lost), "{text}");
        }
        assert_eq!(messages[0]["data"].as_str().unwrap().chars().next(), Some('ä'));
        assert_eq!(entry["_webSocketEvents"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn full_disk_is_an_error_of_the_next_block() {
    let mut output = Archive::Flows.output(Vec::new(), Some(Box::new(Full)));
    output.opened(&connection(0));
    let mut seq = 0;
    while !output.is_full() {
        output.message(message(0, seq, Opcode::Binary, vec![0; 1 << 20]));
        seq += 1;
        assert!(seq < 100);
    }
    let mut block = Vec::new();
    assert!(output.take(&mut block).is_err());
    output.ended(connection(0));
    output.finish().unwrap();
    output.take(&mut block).unwrap();
    assert!(block.is_empty());
}
