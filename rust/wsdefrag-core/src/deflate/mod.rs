//! permessage-deflate (RFC 7692): parameters, inflating and compressing.

mod context;
pub mod deflater;
mod extension_header;
pub mod inflater;
pub(crate) mod inflation;
pub mod offer;
pub mod params;
mod parked;
pub mod pool;
pub(crate) mod slot;
pub(crate) mod target;
pub(crate) mod window;
