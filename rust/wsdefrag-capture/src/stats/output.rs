//! An output that is one JSON document of statistics.

#![expect(
    clippy::disallowed_methods,
    reason = "open connections, which are charged elsewhere, and at most `MAX_GROUPS` groups and `MAX_ENDED` connections"
)]

use std::collections::HashMap;
use std::net::IpAddr;

use serde_json::{Value, json};
use wsdefrag_core::fallible::TryGrow;

use super::figures::Figures;
use super::waiting::Waiting;
use crate::connection::Connection;
use crate::event::{CaptureEvent, Detail};
use crate::message::Message;
use crate::output::{Output, OutputError, move_ready};
use crate::sink::Sink;

/// Groups that have figures of their own. Connections of others are counted together.
const MAX_GROUPS: usize = 10_000;

/// The name of what is counted together.
const OTHERS: &str = "(others)";

/// Connections that have ended and may be followed by another of the same client.
const MAX_ENDED: usize = 10_000;

/// How long after the end of a connection the same client's next one is a reconnect, in nanoseconds.
const RECONNECT: i64 = 60_000_000_000;

/// Which connections have figures together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// All of them.
    Total,
    /// Each has its own.
    Connection,
    /// Those with the same host.
    Host,
    /// Those with the same host and path, without the query.
    Path,
}

impl Grouping {
    /// All values with their names.
    pub const NAMES: [(&str, Self); 4] = [
        ("total", Self::Total),
        ("connection", Self::Connection),
        ("host", Self::Host),
        ("path", Self::Path),
    ];

    fn name(self, connection: &Connection) -> String {
        let host = connection.host();
        let host = host.as_deref().unwrap_or("(unknown)");
        match self {
            Self::Total => String::new(),
            Self::Connection => connection.connection.to_string(),
            Self::Host => host.to_owned(),
            Self::Path => {
                let path = connection.path().unwrap_or("");
                let path = path.split('?').next().unwrap_or("");
                [host, path].concat()
            }
        }
    }
}

/// Who connects to what: the client's and the server's address, host and path.
type Parties = (IpAddr, std::net::SocketAddr, Option<String>, Option<String>);

fn parties(connection: &Connection) -> Parties {
    (
        connection.client_address.ip(),
        connection.server_address,
        connection.host().map(Into::into),
        connection.path().map(Into::into),
    )
}

/// Makes one JSON document of statistics.
pub struct Stats {
    grouping: Grouping,
    /// The JSON member that a request and its response have in common.
    id: String,
    total: Figures,
    names: HashMap<String, usize>,
    groups: Vec<(String, Figures)>,
    open: HashMap<u64, (usize, Waiting)>,
    ended: HashMap<Parties, i64>,
    ready: Vec<u8>,
    spare: Vec<u8>,
}

impl Stats {
    /// No figures yet. `id` is the name of the JSON member that a request and its response have in common.
    #[must_use]
    pub fn new(grouping: Grouping, id: String) -> Self {
        Self {
            grouping,
            id,
            total: Figures::default(),
            names: HashMap::new(),
            groups: Vec::new(),
            open: HashMap::new(),
            ended: HashMap::new(),
            ready: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The index of a connection's group.
    fn group(&mut self, connection: &Connection) -> usize {
        let mut name = self.grouping.name(connection);
        if self.groups.len() >= MAX_GROUPS && !self.names.contains_key(&name) {
            OTHERS.clone_into(&mut name);
        }
        if let Some(group) = self.names.get(&name) {
            return *group;
        }
        self.groups.push((name.clone(), Figures::default()));
        self.names.insert(name, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// Has `take` count something of an open connection, in its group and in the total.
    fn count(&mut self, connection: u64, take: impl Fn(&mut Figures)) {
        take(&mut self.total);
        if let Some((group, _)) = self.open.get(&connection) {
            take(&mut self.groups[*group].1);
        }
    }
}

impl Sink for Stats {
    fn opened(&mut self, connection: &Connection) {
        let group = self.group(connection);
        if let Some(ended) = self.ended.remove(&parties(connection))
            && connection.first.time.saturating_sub(ended) <= RECONNECT
        {
            self.total.reconnects += 1;
            self.groups[group].1.reconnects += 1;
        }
        self.open.insert(connection.connection, (group, Waiting::default()));
    }

    fn message(&mut self, message: Message) {
        self.count(message.connection, |figures| figures.message(&message));
        if let Some((group, waiting)) = self.open.get_mut(&message.connection) {
            let observed = waiting.message(&message, &self.id);
            self.groups[*group].1.observed(observed);
            self.total.observed(observed);
        }
        self.spare = message.content;
    }

    fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    fn event(&mut self, event: CaptureEvent) {
        if matches!(event.detail, Detail::Gap(_)) {
            self.count(event.connection, Figures::gap);
        } else if let Some((group, waiting)) = self.open.get_mut(&event.connection) {
            let observed = waiting.event(&event);
            self.groups[*group].1.observed(observed);
            self.total.observed(observed);
        }
    }

    fn ended(&mut self, connection: Connection) {
        self.count(connection.connection, |figures| figures.ended(&connection));
        self.open.remove(&connection.connection);
        if self.ended.len() >= MAX_ENDED {
            self.ended.clear();
        }
        self.ended.insert(parties(&connection), connection.last.time);
    }
}

impl Output for Stats {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        Ok(move_ready(&mut self.ready, block)?)
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        let by = Grouping::NAMES.iter().find(|(_, known)| *known == self.grouping);
        let groups: Vec<Value> = match self.grouping {
            Grouping::Total => Vec::new(),
            _ => self.groups.iter().map(|(name, figures)| figures.json(name)).collect(),
        };
        let document = json!({
            "by": by.map(|(name, _)| name),
            "total": self.total.json("total"),
            "groups": groups,
        });
        self.ready.try_append(document.to_string().as_bytes())?;
        self.ready.try_push(b'\n')?;
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.groups.len() as u64
    }
}
