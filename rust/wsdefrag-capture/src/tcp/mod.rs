//! TCP: segments in, one byte stream per direction of each connection out.

#[cfg(test)]
mod all_tests;
mod beginning;
mod checkpoint;
pub(crate) mod clock;
mod connection_memory;
pub(crate) mod connection_table;
pub(crate) mod connections;
mod ends;
mod entry;
mod final_output;
mod given_up;
mod history;
pub(crate) mod inflaters;
pub(crate) mod key;
mod ledger;
mod live_connection;
mod out_of_order;
mod past_connection;
mod patience;
mod port_reuse;
mod relief;
mod reset;
mod room;
pub(crate) mod shard;
pub(crate) mod shard_numbers;
pub(crate) mod stream;
mod tenant_choice;
mod tenants;
