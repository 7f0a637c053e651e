//! Handshake messages out of the contents of records. A message may span records, and a record may
//! hold several messages.
//!
//! ```text
//! header   4 bytes: type, and the length of the body
//! body     stored as far as its type asks for, and counted
//! ```
//!
//! RFC 8446 sections 4 and 5.1, RFC 5246 section 7.4.
//!
//! - `body.len() <= MessageType::kept()`, so a message that never ends takes no more memory
//! - `header.len() < 4` or `remaining > 0` between calls

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::TryGrow;

use crate::tls::handshake::MessageType;

/// Bytes of a message before its body.
const HEADER: usize = 4;

/// Takes one direction's handshake messages apart.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Messages {
    /// The header of the message that is being read, as far as it is there.
    #[serde(with = "serde_bytes")]
    header: [u8; HEADER],
    header_length: usize,
    /// The start of its body.
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
    /// Bytes of its body that are still to come.
    remaining: usize,
}

/// A handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub message_type: MessageType,
    /// The start of the body: all of it for messages of usual lengths that are of use, nothing for
    /// others, and less where there was no memory.
    pub body: &'a [u8],
}

impl Messages {
    /// Takes bytes of a record's content, up to the end of a message; call it until it returns
    /// `None`, which means that all are taken. `content` is what is left of them.
    pub fn next<'a>(&'a mut self, content: &mut &[u8]) -> Option<Message<'a>> {
        if self.is_whole() {
            self.reset();
        }
        while self.header_length < HEADER {
            let (&byte, rest) = content.split_first()?;
            self.header[self.header_length] = byte;
            self.header_length += 1;
            *content = rest;
            if self.header_length == HEADER {
                let [_, high, middle, low] = self.header;
                self.remaining = u32::from_be_bytes([0, high, middle, low]) as usize;
            }
        }
        let (body, rest) = content.split_at(self.remaining.min(content.len()));
        *content = rest;
        self.remaining -= body.len();
        let room = self.message_type().kept().saturating_sub(self.body.len());
        let stored = &body[..room.min(body.len())];
        // Without memory the message counts as one whose end was not captured.
        let _ = self.body.try_append(stored);
        self.is_whole().then(|| self.message())
    }

    /// The message whose end is still to come, if its header is there.
    #[must_use]
    pub fn unfinished(&self) -> Option<Message<'_>> {
        (self.header_length == HEADER && self.remaining > 0).then(|| self.message())
    }

    /// Whether the content so far ended with a message, so that keys may change here.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.header_length == 0 || self.is_whole()
    }

    /// Forgets the message that is being read: the next content starts with a message.
    pub fn reset(&mut self) {
        self.header_length = 0;
        self.remaining = 0;
        self.body = Vec::new();
    }

    /// Memory for the message that is being read, in bytes.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.body.capacity()
    }

    fn is_whole(&self) -> bool {
        self.header_length == HEADER && self.remaining == 0
    }

    fn message_type(&self) -> MessageType {
        MessageType::of(self.header[0])
    }

    fn message(&self) -> Message<'_> {
        Message { message_type: self.message_type(), body: &self.body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[number], &length[1..], body].concat()
    }

    /// The type and the body of each message in contents of records.
    fn read(messages: &mut Messages, contents: &[&[u8]]) -> Vec<(MessageType, Vec<u8>)> {
        let mut read = Vec::new();
        for mut content in contents.iter().copied() {
            while let Some(message) = messages.next(&mut content) {
                read.push((message.message_type, message.body.to_vec()));
            }
            assert!(content.is_empty());
        }
        read
    }

    #[test]
    fn messages_span_and_share_records() {
        let stream = [
            message(2, b"server hello"),
            message(14, b""),
            message(11, &[1; 3000]),
            message(24, b"\x01"),
            message(20, &[2; 12]),
        ]
        .concat();
        let expected = [
            (MessageType::ServerHello, b"server hello".to_vec()),
            (MessageType::ServerHelloDone, Vec::new()),
            (MessageType::Certificate, Vec::new()),
            (MessageType::KeyUpdate, vec![1]),
            (MessageType::Finished, Vec::new()),
        ];
        for size in [1, 2, 3, 5, 7, 100, stream.len()] {
            let records: Vec<_> = stream.chunks(size).collect();
            let mut messages = Messages::default();
            assert_eq!(read(&mut messages, &records), expected, "{size}");
            assert!(messages.is_between_messages());
            assert_eq!(messages.unfinished(), None);
        }
    }

    #[test]
    fn a_message_without_its_end_can_be_looked_at() {
        let stream = message(1, b"client hello");
        let mut messages = Messages::default();
        assert_eq!(read(&mut messages, &[&stream[..3]]), []);
        assert_eq!(messages.unfinished(), None);
        assert!(!messages.is_between_messages());
        assert_eq!(read(&mut messages, &[&stream[3..10]]), []);
        let unfinished = messages.unfinished().unwrap();
        assert_eq!(
            (unfinished.message_type, unfinished.body),
            (MessageType::ClientHello, &b"client"[..])
        );
        messages.reset();
        assert_eq!(read(&mut messages, &[&stream]).len(), 1);
    }

    #[test]
    fn a_message_of_any_length_takes_little_memory() {
        for number in 0..=255 {
            let mut messages = Messages::default();
            let start = [&[number, 0xff, 0xff, 0xff][..], &[0; 1 << 14]].concat();
            for _ in 0..100 {
                read(&mut messages, &[&start[..]]);
                assert!(messages.bytes_held() <= 32 << 10);
            }
        }
    }
}
