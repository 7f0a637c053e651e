//! What the connections know of secrets for TLS.

use super::*;
use crate::conversation::context::Scan;
use crate::sink::HeldRows;
use crate::tcp::connections::capture_state;
use crate::tls::keys::{KeySource, Keys};

/// Keys with a secret or without one.
fn keys(has_secret: bool, may_grow: bool) -> Keys {
    let mut keys = Keys::default();
    if has_secret {
        let secret = format!("CLIENT_RANDOM {} {}\n", "ab".repeat(32), "cd".repeat(48));
        keys.add(secret.as_bytes(), KeySource::KeyLog(0));
    }
    keys.may_grow = may_grow;
    keys
}

/// TLS is read if there are secrets, or some may still come.
#[test]
fn tls_is_read_for_the_sake_of_secrets() {
    for (has_secret, may_grow, expected) in
        [(false, false, false), (false, true, true), (true, false, true), (true, true, true)]
    {
        let mut connections = Connections::new(Options::default());
        connections.keys = keys(has_secret, may_grow);
        let Connections { options, inflaters, next_number, keys, scan, .. } = &mut connections;
        let sink = &mut HeldRows::default();
        let state = capture_state((options, &inflaters.pool), next_number, (keys, scan), sink);
        assert_eq!(state.context.reads_tls, expected, "{has_secret} {may_grow}");
    }
}

/// A worker begins with the secrets of all, and is told when no more can come.
#[test]
fn worker_has_the_secrets_of_all_connections() {
    let keys = keys(true, true);
    let mut shard = Connections::shard(&Options::default(), (0, 2));
    shard.set_keys(keys, Scan::Possible);
    assert_eq!((shard.keys.len(), shard.scan), (1, Scan::Possible));
    shard.end_scan();
    assert_eq!((shard.keys.len(), shard.keys.may_grow, shard.scan), (1, false, Scan::Over));
}
