//! permessage-deflate (RFC 7692): parameters, inflating and compressing.

mod context;
pub mod deflater;
mod extension_header;
pub mod inflater;
pub(crate) mod inflation;
pub(crate) mod journal;
pub mod offer;
pub mod params;
mod parked;
pub mod pool;
#[cfg(feature = "serde")]
mod queue;
pub(crate) mod slot;
#[cfg(all(test, feature = "serde"))]
mod slot_tests;
pub(crate) mod target;
pub(crate) mod window;
