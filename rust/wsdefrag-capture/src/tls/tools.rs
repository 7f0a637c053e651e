//! What a direction of TLS needs to read records besides its own state, and what it may wait for.

use serde::{Deserialize, Serialize};

use crate::stream_part::StreamPart;
use crate::tls::keys::Keys;
use crate::tls::negotiation::Negotiation;

/// What a direction needs to read records.
pub(super) struct Tools<'a> {
    pub(super) negotiation: &'a mut Negotiation,
    pub(super) keys: &'a mut Keys,
    /// Takes opened records.
    pub(super) scratch: &'a mut Vec<u8>,
    /// A buffer that is not in use.
    pub(super) spare: &'a mut Vec<u8>,
    pub(super) may_wait: MayWait,
    /// Takes the application's streams.
    pub(super) out: &'a mut dyn FnMut(usize, StreamPart<'_>),
}

/// What to wait for if it is not there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MayWait {
    pub(super) for_keys: bool,
    /// The other side's hello may still come: nothing of its stream is missing.
    pub(super) for_hello: bool,
}

/// What a direction waits for before it can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Waiting {
    /// The keys of the next record may still come.
    Keys,
    /// The server's answer cannot be read, so the client's next records have to tell whether early
    /// data were accepted.
    Client,
    /// The hello of the other side has yet to come, because its packets were captured later (TLS
    /// 1.2, where keys are derived from both).
    Hello,
}
