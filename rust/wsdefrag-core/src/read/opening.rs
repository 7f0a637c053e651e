//! What the header of a data frame begins: which path a message takes, how it is decoded, and what it
//! may become.
//!
//! It implements RFC 6455 sections 5.2 and 5.4, and RFC 7692 section 6.

use crate::error::Kind;
use crate::frame::header::Header;
use crate::frame::opcode::Opcode;
use crate::read::account::{Account, Decoding};
use crate::read::memory::Content;
use crate::read::message::{ContentRules, OpenMessage, PayloadUse};
use crate::read::reassembler::Reassembler;
use crate::read::uncollected::Collection;

impl<C: Content> Reassembler<C> {
    /// Whether this first frame of a message says that the message is compressed.
    #[inline]
    const fn is_compressed(&self, header: &Header) -> bool {
        header.rsv1() && self.settings.deflate.is_some()
    }

    /// How the message with this first frame is decoded.
    const fn decoding(&self, header: &Header) -> Decoding {
        match (self.is_compressed(header), self.passive.window_known) {
            (false, _) => Decoding::Plain,
            (true, true) => Decoding::Deflate,
            (true, false) => Decoding::Opaque,
        }
    }

    /// Whether the RSV bits of a first frame leave its payload unchanged.
    #[cold]
    fn is_plain(&self, header: &Header) -> bool {
        !self.is_compressed(header) && !self.walker.parser.rules().is_foreign(header)
    }

    /// Whether a complete frame can take the short path.
    #[inline]
    pub(super) fn is_whole_message(&self, header: &Header) -> bool {
        header.fin
            && matches!(header.opcode, Opcode::Text | Opcode::Binary)
            && (header.rsv == 0 || self.is_plain(header))
            && header.length < self.too_long
    }

    /// Opens or continues the message that a frame belongs to, and counts what the frame announces. A
    /// control frame changes nothing.
    #[inline]
    pub(super) fn begin_frame(&mut self, header: &Header) -> Result<(), Kind> {
        if header.opcode.is_control() {
            return Ok(());
        }
        let decoding = self.decoding(header);
        let message = self.message.get_or_insert_with(|| {
            let content_rules = ContentRules {
                utf8: self.settings.strictness.utf8,
                lenient: self.passive.on,
                payload_use: if self.passive.contents {
                    PayloadUse::Kept
                } else {
                    PayloadUse::PassedOver
                },
                optional: self.collection != Collection::Required,
                remembers: self.settings.remembers_content(),
            };
            let offset = self.walker.parser.start();
            OpenMessage::new(Account::new(header.opcode, offset, decoding), content_rules)
        });
        if self.collection == Collection::Nothing {
            message.stop_collecting()?;
        }
        if self.settings.foreign_extension && self.walker.parser.rules().is_foreign(header) {
            let was_inflated = message.becomes_foreign();
            let announced = message.account.announce(header, &self.settings.limits);
            if was_inflated {
                // The bytes that this frame would inflate to are unknown.
                self.lose_window();
            }
            return announced.or_else(|kind| self.content_fault(kind));
        }
        let announced = message.account.announce(header, &self.settings.limits);
        announced.or_else(|kind| self.content_fault(kind))
    }
}
