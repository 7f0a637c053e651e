//! What the tables of a capture contain: the columns that were chosen, and how contents are read.

use wsdefrag_capture::Options;
use wsdefrag_capture::columns::{Choice, ChoiceError};
use wsdefrag_capture::table::Table;

/// The chosen columns of the three tables.
#[derive(Clone)]
pub(crate) struct Choices {
    /// In the order of `Table::ALL`.
    tables: [Choice; 3],
    /// Whether contents are read.
    pub(crate) contents: bool,
    /// Whether the core refuses texts that are not UTF-8.
    pub(crate) utf8_is_enforced: bool,
}

impl Choices {
    /// The columns with these names, in their order; `None` is all columns of a table.
    pub(crate) fn new(
        names: [Option<&[String]>; 3],
        options: &Options,
    ) -> Result<Self, ChoiceError> {
        let [messages, connections, events] = names;
        Ok(Self {
            tables: [
                Table::Messages.choose(messages)?,
                Table::Connections.choose(connections)?,
                Table::Events.choose(events)?,
            ],
            contents: options.contents,
            utf8_is_enforced: options.strictness.utf8,
        })
    }

    pub(crate) fn of(&self, table: Table) -> Choice {
        self.tables[table as usize].clone()
    }
}
