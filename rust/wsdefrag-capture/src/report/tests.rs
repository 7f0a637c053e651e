//! Reports are read back by a decoder that follows what `rows.rs`, `contents.rs` and `packer.rs` say.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde_json::Value;
use wsdefrag_core::error::Kind;
use wsdefrag_core::{Error, Opcode};

use super::*;
use crate::event::{GapCost, GapEffect};
use crate::message::Status;
use crate::packet::Origin;

fn message(connection: u64, seq: u64, content: &[u8]) -> Message {
    Message {
        connection,
        seq,
        from_client: seq.is_multiple_of(2),
        opcode: Opcode::Text,
        content: content.to_vec(),
        timestamp: 1_700_000_000_123_456_789 + i64::try_from(seq).unwrap() * 1_000,
        first_timestamp: 1_700_000_000_123_456_700 + i64::try_from(seq).unwrap() * 1_000,
        dropped: false,
        injected: false,
        frames: 1,
        wire_length: content.len() as u64 + 6,
        payload_length: content.len() as u64,
        compressed: false,
        status: Status::Ok,
        missing_bytes: 0,
        resynced: false,
        unauthenticated: false,
        first_packet: 10 + seq,
        last_packet: 11 + seq,
        file: 0,
    }
}

fn event(event: u64, detail: Detail) -> CaptureEvent {
    let origin = Some(Origin { packet: 9, file: 0, time: 1_700_000_000_000_000_000 });
    CaptureEvent {
        connection: 3,
        from_client: true,
        event,
        seq: 0,
        offset: 17,
        length: 5,
        missing_bytes: 5,
        first: origin,
        last: origin,
        resynced: false,
        detail,
    }
}

fn gap(event_number: u64, is_final: bool) -> CaptureEvent {
    let cost =
        GapCost { effect: GapEffect::Window, incomplete: 1, undecodable: 2, lost: 0, is_final };
    event(event_number, Detail::Gap(cost))
}

/// A report with contents, and its page.
fn page(rows: impl FnOnce(&mut Report)) -> String {
    written(ReportOptions { content: true, ..ReportOptions::default() }, rows)
}

fn written(options: ReportOptions, rows: impl FnOnce(&mut Report)) -> String {
    let mut report = Report::new(options);
    rows(&mut report);
    report.finish().unwrap();
    let (mut page, mut taken) = (Vec::new(), usize::MAX);
    // What is left after the end comes in steps, too.
    while taken != page.len() {
        taken = page.len();
        report.take(&mut page).unwrap();
    }
    String::from_utf8(page).unwrap()
}

/// The bytes of the elements of a class, and their attributes.
fn elements(page: &str, class: &str) -> Vec<(String, Vec<u8>)> {
    let start = format!("<script type=\"application/octet-stream\" class=\"{class}\"");
    let parts = page.split(&start).skip(1);
    let element = |part: &str| {
        let (attributes, rest) = part.split_once('>').unwrap();
        let (text, _) = rest.split_once("</script>").unwrap();
        let mut bytes = Vec::new();
        let packed = base85::decoded(text);
        ZlibDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        (attributes.to_owned(), bytes)
    };
    parts.map(element).collect()
}

fn contents(page: &str) -> Vec<u8> {
    elements(page, "contents").into_iter().flat_map(|(_, bytes)| bytes).collect()
}

fn summary(page: &str) -> Value {
    let parts = elements(page, "summary");
    assert_eq!(parts.len(), 1);
    serde_json::from_slice(&parts[0].1).unwrap()
}

