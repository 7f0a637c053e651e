//! The kernels: the engine on the input that proxies and captures have most.

use wsdefrag_capture::{Capture, CaptureEvent, Connection, Message, Options};
use wsdefrag_core::{DeflateParams, Event, Events, Limits, Reassembler, Settings, Strictness};

use crate::capture_file::capture_file;
use crate::relayed::relay_untouched;
use crate::wire::{Compressor, Numbers, frame, json, key};

const TEXT: u8 = 0x01;
const BINARY: u8 = 0x02;
const PING: u8 = 0x89;
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

/// Bytes that a read from a socket gives, and those of a packet's payload.
const READ: usize = 1 << 16;
const PACKET: usize = 1460;

/// One kernel.
pub(crate) struct Kernel {
    /// Its name in the file of counts.
    pub(crate) name: &'static str,
    /// Makes its input, which is not counted.
    pub(crate) prepare: fn() -> Prepared,
}

/// A kernel with its input.
pub(crate) struct Prepared {
    /// What is counted; gives bytes of content.
    pub(crate) run: Box<dyn FnMut() -> u64>,
    /// What it has to give.
    pub(crate) expected: u64,
}

/// All of them.
pub(crate) const KERNELS: &[Kernel] = &[
    Kernel { name: "small masked texts", prepare: small_masked_texts },
    Kernel { name: "binary messages of 1 KiB", prepare: binary_1_kib },
    Kernel { name: "binary messages of 64 KiB", prepare: binary_64_kib },
    Kernel { name: "non-ASCII texts", prepare: non_ascii_texts },
    Kernel { name: "fragments with pings between", prepare: fragments_with_pings },
    Kernel { name: "deflate with context takeover", prepare: deflate_with_takeover },
    Kernel { name: "relay, untouched", prepare: relay_of_texts },
    Kernel { name: "capture file to rows", prepare: capture_to_rows },
];

fn settings(from_client: bool, deflate: Option<DeflateParams>) -> Settings {
    Settings {
        from_client,
        deflate,
        foreign_extension: false,
        limits: Limits::default(),
        strictness: Strictness::default(),
    }
}

/// Reads `wire` in chunks and gives the bytes of content.
fn reassemble(settings: Settings, wire: &[u8], chunk: usize) -> u64 {
    let mut reassembler = Reassembler::new(settings);
    let mut bytes = 0;
    let mut sink = Events::to(|_, event| {
        if let Event::Message { content, .. } = event {
            bytes += content.len() as u64;
        }
    });
    for chunk in wire.chunks(chunk) {
        reassembler.receive_data(chunk, &mut sink);
    }
    assert!(reassembler.error().is_none(), "the input breaks no rule");
    bytes
}

/// A kernel that reads messages, each in one masked frame.
fn masked(seed: u64, opcode: u8, mut content: impl Iterator<Item = Vec<u8>>) -> Prepared {
    let mut numbers = Numbers::new(seed);
    let (mut wire, mut expected) = (Vec::new(), 0);
    for content in &mut content {
        frame(&mut wire, FIN | opcode, key(&mut numbers), &content);
        expected += content.len() as u64;
    }
    Prepared { run: Box::new(move || reassemble(settings(true, None), &wire, READ)), expected }
}

fn small_masked_texts() -> Prepared {
    masked(1, TEXT, (0..20_000).map(|place| format!("message number {place}").into_bytes()))
}

fn binary_1_kib() -> Prepared {
    let mut numbers = Numbers::new(2);
    let content = numbers.bytes(1 << 10);
    masked(2, BINARY, std::iter::repeat_n(content, 5_000))
}

fn binary_64_kib() -> Prepared {
    let mut numbers = Numbers::new(3);
    let content = numbers.bytes(1 << 16);
    masked(3, BINARY, std::iter::repeat_n(content, 200))
}

fn non_ascii_texts() -> Prepared {
    // Characters of one to four bytes.
    let line = "Grüße aus Köln, привет из Москвы, 東京からこんにちは, 👋🏽 ";
    masked(4, TEXT, std::iter::repeat_n(line.repeat(20).into_bytes(), 2_000))
}

fn fragments_with_pings() -> Prepared {
    let mut numbers = Numbers::new(5);
    let (mut wire, mut expected) = (Vec::new(), 0);
    for _ in 0..1_000 {
        for fragment in 0..8 {
            let content = numbers.bytes(200);
            let opcode = if fragment == 0 { BINARY } else { 0 };
            let fin = if fragment == 7 { FIN } else { 0 };
            frame(&mut wire, fin | opcode, key(&mut numbers), &content);
            expected += content.len() as u64;
            if fragment % 2 == 0 {
                frame(&mut wire, PING, key(&mut numbers), b"are you there");
            }
        }
    }
    Prepared { run: Box::new(move || reassemble(settings(true, None), &wire, PACKET)), expected }
}

fn deflate_with_takeover() -> Prepared {
    let mut numbers = Numbers::new(6);
    let mut compressor = Compressor::new();
    let (mut wire, mut expected) = (Vec::new(), 0);
    for _ in 0..2_000 {
        let content = json(&mut numbers);
        frame(&mut wire, FIN | RSV1 | TEXT, None, &compressor.message(&content));
        expected += content.len() as u64;
    }
    let settings = settings(false, Some(DeflateParams::default()));
    Prepared { run: Box::new(move || reassemble(settings, &wire, READ)), expected }
}

fn relay_of_texts() -> Prepared {
    let mut numbers = Numbers::new(7);
    let mut wire = Vec::new();
    for _ in 0..5_000 {
        let content = json(&mut numbers);
        frame(&mut wire, FIN | TEXT, key(&mut numbers), &content);
    }
    // Every byte of it goes on.
    let expected = wire.len() as u64;
    Prepared { run: Box::new(move || relay_untouched(settings(true, None), &wire, READ)), expected }
}

/// Counts what comes out of a capture.
#[derive(Default)]
struct Rows {
    messages: u64,
    bytes: u64,
}

impl wsdefrag_capture::Sink for Rows {
    fn opened(&mut self, _: &Connection) {}

    fn message(&mut self, message: Message) {
        self.messages += 1;
        self.bytes += message.content.len() as u64;
    }

    fn event(&mut self, _: CaptureEvent) {}

    fn ended(&mut self, _: Connection) {}
}

fn capture_to_rows() -> Prepared {
    let file = capture_file(3_000);
    let mut numbers = Numbers::new(8);
    let mut expected = 0;
    for place in 0..3_000 {
        if place % 4 == 0 {
            key(&mut numbers);
        }
        expected += json(&mut numbers).len() as u64;
    }
    let run = move || {
        let mut capture = Capture::new(Options::default());
        let mut rows = Rows::default();
        for chunk in file.chunks(1 << 18) {
            capture.receive_data(chunk, &mut rows).expect("a file without faults");
        }
        capture.receive_eof(&mut rows).expect("a whole file");
        capture.finish(&mut rows);
        assert_eq!(rows.messages, 3_000, "a row for each message");
        rows.bytes
    };
    Prepared { run: Box::new(run), expected }
}
