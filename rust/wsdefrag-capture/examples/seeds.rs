//! Writes the inputs that fuzzing starts from, in a folder for each target.
//!
//! ```text
//! cargo run --package wsdefrag-capture --example seeds -- rust/fuzz/corpus/seeds
//! ```
//!
//! They are made of `vectors/`, by the code that the tests replay them with.

#[path = "../tests/checkpoint/seeds.rs"]
mod checkpoint;
#[path = "../tests/connections/seeds.rs"]
mod connections;
#[path = "../tests/connections/contract.rs"]
#[allow(dead_code, reason = "only the form of inputs is used")]
mod contract;
#[path = "../tests/checkpoint/cut_contract.rs"]
#[allow(dead_code, reason = "only the form of inputs is used")]
mod cut_contract;
#[path = "../tests/checkpoint/frame.rs"]
#[allow(dead_code, reason = "only contents are taken out")]
mod frame;
#[path = "../tests/connections/http2.rs"]
#[allow(dead_code, reason = "only the form of inputs is used")]
mod http2;
#[path = "../../wsdefrag-core/tests/contract/input.rs"]
#[allow(dead_code, reason = "only the half that writes inputs is used")]
mod input;
#[path = "../tests/packets/merge_contract.rs"]
#[allow(dead_code, reason = "only the form of inputs is used")]
mod merge_contract;
#[path = "../tests/packets/seeds.rs"]
mod packets;
#[path = "../../wsdefrag-core/tests/vectors/reading.rs"]
#[allow(dead_code, reason = "expectations are of no use here")]
mod reading;
#[path = "../tests/recorded/seeds.rs"]
mod recorded;
#[path = "../tests/checkpoint/recordings.rs"]
mod recordings;
#[path = "../tests/checkpoint/rows.rs"]
#[allow(dead_code, reason = "only the rows' receiver is used")]
mod rows;
#[path = "../../wsdefrag-core/tests/vectors/seeds.rs"]
mod seeds;
#[path = "../tests/tls/seeds.rs"]
mod tls;

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("which folder?"))?;
    let of_captures = [
        ("packets", packets::seeds()),
        ("merge", packets::of_several_files()),
        ("connections", connections::seeds().to_vec()),
        ("http2", connections::http2().to_vec()),
        ("hpack", connections::hpack().to_vec()),
        ("tls_messages", tls::messages()),
        ("tls_keylog", tls::keylog()),
        ("recorded", recorded::seeds()),
        ("checkpoint", checkpoint::seeds()),
    ];
    for (target, inputs) in seeds::targets().into_iter().chain(of_captures) {
        write(&Path::new(&folder).join(target), &inputs)?;
    }
    Ok(())
}

/// Replaces the inputs of a target.
fn write(folder: &Path, inputs: &[seeds::Seed]) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for (name, input) in inputs {
        fs::write(folder.join(name), input)?;
    }
    let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
    println!("{}: {} inputs, {bytes} bytes", folder.display(), inputs.len());
    Ok(())
}
