//! The settings for reading one direction.

use crate::deflate::params::DeflateParams;
use crate::frame::header::Rules;
use crate::limits::Limits;
use crate::strictness::Strictness;

/// The settings for reading one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settings {
    /// Whether the client sends.
    pub from_client: bool,
    /// The agreed permessage-deflate parameters, if any.
    pub deflate: Option<DeflateParams>,
    /// Whether an extension was agreed that this crate does not know. Messages with its RSV bits
    /// are not decoded.
    pub foreign_extension: bool,
    /// The limits on the sender's messages.
    pub limits: Limits,
    /// Which rules are enforced.
    pub strictness: Strictness,
}

impl Settings {
    /// The rules of this direction's frame headers.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        Rules {
            from_client: self.from_client,
            deflate: self.deflate.is_some(),
            foreign_extension: self.foreign_extension,
            strictness: self.strictness,
        }
    }

    /// Whether the sender may refer to earlier messages against the agreement, and is read then.
    pub(crate) const fn remembers_content(&self) -> bool {
        self.no_context_takeover() && !self.strictness.no_context_takeover
    }

    /// Whether the sender starts each message with an empty window.
    #[must_use]
    pub const fn no_context_takeover(&self) -> bool {
        match &self.deflate {
            Some(params) => params.no_context_takeover(self.from_client),
            None => false,
        }
    }
}
