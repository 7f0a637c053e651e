//! How many TLS connections there were, and whether they were read.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_SERVERS` names")]

use crate::tls_facts::{TlsFacts, TlsStatus};
use serde::{Deserialize, Serialize};

/// Names of servers that are kept.
pub const MAX_SERVERS: usize = 8;

/// Counts of the TLS connections that the filter's ports and addresses want. A live connection is
/// counted when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsCounts {
    /// Connections by the number of their status.
    connections: [u64; TlsStatus::ALL.len()],
    /// Packets by the number of their connection's status.
    packets: [u64; TlsStatus::ALL.len()],
    /// The first names of servers whose connections were not read.
    pub servers: Vec<String>,
    /// Records whose tag or MAC was wrong with the right key.
    pub bad_tags: u64,
    /// Records whose number or key was found by trial.
    pub found_by_trial: u64,
    /// Bytes of records that were given up before their keys came.
    pub before_keys: u64,
}

impl TlsCounts {
    /// Number of connections with this status.
    #[must_use]
    pub const fn connections(&self, status: TlsStatus) -> u64 {
        self.connections[status as usize]
    }

    /// Number of packets in connections with this status.
    #[must_use]
    pub const fn packets(&self, status: TlsStatus) -> u64 {
        self.packets[status as usize]
    }

    /// Counts a connection that has ended, with its packets and what is known of it.
    pub(crate) fn connection(&mut self, status: TlsStatus, packets: u64, facts: Option<&TlsFacts>) {
        self.connections[status as usize] += 1;
        self.packets[status as usize] += packets;
        let Some(facts) = facts else { return };
        self.bad_tags += facts.bad_tags;
        self.found_by_trial += facts.found_by_trial;
        self.before_keys += facts.before_keys;
        if let Some(name) = &facts.server_name
            && status != TlsStatus::Ok
        {
            self.add_server(name);
        }
    }

    /// Adds the counts of other connections, but the names of their servers.
    pub(crate) fn add(&mut self, other: &Self) {
        for status in 0..self.connections.len() {
            self.connections[status] += other.connections[status];
            self.packets[status] += other.packets[status];
        }
        self.bad_tags += other.bad_tags;
        self.found_by_trial += other.found_by_trial;
        self.before_keys += other.before_keys;
    }

    /// Adds the name of a server, if there is room.
    pub(crate) fn add_server(&mut self, name: &str) {
        if self.servers.len() < MAX_SERVERS && !self.servers.iter().any(|known| known == name) {
            self.servers.push(name.to_owned());
        }
    }

    /// Counts a packet of a connection that has been counted.
    pub(crate) const fn later_packet(&mut self, status: TlsStatus) {
        self.packets[status as usize] += 1;
    }
}
