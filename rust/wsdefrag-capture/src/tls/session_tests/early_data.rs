//! Early data that a server accepts or refuses (RFC 8446 section 4.2.10).

use crate::tls::session_tests::connections::{Secrets, Tls13};
use crate::tls::testing::*;

/// A connection with early data: the client's hello, early data, and what follows.
fn early(accepted: bool, with_retry: bool) -> Tls13 {
    let (suite, secrets) = (0x1301, Secrets::new(32));
    let [mut server, mut client] =
        [SERVER, CLIENT].map(|side| Sealer::tls13(suite, &secrets.handshake[side]));
    let mut early = Sealer::tls13(suite, &secrets.early);
    let hello = record(HANDSHAKE, 0x0301, &client_hello(&[7; 32], &[early_data()]));
    let mut sent = vec![
        Sent::Bytes(CLIENT, hello),
        Sent::Bytes(CLIENT, [record(20, 0x0303, &[1]), early.seal(DATA, b"GET early")].concat()),
        Sent::Bytes(CLIENT, early.seal(DATA, b" more")),
    ];
    if with_retry {
        let retry = server_hello_with(crate::tls::hello::RETRY_RANDOM, suite, &[7; 32], &[]);
        sent.push(Sent::Bytes(SERVER, record(HANDSHAKE, 0x0303, &retry)));
        let again = record(HANDSHAKE, 0x0303, &client_hello(&[7; 32], &[]));
        sent.push(Sent::Bytes(CLIENT, again));
    }
    let extensions = if accepted { vec![early_data()] } else { vec![] };
    sent.push(Sent::Bytes(
        SERVER,
        [
            record(HANDSHAKE, 0x0303, &server_hello(suite, &[7; 32], &[])),
            server.seal(HANDSHAKE, &encrypted_extensions(&extensions)),
            server.seal(HANDSHAKE, &message(20, &[9; 32])),
        ]
        .concat(),
    ));
    let mut sealers = [SERVER, CLIENT].map(|side| Sealer::tls13(suite, &secrets.traffic[side]));
    sent.push(Sent::Bytes(SERVER, sealers[SERVER].seal(DATA, b"at once")));
    if accepted {
        sent.push(Sent::Bytes(CLIENT, early.seal(HANDSHAKE, &message(5, b""))));
    }
    sent.push(Sent::Bytes(CLIENT, client.seal(HANDSHAKE, &message(20, &[9; 32]))));
    sent.push(Sent::Bytes(CLIENT, sealers[CLIENT].seal(DATA, b" late")));
    Tls13 { sent, sealers, secrets }
}

#[test]
fn early_data_count_if_the_server_accepts_them() {
    for (accepted, with_retry) in [(true, false), (false, false), (false, true)] {
        let tls = early(accepted, with_retry);
        let early_log = line("CLIENT_EARLY_TRAFFIC_SECRET", &tls.secrets.early);
        for log in [tls.secrets.log(), early_log + &tls.secrets.traffic_log()] {
            let received = receive(&tls.sent, &mut keys(&log));
            let expected = if accepted { "GET early more late" } else { " late" };
            assert_eq!(received.text(CLIENT), expected);
            assert_eq!(received.text(SERVER), "at once");
            assert_eq!(received.facts.early_data, accepted);
            if accepted {
                assert_eq!(received.order, [CLIENT, CLIENT, SERVER, CLIENT]);
            }
            assert_eq!(received.gaps, [vec![], vec![]]);
        }
    }
}
