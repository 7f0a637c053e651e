//! The output of several tables in one format, each with its own file.
//!
//! - each row goes to the output of its table alone; connections also to those whose rows name them

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::output::{Output, OutputError, Prepare};
use crate::sink::Sink;
use crate::table::Table;

/// One output for each table, in the order of [`Table::ALL`]; `None` for a table that is not written.
#[derive(Debug)]
pub struct PerTable<O>(pub [Option<O>; 3]);

impl<O> PerTable<O> {
    const fn of(&mut self, table: Table) -> Option<&mut O> {
        self.0[table as usize].as_mut()
    }
}

impl<O: Output> Sink for PerTable<O> {
    fn opened(&mut self, connection: &Connection) {
        for output in self.0.iter_mut().flatten() {
            output.opened(connection);
        }
    }

    fn message(&mut self, message: Message) {
        if let Some(output) = self.of(Table::Messages) {
            output.message(message);
        }
    }

    fn prepared(&mut self, message: Message, length: usize) {
        if let Some(output) = self.of(Table::Messages) {
            output.prepared(message, length);
        }
    }

    fn spare(&mut self) -> Vec<u8> {
        self.of(Table::Messages).map(Sink::spare).unwrap_or_default()
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if let Some(output) = self.of(Table::Messages) {
            output.gap(gap);
        }
    }

    fn event(&mut self, event: CaptureEvent) {
        if let Some(output) = self.of(Table::Events) {
            output.event(event);
        }
    }

    fn ended(&mut self, connection: Connection) {
        for table in [Table::Messages, Table::Events] {
            if let Some(output) = self.of(table) {
                output.ended(connection.clone());
            }
        }
        if let Some(output) = self.of(Table::Connections) {
            output.ended(connection);
        }
    }

    fn is_full(&self) -> bool {
        self.0.iter().flatten().any(Sink::is_full)
    }
}

impl<O: Output> Output for PerTable<O> {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        self.take_part(block, &mut 0)
    }

    /// The number of a file is that of its table.
    fn take_part(&mut self, block: &mut Vec<u8>, part: &mut usize) -> Result<(), OutputError> {
        for (number, output) in self.0.iter_mut().enumerate() {
            if let Some(output) = output {
                *part = number;
                output.take(block)?;
                if !block.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.0.iter_mut().flatten().try_for_each(Output::finish)
    }

    fn prepare(&self) -> Option<Prepare> {
        self.0[Table::Messages as usize].as_ref()?.prepare()
    }

    fn rows(&self) -> u64 {
        self.0.iter().flatten().map(Output::rows).sum()
    }

    fn bytes_held(&self) -> usize {
        self.0.iter().flatten().map(Output::bytes_held).sum()
    }
}
