//! The inputs that fuzzing starts from: the beginnings of recorded captures, and inputs with
//! features that no recorded capture has.
//!
//! `contract.rs` and `merge_contract.rs` describe the form of an input. The example `seeds` includes this
//! file too.

use std::fs;
use std::path::Path;

use super::merge_contract::SEPARATOR;

/// The inputs, by their names.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/captures");
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng"));
    paths.sort();
    let mut files: Vec<(String, Vec<u8>)> = paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.push(("fragments".to_owned(), fragments()));
    for ((_, file), index) in files.iter_mut().zip(0_u8..) {
        file.truncate(1500);
        file.splice(0..0, [index.wrapping_mul(37), index % 7]);
    }
    files
}

/// Inputs of two files each, by their names.
pub(crate) fn of_several_files() -> Vec<(String, Vec<u8>)> {
    let files = seeds();
    let pairs = files.iter().zip(files.iter().skip(1));
    pairs
        .map(|((name, one), (_, other))| {
            let (Some((head, one)), Some((_, other))) =
                (one.split_first_chunk::<2>(), other.split_first_chunk::<2>())
            else {
                unreachable!("a seed has a head")
            };
            let both = [one, other].map(|file| &file[..file.len().min(600)]);
            let known = [head[0] & 3];
            (name.clone(), [&head[..], &known, &both.join(&SEPARATOR[..])].concat())
        })
        .collect()
}

/// A pcap file of raw IP with a datagram in fragments, of IPv4 and of IPv6.
fn fragments() -> Vec<u8> {
    let mut segment = vec![0x9C, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 7, 0x50, 0x10, 1, 0];
    segment.resize(48, 0);
    let mut packets = Vec::new();
    for (start, flags) in [(0_u16, [0x20, 0]), (24, [0, 3])] {
        let part = &segment[usize::from(start)..][..24];
        let [high, low] = (start | u16::from(start == 0)).to_be_bytes();
        let [more, last] = flags;
        let ipv4 = [0x45, 0, 0, 44, 0, 7, more, last, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packets.push([&ipv4, part].concat());
        let mut ipv6 = vec![0x60, 0, 0, 0, 0, 32, 44, 64];
        for side in [1, 2] {
            ipv6.extend([0; 15]);
            ipv6.push(side);
        }
        ipv6.extend([6, 0, high, low, 0, 0, 0, 7]);
        packets.push([&ipv6, part].concat());
    }
    let mut file = Vec::new();
    for field in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend(field.to_le_bytes());
    }
    for packet in packets {
        let length = u32::try_from(packet.len()).unwrap();
        for field in [1, 2, length, length] {
            file.extend(field.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}
