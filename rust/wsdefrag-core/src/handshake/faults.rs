//! Which faults end a handshake, and how often the others were met.
//!
//! ```text
//! strict            each fault ends it
//! lenient endpoint  those end it without which no answer can be made or believed
//! bystander         those end it after which the head cannot be read
//! ```

use std::borrow::Cow;

use crate::handshake::fault::{FAULTS, Fault, HandshakeError};

/// How strictly a head is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Strict,
    LenientEndpoint,
    Bystander,
}

/// The faults of one head.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    reading: Reading,
    is_request: bool,
    tolerated: [u32; FAULTS.len()],
}

impl Faults {
    pub(crate) const fn new(reading: Reading, is_request: bool) -> Self {
        Self { reading, is_request, tolerated: [0; FAULTS.len()] }
    }

    pub(crate) const fn is_strict(&self) -> bool {
        matches!(self.reading, Reading::Strict)
    }

    /// An error at `offset`.
    pub(crate) fn error(
        &self,
        fault: Fault,
        offset: usize,
        reason: impl Into<Cow<'static, str>>,
    ) -> HandshakeError {
        HandshakeError { fault, offset, is_request: self.is_request, reason: reason.into() }
    }

    /// Meets a fault: an error at the offset and with the text that `describe` gives, or one more that
    /// was tolerated.
    pub(crate) fn meet<R: Into<Cow<'static, str>>>(
        &mut self,
        fault: Fault,
        describe: impl FnOnce() -> (usize, R),
    ) -> Result<(), HandshakeError> {
        let ends = match fault {
            Fault::NotHttp
            | Fault::HeadTooLarge
            | Fault::TargetTooLong
            | Fault::TooManyResponses
            | Fault::Incomplete
            | Fault::OutOfMemory => true,
            Fault::Method
            | Fault::Upgrade
            | Fault::Key
            | Fault::UnsupportedVersion
            | Fault::AcceptKey
            | Fault::Extensions => self.reading != Reading::Bystander,
            _ => self.reading == Reading::Strict,
        };
        if ends {
            let (offset, reason) = describe();
            return Err(self.error(fault, offset, reason));
        }
        let count = &mut self.tolerated[fault as usize];
        *count = count.saturating_add(1);
        Ok(())
    }

    /// The names of the faults that were tolerated, and how often.
    pub(crate) fn tolerated(&self) -> impl Iterator<Item = (&'static str, u32)> {
        FAULTS
            .iter()
            .map(|fault| (fault.name(), self.tolerated[*fault as usize]))
            .filter(|met| met.1 > 0)
    }
}
