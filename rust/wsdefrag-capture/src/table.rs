//! The tables of a capture, by name.

/// A table of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// One row per message.
    Messages,
    /// One row per connection.
    Connections,
    /// One row per control frame, gap and violation.
    Events,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 3] = [Self::Messages, Self::Connections, Self::Events];

    /// The name of the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Connections => "connections",
            Self::Events => "events",
        }
    }
}
