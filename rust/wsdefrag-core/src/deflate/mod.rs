//! permessage-deflate (RFC 7692): the agreed parameters, inflating and compressing.

pub mod deflater;
pub mod inflater;
pub mod params;
