//! Compressed input, and several files in one capture.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use wsdefrag_capture::Packet;
use wsdefrag_capture::file::compression::Decompressor;
use wsdefrag_capture::file::error::FileErrorKind;
use wsdefrag_capture::packet::reader::PacketReader;

use crate::writer::{Order, ipv4_fragments, pcap, pcapng, segment, tcp};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A pipe: each read returns bytes of one write. An empty write makes a read fail with `Interrupted`.
struct Pipe(Vec<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(chunk) = self.0.first_mut() else { return Ok(0) };
        if chunk.is_empty() {
            self.0.remove(0);
            return Err(io::ErrorKind::Interrupted.into());
        }
        let taken = chunk.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&chunk[..taken]);
        chunk.drain(..taken);
        if chunk.is_empty() {
            self.0.remove(0);
        }
        Ok(taken)
    }
}

fn all(reader: impl Read + Send) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Decompressor::new(reader).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn gzip_is_detected_by_its_first_bytes() {
    let text = b"some bytes, some bytes, some bytes";
    let members = [gzip(text), gzip(b""), gzip(text)].concat();
    let twice = [&text[..], text].concat();
    for (input, expected) in [
        (text.to_vec(), text.to_vec()),
        (Vec::new(), Vec::new()),
        (vec![0x1f], vec![0x1f]),
        (vec![0x1f, 0x8c, 8], vec![0x1f, 0x8c, 8]),
        (gzip(text), text.to_vec()),
        (members, twice),
    ] {
        assert_eq!(all(&input[..]).unwrap(), expected);
        let bytes = Pipe(input.iter().map(|byte| vec![*byte]).collect());
        assert_eq!(all(bytes).unwrap(), expected);
    }
    let interrupted =
        Pipe(vec![vec![], gzip(text)[..1].to_vec(), vec![], gzip(text)[1..].to_vec()]);
    assert_eq!(all(interrupted).unwrap(), text);
}

#[test]
fn read_returns_the_available_bytes() {
    let mut reader = Decompressor::new(Pipe(vec![b"abcd".to_vec(), b"efg".to_vec()]));
    let mut buffer = [0; 100];
    let lengths: Vec<_> = (0..4).map(|_| reader.read(&mut buffer).unwrap()).collect();
    assert_eq!(lengths, [4, 3, 0, 0]);
    // The flushed part of a compressed stream is returned before the stream ends.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"first").unwrap();
    encoder.flush().unwrap();
    let flushed = encoder.get_ref().clone();
    encoder.write_all(b"second").unwrap();
    let rest = encoder.finish().unwrap()[flushed.len()..].to_vec();
    let mut reader = Decompressor::new(Pipe(vec![flushed, rest]));
    let length = reader.read(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"first");
}

#[test]
fn truncated_gzip_file_gives_its_bytes_and_then_an_error() {
    let file = pcap(1, &vec![segment(1, &[7; 1_000]); 100]);
    let compressed = gzip(&file);
    let mut reader = Decompressor::new(&compressed[..compressed.len() - 20]);
    let mut bytes = Vec::new();
    let error = reader.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(bytes.len() > 1_000 && file.starts_with(&bytes));
}

#[test]
fn packet_numbers_and_fragments_continue_from_file_to_file() {
    let datagram = tcp(1, 0, 0, b"0123456789ab");
    let fragments = ipv4_fragments(3, &datagram, &[0..16, 16..32]);
    let mut reader = PacketReader::new();
    let mut seen = Vec::new();
    let mut take = |reader: &mut PacketReader, file: &[u8]| {
        let received =
            reader.receive_data(file, &mut |packet: Packet<'_>| seen.push(packet.number));
        if received.is_err() {
            return received.map(|_| ());
        }
        reader.receive_eof(&mut |_: Packet<'_>| {}).map(|ended| assert!(ended))
    };
    let two = pcap(1, &[segment(1, b"a"), segment(2, b"b")]);
    take(&mut reader, &two).unwrap();
    take(&mut reader, &pcap(101, &fragments[..1])).unwrap();
    take(&mut reader, &pcapng(Order::Big, 1, &[segment(3, b"c")])).unwrap();
    // A file that is no capture, a truncated one and an empty one do not affect the others.
    let error = take(&mut reader, b"not a capture").unwrap_err();
    assert_eq!(error.kind, FileErrorKind::not_a_capture(b"not a capture"));
    assert!(take(&mut reader, &two[..two.len() - 1]).unwrap_err().is_cut_short());
    let error = take(&mut reader, b"").unwrap_err();
    assert_eq!(error.kind, FileErrorKind::not_a_capture(b""));
    take(&mut reader, &pcap(101, &fragments[1..])).unwrap();
    assert_eq!(seen, [1, 2, 4, 5, 6]);
    assert_eq!(reader.packets(), 6);
    assert_eq!(reader.counts().tcp, 5);
}
