//! A regular expression of the caller, for contents that may be any bytes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the caller's expression"
)]

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

/// Most bytes that a compiled expression may take.
const SIZE_LIMIT: usize = 16 << 20;

/// A regular expression, in the syntax of the `regex` crate. It searches in time linear in the content.
#[derive(Clone)]
pub struct Pattern(Regex);

/// A pattern that is no regular expression, or too large a one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(String);

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn new(expression: &str, ignore_case: bool) -> Result<Self, PatternError> {
        let built = RegexBuilder::new(expression)
            .case_insensitive(ignore_case)
            .size_limit(SIZE_LIMIT)
            .build();
        built.map(Self).map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            PatternError(format!("{expression:?} is no regular expression: {reason}"))
        })
    }

    /// Whether it occurs in `content`.
    #[must_use]
    pub fn occurs_in(&self, content: &[u8]) -> bool {
        self.0.is_match(content)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.0.as_str())
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}
