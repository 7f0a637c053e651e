//! The options that decide what rows a capture has: a state goes on only with the same ones.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "texts of the caller's options"
)]

use serde::{Deserialize, Serialize};
use wsdefrag_core::{DeflateParams, Limits, Strictness};

use crate::checkpoint::error::CheckpointError;
use crate::options::{Filter, Options};

/// The options of a capture, but for those that only bound its memory.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct RowOptions {
    capture_point: String,
    limits: Limits,
    strictness: Strictness,
    deflate: Option<DeflateParams>,
    contents: bool,
    resync: bool,
    idle_timeout: Option<i64>,
    key: String,
    decode_as: Vec<String>,
    filter: Filter,
    conditions: String,
}

impl RowOptions {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            capture_point: options.capture_point.clone(),
            limits: options.limits,
            strictness: options.strictness,
            deflate: options.deflate,
            contents: options.contents,
            resync: options.resync,
            idle_timeout: options.idle_timeout,
            key: format!("{:?}", options.key),
            decode_as: options.decode_as.iter().map(|it| format!("{it:?}")).collect(),
            filter: options.filter.clone(),
            conditions: format!("{:?}", options.conditions),
        }
    }

    /// Refuses options with which other rows would come.
    pub(crate) fn check(&self, options: &Options) -> Result<(), CheckpointError> {
        let now = Self::of(options);
        if self.capture_point != now.capture_point {
            return Err(CheckpointError::CapturePoint(self.capture_point.clone()));
        }
        let differing = [
            ("limits", self.limits != now.limits),
            ("strictness", self.strictness != now.strictness),
            ("deflate", self.deflate != now.deflate),
            ("content", self.contents != now.contents),
            ("resync", self.resync != now.resync),
            ("idle_timeout", self.idle_timeout != now.idle_timeout),
            ("key", self.key != now.key),
            ("decode_as", self.decode_as != now.decode_as),
            ("filter", self.filter != now.filter),
            ("condition", self.conditions != now.conditions),
        ];
        match differing.into_iter().find(|(_, differs)| *differs) {
            Some((name, _)) => Err(CheckpointError::Option(name)),
            None => Ok(()),
        }
    }
}
