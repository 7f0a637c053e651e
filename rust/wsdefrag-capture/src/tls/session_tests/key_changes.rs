//! Keys that change within a connection, and those of an earlier one.
//!
//! RFC 8446 section 4.6.3, RFC 5246 section 7.4.1, RFC 5077.

use crate::stream_part::GapKind;
use crate::tls::session_tests::connections::{MASTER, SUITES13, Tls12, Tls13, master_log};
use crate::tls::testing::*;

#[test]
fn resumed_sessions_without_a_line_of_their_own_are_read() {
    for (session_id, ticket, echoed) in
        [(&[8; 32][..], &b""[..], &[8; 32][..]), (&[6; 32], b"a ticket", &[6; 32])]
    {
        let suite = 0xc02f;
        let mut all = keys(&line_of("CLIENT_RANDOM", &[0xc1; 32], &MASTER));
        let full = Tls12::with(suite, &server_hello(suite, &[8; 32], &[]), b"a ticket");
        receive(&full.sent, &mut all);
        let mut others = keys(&line_of("CLIENT_RANDOM", &[0xee; 32], &[0xee; 48]));
        std::mem::swap(&mut others.resumption, &mut all.resumption);
        let mut resumed = Tls12::resumed(suite, session_id, ticket, echoed);
        resumed.data(CLIENT, "GET").data(SERVER, "101");
        let received = receive(&resumed.sent, &mut others);
        assert_eq!((received.text(CLIENT), received.text(SERVER)), ("GET".into(), "101".into()));
        assert_eq!((received.facts.resumed, received.facts.key_source), (Some(true), None));
    }
}

#[test]
fn renegotiation_changes_the_keys_of_each_side_at_its_own_place() {
    let mut tls = Tls12::new(0xc02f);
    tls.data(CLIENT, "before");
    let again =
        |from_client| Sealer::tls12_with(0xc02f, &[0x77; 48], [0xc2; 32], [0x5f; 32], from_client);
    let mut hello = client_hello(&[], &[]);
    hello[6..38].copy_from_slice(&[0xc2; 32]);
    tls.send(CLIENT, HANDSHAKE, &hello);
    tls.data(SERVER, "between");
    tls.send(SERVER, HANDSHAKE, &server_hello_with([0x5f; 32], 0xc02f, &[9; 32], &[]));
    tls.send(SERVER, HANDSHAKE, &[message(11, &[9; 2000]), message(14, b"")].concat());
    tls.send(CLIENT, HANDSHAKE, &message(16, &[9; 65]));
    tls.send(CLIENT, 20, &[1]);
    tls.sealers[CLIENT] = again(true);
    tls.send(CLIENT, HANDSHAKE, &message(20, &[9; 12]));
    tls.data(SERVER, " and").data(CLIENT, " after");
    tls.send(SERVER, 20, &[1]);
    tls.sealers[SERVER] = again(false);
    tls.send(SERVER, HANDSHAKE, &message(20, &[9; 12])).data(SERVER, " after");
    let log = master_log() + &line_of("CLIENT_RANDOM", &[0xc2; 32], &[0x77; 48]);
    let received = receive(&tls.sent, &mut keys(&log));
    assert_eq!(received.text(CLIENT), "before after");
    assert_eq!(received.text(SERVER), "between and after");
    assert_eq!(received.accounts.map(|account| account.undecryptable), [0, 0]);
}

#[test]
fn key_updates_are_followed() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        tls.data(CLIENT, "one").send(CLIENT, HANDSHAKE, &message(24, &[1]));
        tls.sealers[CLIENT].update();
        tls.data(CLIENT, "two").send(SERVER, HANDSHAKE, &message(24, &[0]));
        tls.sealers[SERVER].update();
        tls.data(SERVER, "three");
        let received = tls.receive();
        assert_eq!(
            (received.text(CLIENT), received.text(SERVER)),
            ("onetwo".into(), "three".into())
        );
        assert_eq!((received.facts.key_updates, received.facts.found_by_trial), (2, 0));
        assert_eq!(received.gaps, [vec![], vec![]]);
    }
}

#[test]
fn a_lost_key_update_is_found_out() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        tls.data(CLIENT, "one").lose(CLIENT, HANDSHAKE, &message(24, &[1]));
        tls.sealers[CLIENT].update();
        tls.lose(CLIENT, DATA, b"gone").data(CLIENT, "two");
        let received = tls.receive();
        assert_eq!(received.text(CLIENT), "onetwo");
        assert_eq!(received.gaps[CLIENT], [(3, 0, GapKind::Unknown)]);
        assert_eq!((received.facts.key_updates, received.facts.found_by_trial), (1, 1));
    }
}
