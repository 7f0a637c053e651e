//! The beginning of a line of text: the time, a number, an arrow and marks, with colours.

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::clock::TimeOfDay;

/// A colour of a terminal.
#[derive(Clone, Copy)]
pub(super) enum Colour {
    Dim = 2,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

impl Colour {
    /// The colour of a sender.
    pub(super) const fn of_sender(from_client: bool) -> Self {
        if from_client { Self::Green } else { Self::Cyan }
    }
}

/// Columns of the number of a message after that of its connection: `/c17`.
const IN_CONNECTION: usize = 6;

/// The number after the time.
#[derive(Clone, Copy)]
pub(super) enum Number {
    /// That of an event's connection, in as many columns as `Message`.
    Connection(u64),
    /// That of a message, which a selection takes: connection, sender, number, as in `2/c17`.
    Message {
        /// The number of the connection.
        connection: u64,
        /// Whether the client sent it.
        from_client: bool,
        /// The number of the message among those of its sender.
        seq: u64,
    },
    /// That of a message where all are of one connection: `c17`.
    OfSender {
        /// Whether the client sent it.
        from_client: bool,
        /// The number of the message among those of its sender.
        seq: u64,
    },
    /// None, in as many columns as `OfSender`.
    Nothing,
}

/// The letter of a sender in the number of a message.
const fn sender_letter(from_client: bool) -> &'static [u8] {
    if from_client { b"c" } else { b"s" }
}

/// The beginning of a line, which counts its columns.
pub(super) struct Head<'a> {
    pub(super) line: &'a mut Vec<u8>,
    pub(super) columns: usize,
    pub(super) colours: bool,
}

impl Head<'_> {
    /// Appends ASCII.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), OutOfMemory> {
        self.columns += text.len();
        self.line.try_append(text)
    }

    /// Appends an integer, with spaces before it up to this width.
    pub(super) fn number(&mut self, number: u64, width: usize) -> Result<(), OutOfMemory> {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(number);
        for _ in digits.len()..width {
            self.text(b" ")?;
        }
        self.text(digits.as_bytes())
    }

    /// Begins a colour.
    pub(super) fn begin(&mut self, colour: Colour) -> Result<(), OutOfMemory> {
        if !self.colours {
            return Ok(());
        }
        let code = colour as u8;
        self.line.try_append(b"\x1b[")?;
        self.line.try_append(itoa::Buffer::new().format(code).as_bytes())?;
        self.line.try_append(b"m")
    }

    /// Ends a colour.
    pub(super) fn end(&mut self) -> Result<(), OutOfMemory> {
        if self.colours { self.line.try_append(b"\x1b[0m") } else { Ok(()) }
    }

    /// Appends the time and a number.
    pub(super) fn start(&mut self, time: TimeOfDay, number: Number) -> Result<(), OutOfMemory> {
        self.begin(Colour::Dim)?;
        self.text(&time)?;
        self.text(b" ")?;
        match number {
            Number::Connection(number) => {
                self.number(number, 4)?;
                self.text(&[b' '; IN_CONNECTION])?;
            }
            Number::Message { connection, from_client, seq } => {
                self.number(connection, 4)?;
                let before = self.columns;
                self.text(b"/")?;
                self.text(sender_letter(from_client))?;
                self.number(seq, 0)?;
                while self.columns < before + IN_CONNECTION {
                    self.text(b" ")?;
                }
            }
            Number::OfSender { from_client, seq } => {
                let mut buffer = itoa::Buffer::new();
                let digits = buffer.format(seq);
                for _ in digits.len()..5 {
                    self.text(b" ")?;
                }
                self.text(sender_letter(from_client))?;
                self.text(digits.as_bytes())?;
            }
            Number::Nothing => self.text(b"      ")?,
        }
        self.end()?;
        self.text(b" ")
    }

    /// Appends the arrow, in the colour of the sender, which does not end here.
    pub(super) fn arrow(&mut self, from_client: bool) -> Result<(), OutOfMemory> {
        self.begin(Colour::of_sender(from_client))?;
        self.text(if from_client { b"->" } else { b"<-" })
    }

    /// Appends the problems of a row in brackets.
    pub(super) fn marks(&mut self, missing: u64, marks: [&str; 5]) -> Result<(), OutOfMemory> {
        if missing == 0 && marks.iter().all(|mark| mark.is_empty()) {
            return Ok(());
        }
        let [status, others @ ..] = marks;
        self.begin(Colour::Yellow)?;
        let mut before: &[u8] = b"[";
        if !status.is_empty() {
            self.text(before)?;
            self.text(status.as_bytes())?;
            before = b", ";
        }
        if missing > 0 {
            self.text(before)?;
            self.number(missing, 0)?;
            self.text(b" B missing")?;
            before = b", ";
        }
        for mark in others.into_iter().filter(|mark| !mark.is_empty()) {
            self.text(before)?;
            self.text(mark.as_bytes())?;
            before = b", ";
        }
        self.text(b"] ")?;
        self.end()
    }
}

/// Ends a line that begins at `start`, without spaces at its end.
pub(super) fn end_line(line: &mut Vec<u8>, start: usize) -> Result<(), OutOfMemory> {
    let spaces = line[start..].iter().rev().take_while(|byte| **byte == b' ').count();
    line.truncate(line.len() - spaces);
    line.try_push(b'\n')
}
