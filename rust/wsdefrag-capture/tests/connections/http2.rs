//! Scripts of HTTP/2 connections, for the rules of `contract.rs`; shared with the fuzz targets `http2`,
//! `hpack` and `checkpoint`.
//!
//! A script is a byte of options, then steps of an operation, a length and that many bytes. The steps
//! become segments of frames. Header blocks are written by hand, so that a fuzzer reaches HPACK.

#![allow(clippy::cast_possible_truncation, reason = "lengths in scripts are of one byte")]

use crate::contract::{Writer, check_file, frame};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// Checks the rules for a script of frames.
///
/// # Panics
///
/// If a rule is broken.
pub(crate) fn check(input: &[u8]) {
    let Some((&options, script)) = input.split_first() else { return };
    check_file(options, &file(script));
}

/// The capture file that a script describes.
pub(crate) fn file(script: &[u8]) -> Vec<u8> {
    let mut writer = begin();
    let mut streams = 1;
    for (operation, length, payload) in steps(script) {
        let from_client = operation & 1 != 0;
        let stream = 1 + 2 * u32::from(operation >> 4 & 3);
        match operation >> 1 & 7 {
            0 => writer.data(from_client, payload),
            1 => {
                let text = frame(from_client, 0x81, payload);
                writer.data(from_client, &http2_frame(DATA, 0, stream, &text));
            }
            2 => {
                let flags = operation >> 6 & 3;
                let flags = ((flags & 1) * END_STREAM) | ((flags >> 1) * PADDED);
                writer.data(from_client, &http2_frame(DATA, flags, stream, payload));
            }
            3 => {
                writer.data(from_client, &http2_frame(HEADERS, END_HEADERS, streams, payload));
                streams += 2;
            }
            // Sent, and not captured.
            4 => {
                let next = &mut writer.next[usize::from(from_client)];
                *next = next.wrapping_add(u32::from(length));
            }
            5 => {
                open(&mut writer, streams, operation & 0x80 != 0);
                streams += 2;
            }
            6 => {
                let [kind, flags, payload @ ..] = payload else { continue };
                writer.data(from_client, &http2_frame(*kind, *flags, stream, payload));
            }
            _ => writer.microseconds += u32::from(length) * 400_000,
        }
    }
    writer.file
}

/// Checks the rules for header blocks, each of a request for a WebSocket.
///
/// # Panics
///
/// If a rule is broken.
pub(crate) fn check_blocks(input: &[u8]) {
    let mut writer = begin();
    let mut stream = 1;
    for (operation, _, payload) in steps(input) {
        let mut block = literal(0, b":method", b"CONNECT");
        block.extend(literal(0, b":protocol", b"websocket"));
        block.extend(payload);
        match operation {
            // The size of the table that the server allows.
            0..8 => {
                let size = 1_u32 << (operation * 4);
                let setting = [&[0, 1][..], &size.to_be_bytes()].concat();
                writer.data(false, &http2_frame(SETTINGS, 0, 0, &setting));
            }
            // A block that was not captured.
            8 => {
                let length = http2_frame(HEADERS, END_HEADERS, stream, &block).len();
                writer.next[1] = writer.next[1].wrapping_add(length as u32);
            }
            _ => writer.data(true, &http2_frame(HEADERS, END_HEADERS, stream, &block)),
        }
        stream += 2;
    }
    check_file(0, &writer.file);
}

/// The steps of a script: an operation, a length, and at most that many bytes.
fn steps(mut script: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    std::iter::from_fn(move || {
        let [operation, length, rest @ ..] = script else { return None };
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        script = rest;
        Some((*operation, *length, payload))
    })
}

fn begin() -> Writer {
    let mut writer = Writer::new();
    writer.open();
    writer.data(true, &[PREFACE, &http2_frame(SETTINGS, 0, 0, b"")].concat());
    writer.data(false, &http2_frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1]));
    writer
}

/// Opens a WebSocket on a stream; `is_indexed` tells whether its fields go into the dynamic table.
fn open(writer: &mut Writer, stream: u32, is_indexed: bool) {
    let first = if is_indexed { 0x40 } else { 0 };
    let request = [
        literal(first, b":method", b"CONNECT"),
        literal(first, b":protocol", b"websocket"),
        literal(first, b":path", b"/chat"),
    ]
    .concat();
    writer.data(true, &http2_frame(HEADERS, END_HEADERS, stream, &request));
    // `:status: 200` is in the static table.
    let deflate = literal(first, b"sec-websocket-extensions", b"permessage-deflate");
    let response = [&[0x88], &deflate[..]].concat();
    writer.data(false, &http2_frame(HEADERS, END_HEADERS, stream, &response));
}

/// A field with a literal name and value (RFC 7541 section 6.2).
fn literal(first: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[first, name.len() as u8][..], name, &[value.len() as u8], value].concat()
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn http2_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
