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

/// A connection of TLS 1.2 after its handshake, full or resumed.
struct Tls12 {
    sent: Vec<Sent>,
    sealers: [Sealer; 2],
}

const SUITES12: [u16; 4] = [0xc02f, 0xc030, 0xcca8, 0x009c];
const MASTER: [u8; 48] = [0x4d; 48];

fn master_log() -> String {
    line("CLIENT_RANDOM", &MASTER)
}

impl Tls12 {
    fn new(suite: u16) -> Self {
        Self::with(suite, &server_hello(suite, &[8; 32], &[]), &[])
    }

    /// A full handshake; the server may give a ticket.
    fn with(suite: u16, server_hello: &[u8], ticket: &[u8]) -> Self {
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

    fn resumed(suite: u16, session_id: &[u8], ticket: &[u8], echoed: &[u8]) -> Self {
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

    fn data(&mut self, sender: usize, text: &str) -> &mut Self {
        self.send(sender, DATA, text.as_bytes())
    }

    fn send(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Bytes(sender, record));
        self
    }

    fn lose(&mut self, sender: usize, content_type: u8, content: &[u8]) -> &mut Self {
        let record = self.sealers[sender].seal(content_type, content);
        self.sent.push(Sent::Lost(sender, record.len() as u64));
        self
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

#[test]
fn keys_that_come_later_open_what_was_held() {
    let mut tls = Tls13::new(0x1301, 32);
    tls.data(CLIENT, "one").data(SERVER, "two").data(CLIENT, "three");
    let log = tls.secrets.log();
    for late in 0..=tls.sent.len() {
        let mut all = keys("");
        (all.may_grow, all.patience) = (true, u64::MAX);
        let mut received = Received::default();
        let mut session = crate::tls::session::Session::new(Some(CLIENT));
        for (number, sent) in tls.sent.iter().enumerate() {
            if number == late {
                all.add(log.as_bytes(), crate::tls::keys::KeySource::KeyLog(0));
            }
            let Sent::Bytes(sender, bytes) = sent else { unreachable!() };
            let part = crate::stream_part::StreamPart::Data(bytes, origin(number as u64));
            session.part(*sender, part, &mut all, &mut |sender, part| received.take(sender, part));
        }
        if late == tls.sent.len() {
            assert!(received.order.is_empty());
            all.add(log.as_bytes(), crate::tls::keys::KeySource::KeyLog(0));
        }
        session.finish(&mut all, &mut |sender, part| received.take(sender, part));
        assert_eq!(
            (received.text(CLIENT), received.text(SERVER)),
            ("onethree".into(), "two".into())
        );
        assert_eq!(received.order, [CLIENT, SERVER, CLIENT], "{late}");
        assert_eq!(session.facts().before_keys, 0);
    }
}

#[test]
fn keys_that_come_too_late_open_what_follows() {
    let mut tls = Tls13::new(0x1301, 32);
    for _ in 0..20 {
        tls.data(CLIENT, &"x".repeat(10_000));
    }
    let before = tls.sent.len();
    tls.data(CLIENT, "one").data(SERVER, "two");
    let mut all = keys("");
    (all.may_grow, all.patience) = (true, u64::MAX);
    let mut received = Received::default();
    let mut session = crate::tls::session::Session::new(Some(CLIENT));
    for (number, sent) in tls.sent.iter().enumerate() {
        if number == before {
            all.add(tls.secrets.log().as_bytes(), crate::tls::keys::KeySource::KeyLog(0));
        }
        let Sent::Bytes(sender, bytes) = sent else { unreachable!() };
        let part = crate::stream_part::StreamPart::Data(bytes, origin(number as u64));
        session.part(*sender, part, &mut all, &mut |sender, part| received.take(sender, part));
        assert!(session.bytes_held() < 200_000);
    }
    session.finish(&mut all, &mut |sender, part| received.take(sender, part));
    assert_eq!((received.text(CLIENT), received.text(SERVER)), ("one".into(), "two".into()));
    assert_eq!(received.gaps[CLIENT], [(0, 0, GapKind::Unknown)]);
    assert!(session.facts().before_keys > 200_000);
}

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
