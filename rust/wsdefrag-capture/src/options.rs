//! Options for reading a capture, and the filter that selects a part of it.

#![expect(clippy::disallowed_methods, reason = "the caller's names")]

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use wsdefrag_core::{DeflateParams, Limits, Opcode, Strictness};

use crate::event::CaptureEvent;
use crate::message::Message;
use crate::packet::tunnel::udp_tunnel::DecodeAs;
use crate::selection::conditions::Conditions;
use crate::share::Share;

/// What tells connections with the same addresses and ports apart, besides sequence numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionKey {
    /// Tags and tunnel ids, where sequence numbers show that there are several connections.
    #[default]
    Auto,
    /// Nothing: packets with equal addresses and ports always belong to one connection.
    Addresses,
    /// Tags and tunnel ids, always. Ids that differ between directions do not count, but the ends of
    /// their tunnels do.
    Tagged,
}

impl ConnectionKey {
    /// All values with their names.
    pub const NAMES: [(&str, Self); 3] =
        [("auto", Self::Auto), ("addresses", Self::Addresses), ("tagged", Self::Tagged)];
}

/// Options for reading a capture.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Limits on frames and messages. A message over a limit is skipped.
    pub limits: Limits,
    /// The rules that are enforced.
    pub strictness: Strictness,
    /// The permessage-deflate parameters where the response was not captured, names none or cannot be
    /// read. Without it compressed messages are not decoded there.
    pub deflate: Option<DeflateParams>,
    /// Whether messages have their content.
    pub contents: bool,
    /// Whether frames are searched for after a gap.
    pub resync: bool,
    /// The number of connections that may be live at a time. The one idle for longest is ended to
    /// make room.
    pub max_connections: usize,
    /// Bytes of memory that the live connections may hold together. Over it, unfinished messages and
    /// connections are given up, the largest and the ones used least recently first.
    pub memory: usize,
    /// Bytes of memory that the receiver keeps for a connection while it is open, besides the heads,
    /// which it keeps in its own form; 0 if it keeps nothing. They are a part of `memory`.
    pub object_memory: usize,
    /// Tables of messages or events that the receiver fills. Each keeps what its rows say of a connection
    /// while that is open, which is a part of `memory`.
    pub tables: usize,
    /// How long a connection may be idle, in nanoseconds of capture time; `None` for no limit.
    pub idle_timeout: Option<i64>,
    /// What tells connections with the same addresses and ports apart.
    pub key: ConnectionKey,
    /// The name of the place where the packets were captured. It is a part of each connection's `uid`.
    pub capture_point: String,
    /// UDP ports of the caller's choice, and the tunnels that they carry.
    pub decode_as: Vec<DecodeAs>,
    /// Whether [`Capture::checkpoint`](crate::Capture::checkpoint) may be called. Then inflaters keep
    /// what they read of messages that are not complete.
    pub resumable: bool,
    /// The part of the capture that is wanted.
    pub filter: Filter,
    /// What the wanted messages contain.
    pub conditions: Conditions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            strictness: Strictness::default(),
            deflate: None,
            contents: true,
            resync: false,
            max_connections: 65_536,
            memory: 512 << 20,
            object_memory: 0,
            tables: 0,
            idle_timeout: None,
            key: ConnectionKey::Auto,
            capture_point: String::new(),
            decode_as: Vec::new(),
            resumable: false,
            filter: Filter::default(),
            conditions: Conditions::default(),
        }
    }
}

/// The part of a capture that is wanted. An empty list selects everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Patterns for the request's `Host`. Case is ignored; `*` matches any text.
    pub hosts: Vec<String>,
    /// Patterns for the request's path and query; `*` matches any text.
    pub request_paths: Vec<String>,
    /// Numbers of connections.
    pub connections: Vec<RangeInclusive<u64>>,
    /// Ports of the client or the server.
    pub ports: Vec<u16>,
    /// Addresses of the client or the server.
    pub addresses: Vec<IpAddr>,
    /// Whether only messages and events of the client (`true`) or the server (`false`) are wanted.
    pub from_client: Option<bool>,
    /// Opcodes of messages.
    pub opcodes: Vec<Opcode>,
    /// The first time of messages and events, in nanoseconds since the epoch.
    pub since: Option<i64>,
    /// The end of the time of messages and events, in nanoseconds since the epoch; itself excluded.
    pub until: Option<i64>,
    /// The share of the connections, if several readers have one each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

