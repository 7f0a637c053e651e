//! Records that were captured in part.

use crate::stream_part::GapKind;
use crate::tls::session_tests::connections::{SUITES12, SUITES13, Tls12, Tls13, master_log};
use crate::tls::testing::*;

#[test]
fn what_was_captured_of_a_record_is_given_out_without_a_tag() {
    let content: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let check = |mut sent: Vec<Sent>, record: Vec<u8>, after: Vec<u8>, start: usize, log: &str| {
        sent.push(Sent::Bytes(CLIENT, record[..1000].to_vec()));
        sent.push(Sent::Lost(CLIENT, 500));
        sent.push(Sent::Bytes(CLIENT, record[1500..2000].to_vec()));
        sent.push(Sent::Bytes(CLIENT, [&record[2000..], &after[..]].concat()));
        let received = receive(&sent, &mut keys(log));
        assert_eq!(received.text(CLIENT), "after");
        let parts = [
            (0, content[..1000 - start].to_vec()),
            (0, content[1500 - start..2000 - start].to_vec()),
            (0, content[2000 - start..].to_vec()),
        ];
        assert_eq!(received.unauthenticated[CLIENT], parts);
        assert_eq!(received.gaps[CLIENT], [(0, 500, GapKind::Exact)]);
        let account = received.accounts[CLIENT];
        assert_eq!((account.undecryptable, account.missing), (0, 500));
    };
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        let record = tls.sealers[CLIENT].seal(DATA, &content);
        let after = tls.sealers[CLIENT].seal(DATA, b"after");
        check(tls.sent, record, after, 5, &tls.secrets.log());
    }
    for suite in SUITES12 {
        let mut tls = Tls12::new(suite);
        let record = tls.sealers[CLIENT].seal(DATA, &content);
        let after = tls.sealers[CLIENT].seal(DATA, b"after");
        let start = if suite == 0xcca8 { 5 } else { 13 };
        check(tls.sent, record, after, start, &master_log());
    }
}

#[test]
fn tickets_and_padding_that_are_captured_in_part_are_not_taken_for_data() {
    let mut tls = Tls13::new(0x1301, 32);
    tls.send(SERVER, HANDSHAKE, &message(4, &[3; 1000]));
    let padded = tls.sealers[SERVER].seal_padded(DATA, b"padded", 1000);
    tls.sent.push(Sent::Bytes(SERVER, padded));
    let mut sent = Vec::new();
    for part in &tls.sent {
        match part {
            Sent::Bytes(SERVER, bytes) if sent.len() > 2 => {
                sent.push(Sent::Bytes(SERVER, bytes[..500].to_vec()));
                sent.push(Sent::Lost(SERVER, 100));
                sent.push(Sent::Bytes(SERVER, bytes[600..].to_vec()));
            }
            part => sent.push(part.clone()),
        }
    }
    sent.push(Sent::Bytes(SERVER, tls.sealers[SERVER].seal(DATA, b"after")));
    let received = receive(&sent, &mut keys(&tls.secrets.log()));
    assert_eq!(received.text(SERVER), "after");
    assert_eq!(received.unauthenticated[SERVER], [(0, b"padded".to_vec())]);
}

#[test]
fn content_that_begins_like_the_end_of_a_record_is_given_out_without_a_tag() {
    // 23 is the type of application data, which stands before the padding.
    for start in [&[0x82, 4, 0, 23][..], &[0x82, 4, 23, 0], &[0x82, 23, 0, 0]] {
        let mut tls = Tls13::new(0x1301, 32);
        let content = [start, &[7; 1000]].concat();
        let record = tls.sealers[CLIENT].seal(DATA, &content);
        let after = tls.sealers[CLIENT].seal(DATA, b"after");
        tls.sent.push(Sent::Bytes(CLIENT, record[..500].to_vec()));
        tls.sent.push(Sent::Lost(CLIENT, 100));
        tls.sent.push(Sent::Bytes(CLIENT, [&record[600..], &after[..]].concat()));
        let received = receive(&tls.sent, &mut keys(&tls.secrets.log()));
        assert_eq!(received.text(CLIENT), "after");
        let parts = [(0, content[..495].to_vec()), (0, content[595..].to_vec())];
        assert_eq!(received.unauthenticated[CLIENT], parts);
    }
}
