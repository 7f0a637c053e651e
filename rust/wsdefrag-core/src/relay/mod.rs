//! One direction of a relay: what one side sends, on its way to the other.
//!
//! A [`Reassembler`](crate::Reassembler) reads what comes in. How it stood on
//! the wire is noted beside it ([`frame_log`]), so that what the caller leaves alone
//! can go on as it came; an [`Outbound`] writes what goes out. Or bytes go on by
//! themselves while they are read ([`pass_through`]), and nothing waits for anybody.

pub mod frame_log;
pub mod outbound;
pub mod pass_through;

pub use frame_log::{FrameLog, Recorder, Recording};
pub use outbound::{Control, Edit, Outbound};
pub use pass_through::{ByteOutput, Pace, PassThrough, Passing};
