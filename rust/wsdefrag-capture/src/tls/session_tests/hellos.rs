//! Connections whose hellos, or whose secrets of the handshake, are missing.

use crate::tls::session_tests::connections::{SUITES13, Tls12, Tls13, master_log};
use crate::tls::testing::*;
use crate::tls_facts::TlsStatus;

#[test]
fn application_secrets_alone_are_enough() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        tls.send(SERVER, HANDSHAKE, &message(4, &[3; 200])).data(CLIENT, "one").data(SERVER, "two");
        let received = receive(&tls.sent, &mut keys(&tls.secrets.traffic_log()));
        assert_eq!((received.text(CLIENT), received.text(SERVER)), ("one".into(), "two".into()));
        assert_eq!(received.gaps, [vec![], vec![]]);
        assert_eq!(received.facts.status, TlsStatus::Ok);
        assert_eq!(received.accounts.map(|account| account.undecryptable), [0, 0]);
    }
}

#[test]
fn connections_without_their_hellos_are_read() {
    for (suite, length) in SUITES13 {
        let mut tls = Tls13::new(suite, length);
        for _ in 0..300 {
            tls.data(CLIENT, "earlier").data(SERVER, "earlier");
        }
        tls.sent.clear();
        tls.data(CLIENT, "one").data(SERVER, "two").data(CLIENT, "three");
        let other = line_of("CLIENT_TRAFFIC_SECRET_0", &[0xee; 32], &vec![0xee; length]);
        for client in [None, Some(CLIENT)] {
            let session = crate::tls::session::Session::new(client);
            let mut all = keys(&(other.clone() + &tls.secrets.log()));
            let received = receive_by(session, &tls.sent, &mut all);
            assert_eq!(
                (received.text(CLIENT), received.text(SERVER)),
                ("onethree".into(), "two".into())
            );
            let facts = &received.facts;
            assert_eq!((facts.status, facts.cipher), (TlsStatus::Ok, Some(suite)));
        }
    }
}

#[test]
fn connections_without_one_of_the_hellos_are_read() {
    for (suite, length) in SUITES13 {
        for lost in 0..2 {
            let mut tls = Tls13::new(suite, length);
            tls.data(CLIENT, "one").data(SERVER, "two");
            if let Sent::Bytes(sender, bytes) = tls.sent[lost].clone() {
                tls.sent[lost] = Sent::Lost(sender, bytes.len() as u64);
            }
            let received = tls.receive();
            assert_eq!(
                (received.text(CLIENT), received.text(SERVER)),
                ("one".into(), "two".into())
            );
            assert_eq!(received.gaps, [vec![], vec![]], "{suite:x} {lost}");
        }
    }
}

#[test]
fn tls12_without_the_client_hello_is_read_and_without_the_server_hello_is_not() {
    let mut tls = Tls12::new(0xc02f);
    tls.data(CLIENT, "one").data(SERVER, "two");
    let lose = |index: usize| {
        let mut sent = tls.sent.clone();
        if let Sent::Bytes(sender, bytes) = &tls.sent[index] {
            sent[index] = Sent::Lost(*sender, bytes.len() as u64);
        }
        receive(&sent, &mut keys(&master_log()))
    };
    let received = lose(0);
    assert_eq!((received.text(CLIENT), received.text(SERVER)), ("one".into(), "two".into()));
    let received = lose(1);
    assert_eq!((received.text(CLIENT), received.text(SERVER)), (String::new(), String::new()));
    assert_eq!(received.facts.status, TlsStatus::NoServerHello);
}

#[test]
fn the_reason_is_given_where_nothing_is_read() {
    let mut tls = Tls13::new(0x1301, 32);
    tls.data(CLIENT, "one").data(SERVER, "two");
    assert_eq!(receive(&tls.sent, &mut keys("")).facts.status, TlsStatus::NoKeys);
    let other = line_of("CLIENT_TRAFFIC_SECRET_0", &[0xee; 32], &[0xee; 32]);
    assert_eq!(receive(&tls.sent, &mut keys(&other)).facts.status, TlsStatus::NoKeys);
    assert_eq!(receive(&tls.sent[3..], &mut keys(&other)).facts.status, TlsStatus::NoHandshake);
    let wrong = line("CLIENT_TRAFFIC_SECRET_0", &[0xee; 32])
        + &line("SERVER_TRAFFIC_SECRET_0", &[0xee; 32]);
    assert_eq!(receive(&tls.sent, &mut keys(&wrong)).facts.status, TlsStatus::Undecryptable);
    let mut foreign = tls.sent.clone();
    let hello = record(HANDSHAKE, 0x0303, &server_hello(0x1304, &[7; 32], &[]));
    foreign[1] = Sent::Bytes(SERVER, hello);
    assert_eq!(
        receive(&foreign, &mut keys(&tls.secrets.log())).facts.status,
        TlsStatus::UnknownCipher
    );
}
