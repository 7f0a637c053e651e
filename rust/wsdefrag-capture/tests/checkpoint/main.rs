//! The law of checkpoints: a capture that is cut anywhere, written, and read again has exactly the rows
//! of one that is read in one go.

#[path = "../connections/seeds.rs"]
#[allow(dead_code, reason = "header blocks alone are no capture")]
mod connections;
#[path = "../connections/contract.rs"]
#[allow(dead_code, reason = "only the files of scripts are used")]
mod contract;
mod cut_contract;
mod dictionary;
mod frame;
#[path = "../connections/http2.rs"]
#[allow(dead_code, reason = "only the files of scripts are used")]
mod http2;
mod kept;
mod law;
mod mutation;
mod recordings;
mod rows;
mod seeds;
mod states;
mod talk;
