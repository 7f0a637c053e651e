//! Records that are whole, lost, padded or broken.

use crate::stream_part::GapKind;
use crate::tls::session_tests::connections::{SUITES12, SUITES13, Tls12, Tls13, master_log};
use crate::tls::testing::*;
use crate::tls_facts::TlsStatus;

#[test]
fn intact_tls13_is_read() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        tls.send(SERVER, HANDSHAKE, &message(4, &[3; 200]));
        tls.data(CLIENT, "GET / HTTP/1.1\r\n").data(SERVER, "HTTP/1.1 101\r\n");
        tls.data(CLIENT, "one").data(CLIENT, "").data(CLIENT, "two").send(CLIENT, ALERT, &[1, 0]);
        let received = tls.receive();
        assert_eq!(received.text(CLIENT), "GET / HTTP/1.1\r\nonetwo");
        assert_eq!(received.text(SERVER), "HTTP/1.1 101\r\n");
        assert_eq!(received.parts, [vec![14], vec![16, 3, 3]]);
        assert_eq!(received.gaps, [vec![], vec![]]);
        let facts = &received.facts;
        assert_eq!(
            (facts.status, facts.version, facts.cipher),
            (TlsStatus::Ok, Some(0x0304), Some(suite))
        );
        assert_eq!(facts.server_name.as_deref(), Some("example.test"));
        assert_eq!((facts.alpn.as_deref(), facts.resumed), (Some("http/1.1"), Some(false)));
        assert_eq!(
            (facts.key_source, facts.bad_tags, facts.found_by_trial),
            (Some("key_log"), 0, 0)
        );
        let account = received.accounts[CLIENT];
        assert_eq!((account.application, account.undecryptable, account.missing), (22, 0, 0));
        assert_eq!(account.overhead, 4 * 22);
    }
}

#[test]
fn a_lost_record_leaves_a_gap_of_its_length() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        tls.data(CLIENT, "one").lose(CLIENT, DATA, b"lost!").data(CLIENT, "two");
        let received = tls.receive();
        assert_eq!(received.text(CLIENT), "onetwo");
        assert_eq!(received.gaps[CLIENT], [(3, 5, GapKind::Likely)]);
        assert_eq!(received.facts.found_by_trial, 1);
    }
}

#[test]
fn intact_tls12_is_read() {
    for suite in SUITES12 {
        let mut tls = Tls12::new(suite);
        tls.data(CLIENT, "GET").data(SERVER, "101").data(CLIENT, "one").data(SERVER, "two");
        let received = receive(&tls.sent, &mut keys(&master_log()));
        assert_eq!(
            (received.text(CLIENT), received.text(SERVER)),
            ("GETone".into(), "101two".into())
        );
        let facts = &received.facts;
        assert_eq!((facts.status, facts.version), (TlsStatus::Ok, Some(0x0303)));
        assert_eq!((facts.resumed, facts.bad_tags), (Some(false), 0));
        assert_eq!(received.gaps, [vec![], vec![]]);
        assert_eq!(received.accounts[CLIENT].undecryptable, 0);
    }
}

#[test]
fn lost_records_of_tls12_leave_a_gap_of_their_length() {
    for suite in SUITES12 {
        let mut tls = Tls12::new(suite);
        tls.data(CLIENT, "one").lose(CLIENT, DATA, b"lost!").lose(CLIENT, DATA, b"too");
        tls.data(CLIENT, "two");
        let received = receive(&tls.sent, &mut keys(&master_log()));
        assert_eq!(received.text(CLIENT), "onetwo");
        assert_eq!(received.gaps[CLIENT], [(3, 8, GapKind::Likely)]);
    }
}

#[test]
fn padding_is_removed() {
    let mut tls = Tls13::new(0x1301, 32);
    let record = tls.sealers[CLIENT].seal_padded(DATA, b"padded", 100);
    tls.sent.push(Sent::Bytes(CLIENT, record));
    let received = tls.receive();
    assert_eq!(received.text(CLIENT), "padded");
    assert_eq!(received.accounts[CLIENT].overhead, 122);
}

#[test]
fn a_wrong_tag_costs_its_record_alone() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        tls.data(CLIENT, "one").data(CLIENT, "broken").data(CLIENT, "two");
        let broken = tls.sent.len() - 2;
        if let Sent::Bytes(_, bytes) = &mut tls.sent[broken] {
            bytes[7] ^= 1;
        }
        let received = tls.receive();
        assert_eq!(received.text(CLIENT), "onetwo");
        assert_eq!(received.gaps[CLIENT], [(3, 6, GapKind::Likely)]);
        let facts = &received.facts;
        let packet = facts.first_bad_tag.map(|origin| origin.packet);
        assert_eq!((facts.bad_tags, packet), (1, Some(broken as u64 + 1)));
    }
}
