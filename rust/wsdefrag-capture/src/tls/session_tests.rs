//! Tests of whole TLS connections: what a peer seals comes out again.

use crate::stream_part::GapKind;
use crate::tls::testing::*;
use crate::tls_facts::TlsStatus;

/// The secrets of a connection of TLS 1.3 with secrets of this length.
struct Secrets {
    early: Vec<u8>,
    handshake: [Vec<u8>; 2],
    traffic: [Vec<u8>; 2],
}

impl Secrets {
    fn new(length: usize) -> Self {
        Self {
            early: vec![1; length],
            handshake: [vec![2; length], vec![3; length]],
            traffic: [vec![4; length], vec![5; length]],
        }
    }

    fn log(&self) -> String {
        [
            line("CLIENT_EARLY_TRAFFIC_SECRET", &self.early),
            line("SERVER_HANDSHAKE_TRAFFIC_SECRET", &self.handshake[SERVER]),
            line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", &self.handshake[CLIENT]),
            self.traffic_log(),
        ]
        .concat()
    }

    fn traffic_log(&self) -> String {
        line("SERVER_TRAFFIC_SECRET_0", &self.traffic[SERVER])
            + &line("CLIENT_TRAFFIC_SECRET_0", &self.traffic[CLIENT])
    }
}

/// A connection of TLS 1.3: what was sent, and the sealers of both sides for what follows.
struct Tls13 {
    sent: Vec<Sent>,
    sealers: [Sealer; 2],
    secrets: Secrets,
}

const SUITES13: [(u16, usize); 3] = [(0x1301, 32), (0x1302, 48), (0x1303, 32)];

impl Tls13 {
    fn new(suite: u16, length: usize) -> Self {
        let secrets = Secrets::new(length);
        let [mut server, mut client] =
            [SERVER, CLIENT].map(|side| Sealer::tls13(suite, &secrets.handshake[side]));
        let sent = vec![
            Sent::Bytes(CLIENT, record(HANDSHAKE, 0x0301, &client_hello(&[7; 32], &[alpn("h2")]))),
            Sent::Bytes(
                SERVER,
                [
                    record(HANDSHAKE, 0x0303, &server_hello(suite, &[7; 32], &[])),
                    record(20, 0x0303, &[1]),
                    server.seal(HANDSHAKE, &encrypted_extensions(&[alpn("http/1.1")])),
                    server.seal(
                        HANDSHAKE,
                        &[message(11, &[9; 3000]), message(15, &[9; 300]), message(20, &[9; 32])]
                            .concat(),
                    ),
                ]
                .concat(),
            ),
            Sent::Bytes(
                CLIENT,
                [record(20, 0x0303, &[1]), client.seal(HANDSHAKE, &message(20, &[9; 32]))].concat(),
            ),
        ];
        let sealers = [SERVER, CLIENT].map(|side| Sealer::tls13(suite, &secrets.traffic[side]));
        Self { sent, sealers, secrets }
    }

    fn send(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Bytes(sender, record));
        self
    }

    fn data(&mut self, sender: usize, text: &str) -> &mut Self {
        self.send(sender, DATA, text.as_bytes())
    }

    /// A record that is not captured.
    fn lose(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Lost(sender, record.len() as u64));
        self
    }

    fn receive(&self) -> Received {
        receive(&self.sent, &mut keys(&self.secrets.log()))
    }
}

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
