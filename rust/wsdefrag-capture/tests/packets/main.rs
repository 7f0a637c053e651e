//! Tests of the packet stage: capture files in, packets out.

mod contract;
mod exported;
mod files;
mod formats;
mod fragmented;
mod layers;
mod links;
mod merge_contract;
mod merging;
mod properties;
mod reading;
mod seeds;
mod tunnels;
mod writer;
