//! One direction of a relay: what one side sends, on its way to the other.
//!
//! A [`Reassembler`](crate::Reassembler) reads what comes in. Where the caller
//! decides ([`relay`]), it is noted how each event stood on the wire
//! ([`frame_log`]), so that what the caller leaves alone can go on as it came. Or
//! frames go on by themselves while they are read ([`pass_through`], [`passing`]),
//! and nothing waits for anybody. An [`Outbound`] writes what goes out.

pub mod frame_log;
pub mod held;
pub mod line;
pub mod outbound;
pub mod pass_through;
pub mod passing;
#[expect(clippy::module_inception, reason = "the relay itself, beside what it is made of")]
pub mod relay;

pub use frame_log::{FrameLog, Recorder, Recording};
pub use held::Held;
pub use line::{ByteOutput, Pace};
pub use outbound::{Control, Edit, Outbound};
pub use pass_through::{Completing, PassThrough};
pub use passing::Passing;
pub use relay::{Message, Relay};