impl Filter {
    /// Whether connections between these endpoints are wanted.
    #[inline]
    #[must_use]
    pub fn wants_endpoints(&self, endpoints: [SocketAddr; 2]) -> bool {
        let port =
            self.ports.is_empty() || endpoints.iter().any(|end| self.ports.contains(&end.port()));
        let address = self.addresses.is_empty()
            || endpoints.iter().any(|end| self.addresses.contains(&end.ip()));
        port && address && self.share.is_none_or(|share| share.has(endpoints))
    }

    /// Whether the connection with this number is wanted.
    #[must_use]
    pub fn wants_connection(&self, number: u64) -> bool {
        self.connections.is_empty() || self.connections.iter().any(|range| range.contains(&number))
    }

    /// Whether a connection to this host and path is wanted. `None` (not captured) matches no pattern.
    #[must_use]
    pub fn wants_request(&self, host: Option<&str>, path: Option<&str>) -> bool {
        if self.hosts.is_empty() && self.request_paths.is_empty() {
            return true;
        }
        let host = host.map(str::to_ascii_lowercase);
        let host_matches = |pattern: &String| {
            host.as_ref().is_some_and(|host| {
                let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
                let pattern = pattern.to_ascii_lowercase();
                matches(&pattern, host) || matches(&pattern, name)
            })
        };
        let path_matches = |pattern: &String| path.is_some_and(|path| matches(pattern, path));
        (self.hosts.is_empty() || self.hosts.iter().any(host_matches))
            && (self.request_paths.is_empty() || self.request_paths.iter().any(path_matches))
    }

    /// Whether messages of the client, or else of the server, are wanted.
    #[must_use]
    pub fn wants_side(&self, from_client: bool) -> bool {
        self.from_client.is_none_or(|wanted| wanted == from_client)
    }

    /// Whether this message is wanted.
    #[inline]
    #[must_use]
    pub fn wants_message(&self, message: &Message) -> bool {
        self.wants_side(message.from_client)
            && (self.opcodes.is_empty() || self.opcodes.contains(&message.opcode))
            && self.since.is_none_or(|since| message.timestamp >= since)
            && self.until.is_none_or(|until| message.timestamp < until)
    }

    /// Whether this event is wanted. The time of a gap is that of the packet after it, or of the
    /// packet before it if nothing follows.
    #[must_use]
    pub fn wants_event(&self, event: &CaptureEvent) -> bool {
        let time = event.last.or(event.first).map(|packet| packet.time);
        self.wants_side(event.from_client)
            && self.since.is_none_or(|since| time.is_none_or(|time| time >= since))
            && self.until.is_none_or(|until| time.is_none_or(|time| time < until))
    }
}

/// Whether a text matches a pattern in which `*` matches any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(found) = text.find(part) else { return false };
        text = &text[found + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_matches_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("a*a", "a", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn connection_is_wanted_if_one_of_the_ranges_has_its_number() {
        assert!(Filter::default().wants_connection(7));
        let filter = Filter { connections: vec![2..=2, 5..=6], ..Filter::default() };
        let wanted: Vec<_> = (0..9).filter(|&number| filter.wants_connection(number)).collect();
        assert_eq!(wanted, [2, 5, 6]);
    }

    #[test]
    fn host_matches_with_and_without_its_port() {
        let filter = Filter { hosts: vec!["Example.com".to_owned()], ..Filter::default() };
        assert!(filter.wants_request(Some("example.COM:8080"), None));
        assert!(!filter.wants_request(Some("example.org"), None));
        assert!(!filter.wants_request(None, None));
    }
}
