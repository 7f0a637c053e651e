//! Connections of TLS 1.2 and 1.3 as two peers send them, for tests.

use crate::tls::testing::*;

/// The secrets of a connection of TLS 1.3 with secrets of this length.
pub(super) struct Secrets {
    pub(super) early: Vec<u8>,
    pub(super) handshake: [Vec<u8>; 2],
    pub(super) traffic: [Vec<u8>; 2],
}

impl Secrets {
    pub(super) fn new(length: usize) -> Self {
        Self {
            early: vec![1; length],
            handshake: [vec![2; length], vec![3; length]],
            traffic: [vec![4; length], vec![5; length]],
        }
    }

    pub(super) fn log(&self) -> String {
        [
            line("CLIENT_EARLY_TRAFFIC_SECRET", &self.early),
            line("SERVER_HANDSHAKE_TRAFFIC_SECRET", &self.handshake[SERVER]),
            line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", &self.handshake[CLIENT]),
            self.traffic_log(),
        ]
        .concat()
    }

    pub(super) fn traffic_log(&self) -> String {
        line("SERVER_TRAFFIC_SECRET_0", &self.traffic[SERVER])
            + &line("CLIENT_TRAFFIC_SECRET_0", &self.traffic[CLIENT])
    }
}

/// A connection of TLS 1.3: what was sent, and the sealers of both sides for what follows.
pub(super) struct Tls13 {
    pub(super) sent: Vec<Sent>,
    pub(super) sealers: [Sealer; 2],
    pub(super) secrets: Secrets,
}

pub(super) const SUITES13: [(u16, usize); 3] = [(0x1301, 32), (0x1302, 48), (0x1303, 32)];

impl Tls13 {
    pub(super) fn new(suite: u16, length: usize) -> Self {
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

    pub(super) fn send(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Bytes(sender, record));
        self
    }

    pub(super) fn data(&mut self, sender: usize, text: &str) -> &mut Self {
        self.send(sender, DATA, text.as_bytes())
    }

    /// A record that is not captured.
    pub(super) fn lose(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Lost(sender, record.len() as u64));
        self
    }

    pub(super) fn receive(&self) -> Received {
        receive(&self.sent, &mut keys(&self.secrets.log()))
    }
}

/// A connection of TLS 1.2 after its handshake, full or resumed.
pub(super) struct Tls12 {
    pub(super) sent: Vec<Sent>,
    pub(super) sealers: [Sealer; 2],
}

pub(super) const SUITES12: [u16; 4] = [0xc02f, 0xc030, 0xcca8, 0x009c];
pub(super) const MASTER: [u8; 48] = [0x4d; 48];

pub(super) fn master_log() -> String {
    line("CLIENT_RANDOM", &MASTER)
}

impl Tls12 {
    pub(super) fn new(suite: u16) -> Self {
        Self::with(suite, &server_hello(suite, &[8; 32], &[]), &[])
    }

    /// A full handshake; the server may give a ticket.
    pub(super) fn with(suite: u16, server_hello: &[u8], ticket: &[u8]) -> Self {
        let [mut server, mut client] =
            [false, true].map(|side| Sealer::tls12(suite, &MASTER, side));
        let finished = message(20, &[9; 12]);
        let length = u8::try_from(ticket.len()).unwrap();
        let new_ticket = message(4, &[&[0, 0, 1, 0, 0, length], ticket].concat());
        let new_ticket = record(HANDSHAKE, 0x0303, &new_ticket);
        let sent = vec![
            Sent::Bytes(CLIENT, record(HANDSHAKE, 0x0301, &client_hello(&[], &[]))),
            Sent::Bytes(
                SERVER,
                [
                    record(HANDSHAKE, 0x0303, server_hello),
                    record(
                        HANDSHAKE,
                        0x0303,
                        &[message(11, &[9; 2000]), message(14, b"")].concat(),
                    ),
                ]
                .concat(),
            ),
            Sent::Bytes(
                CLIENT,
                [
                    record(HANDSHAKE, 0x0303, &message(16, &[9; 65])),
                    record(20, 0x0303, &[1]),
                    client.seal(HANDSHAKE, &finished),
                ]
                .concat(),
            ),
            Sent::Bytes(
                SERVER,
                [&new_ticket[..], &record(20, 0x0303, &[1]), &server.seal(HANDSHAKE, &finished)]
                    .concat(),
            ),
        ];
        Self { sent, sealers: [server, client] }
    }

    pub(super) fn resumed(suite: u16, session_id: &[u8], ticket: &[u8], echoed: &[u8]) -> Self {
        let [mut server, mut client] =
            [false, true].map(|side| Sealer::tls12(suite, &MASTER, side));
        let finished = message(20, &[9; 12]);
        let extension = [&[0, 35, 0, u8::try_from(ticket.len()).unwrap()], ticket].concat();
        let sent = vec![
            Sent::Bytes(CLIENT, record(HANDSHAKE, 0x0301, &client_hello(session_id, &[extension]))),
            Sent::Bytes(
                SERVER,
                [
                    record(HANDSHAKE, 0x0303, &server_hello(suite, echoed, &[])),
                    record(20, 0x0303, &[1]),
                    server.seal(HANDSHAKE, &finished),
                ]
                .concat(),
            ),
            Sent::Bytes(
                CLIENT,
                [record(20, 0x0303, &[1]), client.seal(HANDSHAKE, &finished)].concat(),
            ),
        ];
        Self { sent, sealers: [server, client] }
    }

    pub(super) fn data(&mut self, sender: usize, text: &str) -> &mut Self {
        self.send(sender, DATA, text.as_bytes())
    }

    pub(super) fn send(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Bytes(sender, record));
        self
    }

    pub(super) fn lose(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Lost(sender, record.len() as u64));
        self
    }
}
