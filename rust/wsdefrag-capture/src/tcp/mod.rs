//! TCP: segments in, one stream for each direction of each connection out.

mod connection_table;
pub(crate) mod connections;
mod live_connection;
mod out_of_order;
pub(crate) mod stream;
