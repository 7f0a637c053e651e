//! Passes on the rows that conditions want, and those around them.
//!
//! A row that is not wanted waits until so many others have followed it that none of them can be wanted
//! near enough. Rows of a connection keep their order. Rows that waited come after rows of other connections
//! that did not.
//!
//! - `bytes` is the size of all rows that wait, at most [`MAX_BYTES`]
//! - the cost of a gap follows only if the gap was passed on, and after it

#![expect(
    clippy::disallowed_methods,
    reason = "rows that wait have at most `MAX_BYTES`; the rest are entries of open connections"
)]

use std::collections::{HashMap, VecDeque};

use super::conditions::Conditions;
use crate::checkpoint::sorted_map;
use crate::event::{CaptureEvent, Detail};
use crate::message::Message;
use crate::sink::{Row, Sink};
use serde::{Deserialize, Serialize};

/// Bytes of memory that rows which wait may take.
const MAX_BYTES: usize = 32 << 20;

/// Chooses rows by conditions.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Selection {
    #[serde(skip)]
    conditions: Conditions,
    #[serde(with = "sorted_map")]
    open: HashMap<u64, Around, foldhash::fast::FixedState>,
    bytes: usize,
    /// Rows before a wanted one that had to be left out, because too much waited.
    pub(crate) left_out: u64,
}

/// The rows around the wanted rows of a connection.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Around {
    waiting: VecDeque<Waiting>,
    /// How many of the rows that follow are passed on.
    following: usize,
    /// Rows that had to be dropped since the last row that was passed on.
    dropped: usize,
    /// Gaps that were passed on and whose cost is not certain yet: sender and number.
    gaps: Vec<(bool, u64)>,
}

/// A row that is passed on if a wanted one follows soon.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    row: Row,
    /// The cost of the gap that it is, once it is certain.
    cost: Option<CaptureEvent>,
}

impl Waiting {
    fn bytes(&self) -> usize {
        let content = match &self.row {
            Row::Message(message) => message.content.capacity(),
            Row::Gap(event) | Row::Event(event) => event.detail.payload().map_or(0, <[u8]>::len),
        };
        size_of::<Self>() + content
    }

    fn is_gap(&self, gap: &CaptureEvent) -> bool {
        matches!(&self.row, Row::Gap(held) if id(held) == id(gap))
    }
}

/// What tells an event of a connection from its others.
const fn id(event: &CaptureEvent) -> (bool, u64) {
    (event.from_client, event.event)
}

impl Selection {
    /// Chooses by these conditions; `None` if they demand nothing.
    pub(crate) fn new(conditions: &Conditions) -> Option<Self> {
        (!conditions.are_empty()).then(|| Self {
            conditions: conditions.clone(),
            open: HashMap::default(),
            bytes: 0,
            left_out: 0,
        })
    }

    /// Goes on with these conditions, after the state was read.
    pub(crate) fn resume(&mut self, conditions: &Conditions) {
        self.conditions = conditions.clone();
    }

    /// Takes a message.
    pub(crate) fn message(&mut self, message: Message, sink: &mut impl Sink) {
        let wanted = self.conditions.want(&message);
        self.row(message.connection, Row::Message(message), wanted, sink);
    }

    /// Takes a gap in its place.
    pub(crate) fn gap(&mut self, gap: &CaptureEvent, sink: &mut impl Sink) {
        if self.conditions.around != 0 {
            self.row(gap.connection, Row::Gap(gap.clone()), false, sink);
        }
    }

    /// Takes a control frame, a violation, or the cost of a gap.
    pub(crate) fn event(&mut self, event: CaptureEvent, sink: &mut impl Sink) {
        if !matches!(event.detail, Detail::Gap(_)) {
            let wanted = self.conditions.want_event(&event);
            self.row(event.connection, Row::Event(event), wanted, sink);
            return;
        }
        let Some(around) = self.open.get_mut(&event.connection) else { return };
        if let Some(place) = around.gaps.iter().position(|gap| *gap == id(&event)) {
            around.gaps.swap_remove(place);
            sink.event(event);
        } else if let Some(held) = around.waiting.iter_mut().find(|held| held.is_gap(&event)) {
            held.cost = Some(event);
        }
    }

    /// Forgets a connection that has ended.
    pub(crate) fn ended(&mut self, connection: u64) {
        if let Some(around) = self.open.remove(&connection) {
            self.bytes -= around.waiting.iter().map(Waiting::bytes).sum::<usize>();
        }
    }

    fn row(&mut self, connection: u64, row: Row, wanted: bool, sink: &mut impl Sink) {
        let most = self.conditions.around;
        if most == 0 {
            if wanted {
                row.deliver(sink);
            }
            return;
        }
        let around = self.open.entry(connection).or_default();
        let row = Waiting { row, cost: None };
        if wanted {
            self.left_out += around.dropped as u64;
            while let Some(held) = around.waiting.pop_front() {
                self.bytes -= held.bytes();
                around.pass_on(held, sink);
            }
            around.pass_on(row, sink);
            around.following = most;
        } else if around.following > 0 {
            around.following -= 1;
            around.pass_on(row, sink);
        } else {
            self.bytes += row.bytes();
            around.waiting.push_back(row);
            around.dropped = around.dropped.min(most.saturating_sub(around.waiting.len()));
            while around.waiting.len() > most || self.bytes > MAX_BYTES {
                let Some(first) = around.waiting.pop_front() else { break };
                around.dropped += usize::from(around.waiting.len() < most);
                self.bytes -= first.bytes();
            }
        }
    }
}

impl Around {
    fn pass_on(&mut self, held: Waiting, sink: &mut impl Sink) {
        self.dropped = 0;
        let gap = match &held.row {
            Row::Gap(gap) if held.cost.is_none() => Some(id(gap)),
            _ => None,
        };
        self.gaps.extend(gap);
        held.row.deliver(sink);
        if let Some(cost) = held.cost {
            sink.event(cost);
        }
    }
}
