//! One direction of a relay: what one side sends, on its way to the other.
//!
//! A [`Reassembler`](crate::Reassembler) reads what comes in. How it stood on
//! the wire is noted beside it ([`wire`]), so that what the caller leaves alone
//! can go on as it came; an [`Outlet`] writes what goes out. Or bytes go on by
//! themselves while they are read ([`through`]), and nothing waits for anybody.

pub mod outlet;
pub mod through;
pub mod wire;

pub use outlet::{Control, Edit, Outlet};
pub use through::{Pace, Passing, Pieces, Through};
pub use wire::{Recorder, Recording, Wire};
