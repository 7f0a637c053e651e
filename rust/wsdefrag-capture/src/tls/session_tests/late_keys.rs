//! Keys that come while a connection is read.

use crate::stream_part::GapKind;
use crate::tls::session_tests::connections::Tls13;
use crate::tls::testing::*;

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
