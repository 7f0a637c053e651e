//! Protocol rules that a caller can switch off one by one.
//!
//! [`Strictness`] says which rules are enforced. [`Tolerated`] counts the violations of rules that
//! are switched off. The framing rules and the UTF-8 rule are on by default. The permessage-deflate
//! rules are off by default, because violating them harms nobody and enforcing them rejects
//! readable messages.
//!
//! The list of rules below defines both structs, the rules' names and their order, in Rust and in
//! Python.

macro_rules! rules {
    ($($(#[doc = $rule:literal])+ $name:ident = $default:literal, counted as $counted:literal;)+) => {
        /// Which rules are enforced.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct Strictness {
            $($(#[doc = $rule])+ pub $name: bool,)+
        }

        impl Default for Strictness {
            fn default() -> Self {
                Self::DEFAULT
            }
        }

        impl Strictness {
            /// The rules that are enforced by default.
            pub const DEFAULT: Self = Self { $($name: $default,)+ };
            /// Every rule switched off.
            pub const NONE: Self = Self { $($name: false,)+ };
            /// The names of the rules, in order.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];

            /// Calls `enforced` with each rule's name, and collects the results.
            pub fn from_names<E>(
                mut enforced: impl FnMut(&'static str) -> Result<bool, E>,
            ) -> Result<Self, E> {
                Ok(Self { $($name: enforced(stringify!($name))?,)+ })
            }
        }

        /// How often each switched-off rule was broken.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct Tolerated {
            $(#[doc = $counted] pub $name: u64,)+
        }

        impl Tolerated {
            /// Nothing was broken.
            pub const NONE: Self = Self { $($name: 0,)+ };

            /// How the count of every rule is read, in the order of [`Strictness::NAMES`].
            pub const GETTERS: &[fn(&Self) -> u64] = &[$(|counts| counts.$name),+];

            /// Every rule's name and count, in the order of [`Strictness::NAMES`].
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),+].into_iter()
            }

            /// Adds the counts of `other`, from another reader of the same direction.
            pub const fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            /// The rules that are switched off, by name, with their counts.
            pub fn of(&self, strictness: Strictness) -> impl Iterator<Item = (&'static str, u64)> {
                let enforced = [$(strictness.$name),+];
                let counters = self.counters().zip(enforced);
                counters.filter(|(_, enforced)| !enforced).map(|(counter, _)| counter)
            }
        }
    };
}

impl Strictness {
    /// Whether every rule about frame headers is enforced.
    #[must_use]
    pub const fn enforces_headers(self) -> bool {
        self.mask_direction && self.minimal_length && self.reserved_bits
    }
}

rules! {
    /// A client masks its frames; a server does not (RFC 6455 section 5.1).
    mask_direction = true, counted as "Masked frames from a server and unmasked frames from a client.";
    /// A payload length is encoded in its shortest form (RFC 6455 section 5.2).
    minimal_length = true, counted as "Frames whose length was not in its shortest form.";
    /// RSV bits are zero unless an agreed extension defines them (RFC 6455 section 5.2).
    reserved_bits = true, counted as "Frames with RSV bits that no agreed extension defines.";
    /// A Close frame contains only a code that an endpoint may send (RFC 6455 section 7.4).
    close_codes = true, counted as "Close frames with a code that may not be sent.";
    /// A text message is UTF-8 (RFC 6455 section 8.1). For close reasons this is always enforced.
    utf8 = true, counted as "Text messages that are not UTF-8.";
    /// With no context takeover agreed, a compressed message does not refer to earlier messages
    /// (RFC 7692 section 7.1.1).
    no_context_takeover = false,
        counted as "Compressed messages that refer to earlier ones against the agreement.";
    /// A compressed message has at least one payload byte (RFC 7692 section 7.2.3.6).
    empty_compressed_payload = false, counted as "Compressed messages without any payload.";
    /// The sender removes the four bytes `00 00 ff ff` from the end of a compressed message (RFC
    /// 7692 section 7.2.1).
    deflate_tail = false, counted as "Compressed messages that end with `00 00 ff ff`.";
}
