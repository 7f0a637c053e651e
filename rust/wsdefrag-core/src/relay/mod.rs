//! One direction of a relay: forwards what one endpoint sends to the other.
//!
//! A [`Reassembler`](crate::Reassembler) reads the direction, and an [`Outbound`] writes it. There
//! are two kinds of relay:
//!
//! - [`relay`]: events wait until the caller forwards, edits or drops them. [`recording`] records
//!   the frames of each event, so that an unchanged event is forwarded in the same frames.
//! - [`pass_through`]: frames are forwarded while they are read ([`passing`]), and [`schedule`]
//!   finds the place between them for the caller's own frames.

pub mod deadlines;
pub mod frame_log;
pub mod held;
pub mod outbound;
pub mod pass_through;
pub mod passing;
pub mod recording;
#[expect(clippy::module_inception, reason = "the relay itself, beside its parts")]
pub mod relay;
pub mod schedule;

pub use deadlines::{Deadlines, Due, Side, Timeouts};
pub use frame_log::FrameLog;
pub use held::Held;
pub use outbound::{Control, Edit, Outbound};
pub use pass_through::{Completing, PassThrough};
pub use passing::Passing;
pub use recording::{Recorder, Recording};
pub use relay::{Message, Relay};
pub use schedule::{ByteOutput, Pace};
