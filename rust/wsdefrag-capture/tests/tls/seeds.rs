//! The inputs that fuzzing starts from: what OpenSSL sent and logged, in `vectors/tls_records.jsonl`.
//!
//! The contracts describe the form of an input. The example `seeds` includes this file too.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Inputs of the target `tls_messages`, by their names: the starts of streams.
pub(crate) fn messages() -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    for (number, line) in lines().into_iter().enumerate().step_by(3) {
        for side in ["client", "server"] {
            let digits = line[side].as_str().unwrap();
            let mut input = vec![u8::try_from(number * 7).unwrap()];
            let pairs = (0..digits.len().min(1800)).step_by(2);
            input.extend(pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()));
            inputs.push((format!("{number}-{side}"), input));
        }
    }
    inputs
}

/// Inputs of the target `tls_keylog`, by their names.
pub(crate) fn keylog() -> Vec<(String, Vec<u8>)> {
    let texts: Vec<String> = lines()
        .iter()
        .map(|line| {
            let lines = line["keylog"].as_array().unwrap();
            lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
        })
        .collect();
    let mut inputs = Vec::new();
    for (number, pair) in texts.chunks(2).enumerate() {
        let end = ["\n", "\r\n", "\r", ""][number % 4];
        let text = format!("# {number}{end}{}{end}", pair.join("\n").replace('\n', end));
        let size = u8::try_from(number * 11).unwrap();
        inputs.push((format!("{number}"), [&[size], text.as_bytes()].concat()));
    }
    inputs
}

fn lines() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/tls_records.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
