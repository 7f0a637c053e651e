//! Rules that can be switched off one by one.
//!
//! A rule that is off is still watched: each breach of it is counted in
//! [`Tolerated`], so that leniency never hides what was on the wire. The rules
//! of the framing and of the text are on by default. Those about deflate are
//! off by default: keeping them protects nobody, and costs messages.
//!
//! The list below is the only one. Both structs, their names and their order
//! come from it, and so do the names in Python.

macro_rules! rules {
    ($($(#[doc = $rule:literal])+ $name:ident = $default:literal, counted as $counted:literal;)+) => {
        /// Which of the rules that can be switched off are enforced.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Strictness {
            $($(#[doc = $rule])+ pub $name: bool,)+
        }

        impl Default for Strictness {
            fn default() -> Self {
                Self::DEFAULT
            }
        }

        impl Strictness {
            /// What is enforced unless the caller says otherwise.
            pub const DEFAULT: Self = Self { $($name: $default,)+ };
            /// Every rule switched off.
            pub const NONE: Self = Self { $($name: false,)+ };
            /// The names of the rules, in order.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];

            /// The switches that `enforced` gives for the rules' names.
            pub fn from_names<E>(
                mut enforced: impl FnMut(&'static str) -> Result<bool, E>,
            ) -> Result<Self, E> {
                Ok(Self { $($name: enforced(stringify!($name))?,)+ })
            }
        }

        /// How often each rule that is switched off was broken.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Tolerated {
            $(#[doc = $counted] pub $name: u64,)+
        }

        impl Tolerated {
            /// Nothing was broken.
            pub const NONE: Self = Self { $($name: 0,)+ };

            /// Every rule's name and count, in the order of [`Strictness::NAMES`].
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),+].into_iter()
            }

            /// Adds the counts of another reader of the same direction.
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
    /// Whether no rule about frame headers is switched off.
    #[must_use]
    pub const fn enforces_headers(self) -> bool {
        self.mask_direction && self.minimal_length && self.reserved_bits
    }
}

rules! {
    /// Clients mask, servers do not (RFC 6455 section 5.1).
    mask_direction = true, counted as "Frames masked, or not, against their direction.";
    /// Lengths use the shortest form (RFC 6455 section 5.2).
    minimal_length = true, counted as "Frames whose length used a longer form than it needed.";
    /// RSV bits are zero unless an extension gave them a meaning (RFC 6455 section 5.2).
    reserved_bits = true, counted as "Frames with RSV bits that nothing gave a meaning.";
    /// Close codes are ones that may be sent (RFC 6455 section 7.4).
    close_codes = true, counted as "Close frames with a code that may not be sent.";
    /// Text messages are UTF-8 (RFC 6455 section 8.1). Close reasons always have to be.
    utf8 = true, counted as "Text messages that are not UTF-8.";
    /// A sender that agreed on no context takeover refers to nothing before the message
    /// (RFC 7692 section 7.1.1).
    no_context_takeover = false,
        counted as "Compressed messages that refer to earlier ones against the agreement.";
    /// A compressed message has a payload (RFC 7692 section 7.2.3.6).
    empty_compressed_payload = false, counted as "Compressed messages without any payload.";
    /// The last four bytes of a compressed message's final flush, `00 00 ff ff`, are taken off
    /// (RFC 7692 section 7.2.1).
    deflate_tail = false, counted as "Compressed messages that end with those four bytes.";
}