/// The columns of an element with this many rows: the kinds, the statuses, and the numbers.
fn columns(bytes: &[u8], rows: usize) -> (Vec<u8>, Vec<u8>, Vec<Vec<u64>>) {
    let (kinds, rest) = bytes.split_at(rows);
    let (statuses, mut rest) = rest.split_at(rows);
    let mut columns = Vec::new();
    while !rest.is_empty() {
        let mut column = Vec::new();
        for _ in 0..rows {
            let mut number = 0;
            let mut shift = 0;
            loop {
                let byte;
                (byte, rest) = (rest[0], &rest[1..]);
                number |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            column.push(number);
        }
        columns.push(column);
    }
    (kinds.to_vec(), statuses.to_vec(), columns)
}

/// Numbers of which each is the difference from the one before.
fn summed(column: &[u64]) -> Vec<i64> {
    let mut sum = 0_i64;
    let signed = |number: &u64| (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
    column
        .iter()
        .map(|number| {
            sum += signed(number);
            sum
        })
        .collect()
}

#[test]
fn contents_are_in_the_page_in_order() {
    let random: Vec<u8> =
        (0_u32..1 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let texts: [&[u8]; 5] = [b"first", b"", &random, b"after it", &random[..BLOCK]];
    let page = page(|report| {
        for (seq, text) in texts.iter().enumerate() {
            report.message(message(0, seq as u64, text));
        }
    });
    assert!(contents(&page) == texts.concat());
    let blocks = elements(&page, "contents");
    assert!(blocks.iter().rev().skip(1).all(|(_, block)| block.len() == BLOCK));
}

#[test]
fn columns_have_the_values_of_the_rows() {
    let page = page(|report| {
        let refused = Message {
            opcode: Opcode::Binary,
            status: Status::ProtocolError,
            compressed: true,
            frames: 3,
            missing_bytes: 300,
            payload_length: 2,
            wire_length: 12,
            ..message(7, 4, b"abcd")
        };
        report.message(message(7, 2, b"ab"));
        report.message(refused);
        report.message(message(3, 0, b""));
    });
    let parts = elements(&page, "rows");
    assert_eq!(parts[0].0, " data-first=\"0\" data-count=\"3\"");
    let (kinds, statuses, columns) = columns(&parts[0].1, 3);
    assert_eq!(kinds, [0x11, 0x32, 0x11]);
    assert_eq!(statuses, [0, 5, 0]);
    let [
        connection,
        time,
        lasted,
        number,
        length,
        payload,
        overhead,
        frames,
        missing,
        packet,
        packets,
        file,
    ] = &columns[..]
    else {
        panic!("{} columns", columns.len())
    };
    assert_eq!(summed(connection), [7, 7, 3]);
    let base = 1_700_000_000_123_456_789;
    assert_eq!(summed(time), [base + 2_000, base + 4_000, base]);
    assert_eq!(lasted, &[178, 178, 178]);
    // Two messages are left out before the first one, of seq 2, and one more before that of seq 4.
    assert_eq!(number, &[4, 2, 0]);
    assert_eq!(length, &[2, 4, 0]);
    // Two bytes fewer than the content: the zigzag of -2.
    assert_eq!(payload, &[0, 3, 0]);
    assert_eq!(overhead, &[6, 10, 6]);
    assert_eq!(frames, &[1, 3, 1]);
    assert_eq!(missing, &[0, 300, 0]);
    assert_eq!(summed(packet), [13, 15, 11]);
    assert_eq!(packets, &[2, 2, 2]);
    assert_eq!(file, &[0, 0, 0]);
    assert_eq!(summary(&page)["rows"], 3);
}

#[test]
fn elements_of_rows_have_a_fixed_number() {
    let many = rows::ROWS as u64 + 5;
    let page = page(|report| {
        for seq in 0..many {
            report.message(message(0, seq / 2, b""));
        }
    });
    let attributes: Vec<_> = elements(&page, "rows").into_iter().map(|(text, _)| text).collect();
    let expected = [
        format!(" data-first=\"0\" data-count=\"{}\"", rows::ROWS),
        format!(" data-first=\"{}\" data-count=\"5\"", rows::ROWS),
    ];
    assert_eq!(attributes, expected);
}

#[test]
fn gap_has_a_row_in_its_place_and_one_for_its_cost() {
    let page = page(|report| {
        report.gap(&gap(0, false));
        report.message(message(3, 0, b""));
        report.event(event(1, Detail::Ping(b"<!--".to_vec())));
        report.event(gap(0, true));
    });
    let parts = elements(&page, "rows");
    let (kinds, _, columns) = columns(&parts[0].1, 4);
    assert_eq!(kinds, [0x16, 0x11, 0x13, 0x18]);
    // The cost says the number of its gap, two before the next.
    assert_eq!(columns[3], [0, 0, 0, 3]);
    let text = String::from_utf8(contents(&page)).unwrap();
    let details: Vec<Value> =
        serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect();
    let expected = [
        serde_json::json!({"offset": 17, "effect": "window", "incomplete": 1}),
        serde_json::json!({"offset": 17, "payload": "PCEtLQ=="}),
        serde_json::json!({"offset": 17, "effect": "window", "incomplete": 1, "undecodable": 2, "lost": 0}),
    ];
    assert_eq!(details, expected);
}

#[test]
fn events_have_what_their_kinds_have() {
    let close = Detail::Close { payload: vec![3, 232], code: Some(1000), reason: "\"".to_owned() };
    let violation = Detail::Violation(Error { kind: Kind::ReservedOpcode(3), offset: 17 });
    let page = page(|report| {
        report.event(event(0, close));
        report.event(event(1, violation));
    });
    let text = String::from_utf8(contents(&page)).unwrap();
    let mut details = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let close = details.next().unwrap().unwrap();
    assert_eq!((&close["close_code"], &close["close_reason"]), (&1000.into(), &"\"".into()));
    let violation = details.next().unwrap().unwrap();
    assert_eq!(violation["error"], "reserved opcode 0x3 at byte 17 (RFC 6455 section 5.2)");
}

#[test]
fn connections_are_json_lines_as_elsewhere() {
    let mut connection = Connection::of(["192.0.2.1:1000", "192.0.2.2:80"]);
    connection.connection = 7;
    connection.problems = vec!["</script>".to_owned()];
    let mut expected = Vec::new();
    connection_line(&mut expected, &ConnectionRow::of(&connection, Some("a.pcap"))).unwrap();
    let options = ReportOptions { files: vec!["a.pcap".to_owned()], ..ReportOptions::default() };
    let page = written(options, |report| report.ended(connection));
    assert!(elements(&page, "connections")[0].1 == expected);
}

#[test]
fn nothing_of_a_capture_is_markup() {
    let hostile = "</script><script>alert(1)</script><!--<style>]]>&quot;";
    let options = ReportOptions {
        title: hostile.to_owned(),
        files: vec![hostile.to_owned()],
        content: true,
        selection: vec![hostile.to_owned()],
    };
    let page = written(options, |report| {
        let mut connection = Connection::of(["192.0.2.1:1000", "192.0.2.2:80"]);
        connection.problems = vec![hostile.to_owned()];
        report.message(message(0, 0, hostile.as_bytes()));
        report.event(event(0, Detail::Pong(hostile.as_bytes().to_vec())));
        report.ended(connection);
        report.note(hostile.to_owned());
    });
    assert!(!page.contains("alert(1)</script>") && !page.contains("<script>alert"));
    // The program, and four elements of data.
    assert_eq!(page.matches("<script").count(), 5);
    assert_eq!(page.matches("</script").count(), 5);
    assert_eq!(page.matches("<style").count(), 1);
    assert!(!page.contains("<!--"));
    assert_eq!(summary(&page)["notes"][0], hostile);
}

#[test]
fn long_content_is_packed_in_steps() {
    let mut report = Report::new(ReportOptions { content: true, ..ReportOptions::default() });
    let long: Vec<u8> =
        (0_u32..5 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    report.message(message(0, 0, &long));
    let (mut page, mut steps) = (Vec::new(), 0);
    while report.is_full() {
        let mut block = Vec::new();
        report.take(&mut block).unwrap();
        assert!(block.len() < 2 << 20, "{}", block.len());
        page.append(&mut block);
        steps += 1;
    }
    assert!(steps >= 5);
    report.finish().unwrap();
    report.take(&mut page).unwrap();
    assert!(contents(std::str::from_utf8(&page).unwrap()) == long);
    assert!(page.len() < long.len() * 13 / 10);
}

#[test]
fn contents_may_be_left_out() {
    let page = written(ReportOptions::default(), |report| {
        report.message(message(0, 0, b"left out"));
    });
    assert!(elements(&page, "contents").is_empty());
    assert_eq!(summary(&page)["content"], false);
    let (_, _, columns) = columns(&elements(&page, "rows")[0].1, 1);
    // The payload is still known to have eight bytes.
    assert_eq!((columns[4][0], columns[5][0]), (0, 16));
}

#[test]
fn buffer_of_a_content_is_used_again() {
    let mut report = Report::new(ReportOptions { content: true, ..ReportOptions::default() });
    report.message(message(0, 0, b"abc"));
    assert!(report.spare().capacity() >= 3);
}

#[test]
fn report_of_nothing_is_a_page() {
    let page = page(|_| {});
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(summary(&page)["rows"], 0);
}
