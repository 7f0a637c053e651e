//! States of captures: of any bytes, and of captures that are cut at places which the input chooses.
//!
//! The contract lists the outcomes allowed: a state is refused or read on, and a capture that was cut has
//! the rows of one that was read in one go. A panic is allowed only where a changed state is read on, and
//! only in what debug builds check besides: that accounts are balanced, and that sums fit.

#![no_main]

#[path = "../../wsdefrag-capture/tests/connections/contract.rs"]
#[allow(dead_code, reason = "only the files of scripts are used")]
mod contract;
#[path = "../../wsdefrag-capture/tests/checkpoint/cut_contract.rs"]
#[allow(dead_code, reason = "the seeds use the rest")]
mod cut_contract;
#[path = "../../wsdefrag-capture/tests/checkpoint/frame.rs"]
mod frame;
#[path = "../../wsdefrag-capture/tests/connections/http2.rs"]
#[allow(dead_code, reason = "only the files of scripts are used")]
mod http2;
#[path = "../../wsdefrag-capture/tests/checkpoint/rows.rs"]
mod rows;

libfuzzer_sys::fuzz_target!(
    // The hook that is set before ends the process also where the contract catches a panic.
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |input: &[u8]| cut_contract::check(input)
);
