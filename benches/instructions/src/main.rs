//! Eight kernels whose instructions are counted.
//!
//! `wsdefrag-instructions NAME` makes the kernel's input and runs it inside [`counted`]; under
//! callgrind only what happens there is counted (`--toggle-collect`), so neither the start of the
//! process nor the making of the input is. Without a name it prints the kernels' names, and with
//! `--cpu` the features of the processor that the crates below choose their code by.
//!
//! An input is a function of its kernel's name alone: no clock, no randomness, no files. A kernel
//! checks what it got, so one that became quick by doing nothing fails.

#![forbid(unsafe_code)]

mod capture_file;
mod kernels;
mod relayed;
mod wire;

use std::hint::black_box;
use std::process::ExitCode;

use kernels::{KERNELS, Kernel};

/// Everything that is counted.
#[inline(never)]
fn counted(run: &mut dyn FnMut() -> u64) -> u64 {
    run()
}

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        for Kernel { name, .. } in KERNELS {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    if name == "--cpu" {
        println!("{}", cpu_features().join(" "));
        return ExitCode::SUCCESS;
    }
    let Some(kernel) = KERNELS.iter().find(|kernel| kernel.name == name) else {
        eprintln!("no kernel of that name: {name}");
        return ExitCode::FAILURE;
    };
    let mut prepared = (kernel.prepare)();
    let got = counted(&mut *prepared.run);
    assert_eq!(black_box(got), prepared.expected, "the kernel did something else");
    ExitCode::SUCCESS
}

/// What code is chosen by at run time, as far as this process sees it.
fn cpu_features() -> Vec<&'static str> {
    let mut found = Vec::new();
    macro_rules! look_for {
        ($detected:ident: $($feature:tt)*) => {
            $(if std::arch::$detected!($feature) { found.push($feature); })*
        };
    }
    #[cfg(target_arch = "x86_64")]
    look_for!(is_x86_feature_detected: "sse4.2" "avx" "avx2" "bmi1" "bmi2" "pclmulqdq" "avx512f");
    #[cfg(target_arch = "aarch64")]
    look_for!(is_aarch64_feature_detected: "neon" "crc" "sve");
    found
}
