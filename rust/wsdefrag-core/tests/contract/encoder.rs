//! After any calls, a reader of the output reads exactly what the encoder accepted.
//!
//! ```text
//! byte 0   bits: from the client, deflate agreed, no_context_takeover, UTF-8 not checked;
//!          then the smallest content that is compressed, in units of 8 bytes (4 bits)
//! byte 1   window bits (3 bits), then the level, modulo 10
//! byte 2   how the wire bytes are split into chunks
//! then, for each call:
//! byte 0   which call it is (3 bits, see `step`), the opcode (2 bits), the choice to compress
//!          (2 bits), no memory
//! byte 1   bits: FIN, RSV1 to RSV3, a masking key is given; then cuts into fragments (3 bits)
//! byte 2   how often its content repeats, modulo 16
//! byte 3   length of the content that repeats, which follows
//! ```
//!
//! A second encoder gets only the calls that the first accepted, and must write the same bytes: a
//! refused call changes nothing. The second stops when memory is refused, which resets the window.

use wsdefrag_core::frame::close;
use wsdefrag_core::frame::header::{MAX_CONTROL, RSV1};
use wsdefrag_core::write::encoder::Encoder;
use wsdefrag_core::write::settings::{Choice, Head, Settings};
use wsdefrag_core::{DeflateParams, Limits, Opcode, Refusal, Settings as Reading, Strictness};
use zlib_rs::Strategy;

use super::journal::{self, Seen};
use super::output::Written;
use super::writer::{Deflater, Ending};
use super::{frames, input, window};

/// Most calls of one input, so that none takes long.
const MAX_CALLS: usize = 24;

/// One call.
#[derive(Clone, Debug)]
enum Call {
    Message(Opcode, Vec<u8>, Vec<usize>, Choice),
    Text(String, Choice),
    Fragment(Opcode, Vec<u8>, bool, Choice),
    /// The last field is what a receiver reads in its payload.
    Frame(Head, Vec<u8>, Option<[u8; 4]>, Vec<u8>),
    Control(Opcode, Vec<u8>, Option<[u8; 4]>),
    Close(Option<u16>, String),
}

/// A message that was begun and not ended.
#[derive(Clone, Debug)]
struct Open {
    opcode: Opcode,
    content: Vec<u8>,
    /// Whether the caller writes its frames with `frame`, which does not compress.
    raw: bool,
}

/// What a receiver has to read.
#[derive(Debug, Default)]
struct Expected {
    events: Vec<Seen>,
    open: Option<Open>,
    closed: bool,
    check_utf8: bool,
}

/// Panics unless a receiver reads the accepted ones of the calls that `input` describes.
pub(crate) fn check(input: &[u8]) {
    let Some((&[flags, level, cuts], mut rest)) = input.split_first_chunk() else { return };
    let settings = settings(flags, level);
    let mut encoder = Encoder::new(settings);
    let mut twin = Some(Encoder::new(settings));
    let (mut output, mut twins) = (Written::default(), Written::default());
    let mut expected = Expected { check_utf8: settings.check_utf8, ..Expected::default() };
    for _ in 0..MAX_CALLS {
        let Some((call, refuses, more)) = step(&settings, rest) else { break };
        rest = more;
        let before = output.bytes.len();
        output.refuses = refuses;
        // The keys of a call do not depend on how many keys a refused call has drawn.
        output.keys = u32::try_from(before).unwrap();
        let result = run(&mut encoder, &call, &mut output);
        output.refuses = false;
        match result {
            Ok(()) => {
                assert!(!refuses, "written without memory: {call:?}");
                twins.keys = u32::try_from(before).unwrap();
                if let Some(twin) = &mut twin {
                    run(twin, &call, &mut twins).expect("what the other accepted");
                    assert_eq!(twins.bytes, output.bytes, "what was refused shows: {call:?}");
                }
                expected.accept(call);
            }
            Err(refusal) => {
                assert_eq!(output.bytes.len(), before, "something was written: {refusal}");
                assert!(
                    expected.may_refuse(&settings, &call, refuses, refusal),
                    "{refusal}: {call:?}"
                );
                if refusal == Refusal::OutOfMemory {
                    twin = None;
                }
            }
        }
        assert_eq!(encoder.is_closed(), expected.closed);
        assert_eq!(encoder.is_inside_message(), expected.open.is_some() && !expected.closed);
    }
    read(&settings, cuts, &output.bytes, &expected);
}

/// Panics unless a receiver reads exactly the expected events.
fn read(settings: &Settings, cuts: u8, wire: &[u8], expected: &Expected) {
    let Settings { from_client, deflate, .. } = *settings;
    let limits = Limits {
        max_frame_size: None,
        max_message_size: None,
        max_fragments: None,
        max_inflate_ratio: None,
    };
    // Frames written with `frame` may have any reserved bits.
    let strictness = Strictness {
        reserved_bits: false,
        close_codes: false,
        utf8: false,
        ..Strictness::default()
    };
    let reading = Reading { from_client, deflate, foreign_extension: false, limits, strictness };
    let (journal, _) = journal::read(reading, input::cut(wire, cuts));
    assert_eq!((journal.error, journal.discarded), (None, 0));
    assert!(journal.events.iter().map(|(_, seen)| seen).eq(&expected.events), "{journal:?}");
    let left = journal.ending.expect("there was no violation");
    let left = left.map(|left| (left.opcode, left.content));
    let open = expected.open.clone().map(|open| (open.opcode, open.content));
    assert_eq!(left, open, "a fragment is read without those that follow");
    let Some(params) = deflate else { return };
    let (frames, _) = frames::read(&reading, [wire]);
    let (bits, alone) =
        (params.max_window_bits(from_client), params.no_context_takeover(from_client));
    let mut all = expected.events.iter().filter_map(|seen| match seen {
        Seen::Message(_, content) => Some(content),
        _ => None,
    });
    for content in window::contents(&frames.list, bits, alone) {
        assert!(all.any(|one| *one == content), "read otherwise through a window of {bits} bits");
    }
}

fn settings(flags: u8, level: u8) -> Settings {
    let has = |bit: u8| flags & 1 << bit != 0;
    let (from_client, alone, bits) = (has(0), has(2), 8 + (level & 7));
    // The other side has different parameters, so that a mix-up shows.
    let mut params = DeflateParams {
        server_no_context_takeover: !alone,
        client_no_context_takeover: !alone,
        ..DeflateParams::default()
    };
    if from_client {
        (params.client_no_context_takeover, params.client_max_window_bits) = (alone, bits);
    } else {
        (params.server_no_context_takeover, params.server_max_window_bits) = (alone, bits);
    }
    Settings {
        from_client,
        deflate: has(1).then_some(params),
        compress_from: u64::from(flags >> 4) * 8,
        level: (level >> 3) % 10,
        check_utf8: !has(3),
    }
}

/// The next call, whether memory is refused during it, and the bytes after it.
fn step<'a>(settings: &Settings, rest: &'a [u8]) -> Option<(Call, bool, &'a [u8])> {
    let (&[what, shape, repeats, length], rest) = rest.split_first_chunk()?;
    let (literal, rest) = rest.split_at(usize::from(length).min(rest.len()));
    let content = literal.repeat(usize::from(repeats % 16) + 1);
    let has = |bit: u8| shape & 1 << bit != 0;
    let opcode = [Opcode::Text, Opcode::Binary, Opcode::Continuation, Opcode::Ping];
    let opcode = opcode[usize::from(what >> 3 & 3)];
    let compress = [None, Some(true), Some(false), None][usize::from(what >> 5 & 3)];
    let masking_key = has(4).then_some([what, shape, repeats, length]);
    let choice = Choice { compress, masking_key };
    let fin = has(0);
    let text = || String::from_utf8_lossy(&content).into_owned();
    let call = match what & 7 {
        0 | 1 => {
            let mut sizes = sizes(usize::from(shape >> 5), content.len());
            if what & 7 == 1 && has(1) {
                // The sum is seldom right.
                sizes.push(usize::from(repeats));
            }
            Call::Message(opcode, content, sizes, choice)
        }
        2 => Call::Text(text(), choice),
        3 | 4 => Call::Fragment(opcode, content, fin, choice),
        5 => {
            let head = Head { opcode, fin, rsv: shape >> 1 & 7 };
            let (payload, content) = raw(settings, head, content);
            Call::Frame(head, payload, masking_key, content)
        }
        6 => Call::Control(if fin { Opcode::Ping } else { Opcode::Pong }, content, masking_key),
        _ => Call::Close(has(1).then(|| u16::from(repeats) << 4), text()),
    };
    Some((call, what & 0x80 != 0, rest))
}

/// The payload of a frame that is written with `frame`, and what a receiver reads in it.
fn raw(settings: &Settings, head: Head, content: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let compressed = settings.deflate.is_some() && head.rsv & RSV1 != 0;
    match head.opcode {
        Opcode::Text | Opcode::Binary if compressed => {
            let mut deflater = Deflater::new(6, 8, Strategy::Default, false);
            (deflater.compress(&content, Ending::Flush), content)
        }
        // The first frame of a compressed message has its whole content.
        Opcode::Continuation if settings.deflate.is_some() => (Vec::new(), Vec::new()),
        _ => (content.clone(), content),
    }
}

/// The lengths of `pieces` + 1 fragments.
fn sizes(pieces: usize, length: usize) -> Vec<usize> {
    let mut left = length;
    let mut sizes: Vec<_> = (0..pieces)
        .map(|index| {
            let size = left.min(index * length / 7);
            left -= size;
            size
        })
        .collect();
    sizes.push(left);
    sizes
}

fn run(encoder: &mut Encoder, call: &Call, output: &mut Written) -> Result<(), Refusal> {
    match call {
        Call::Message(opcode, content, sizes, choice) => {
            encoder.message(*opcode, content, Some(sizes), *choice, output)
        }
        Call::Text(text, choice) => encoder.text(text.as_bytes(), None, *choice, output),
        Call::Fragment(opcode, content, fin, choice) => {
            encoder.fragment(*opcode, content, *fin, *choice, output)
        }
        Call::Frame(head, payload, key, _) => encoder.frame(*head, payload, *key, output),
        Call::Control(opcode, payload, key) => encoder.control(*opcode, payload, *key, output),
        Call::Close(code, reason) => encoder.close(*code, reason, None, output),
    }
}

impl Expected {
    /// Notes what a receiver has to read after a call.
    fn accept(&mut self, call: Call) {
        match call {
            Call::Message(opcode, content, ..) => self.append(opcode, &content, true, false),
            Call::Text(text, _) => self.append(Opcode::Text, text.as_bytes(), true, false),
            Call::Fragment(opcode, content, fin, _) => self.append(opcode, &content, fin, false),
            Call::Frame(Head { opcode: Opcode::Ping, .. }, payload, ..)
            | Call::Control(Opcode::Ping, payload, _) => self.events.push(Seen::Ping(payload)),
            Call::Frame(head, _, _, content) => {
                self.append(head.opcode, &content, head.fin, true);
            }
            Call::Control(_, payload, _) => self.events.push(Seen::Pong(payload)),
            Call::Close(code, reason) => {
                let code = code.unwrap_or(close::NO_STATUS_RECEIVED);
                self.events.push(Seen::Close(code, reason));
                self.closed = true;
            }
        }
    }

    fn append(&mut self, opcode: Opcode, content: &[u8], fin: bool, raw: bool) {
        let open = self.open.get_or_insert(Open { opcode, content: Vec::new(), raw });
        open.content.extend_from_slice(content);
        if !fin {
            return;
        }
        let Some(Open { opcode, content, raw }) = self.open.take() else { return };
        let checked = self.check_utf8 && !raw && opcode == Opcode::Text;
        assert!(!checked || std::str::from_utf8(&content).is_ok(), "text that is not UTF-8");
        self.events.push(Seen::Message(opcode, content));
    }

    /// Whether this call may be refused for this reason.
    fn may_refuse(
        &self,
        settings: &Settings,
        call: &Call,
        starved: bool,
        refusal: Refusal,
    ) -> bool {
        let (opcode, choice, length) = match call {
            Call::Message(opcode, content, _, choice)
            | Call::Fragment(opcode, content, _, choice) => (*opcode, *choice, content.len()),
            Call::Text(text, choice) => (Opcode::Text, *choice, text.len()),
            Call::Frame(Head { opcode, .. }, payload, masking_key, _)
            | Call::Control(opcode, payload, masking_key) => {
                (*opcode, Choice { compress: None, masking_key: *masking_key }, payload.len())
            }
            Call::Close(_, reason) => (Opcode::Close, Choice::default(), reason.len() + 2),
        };
        match refusal {
            Refusal::OutOfMemory => starved,
            Refusal::AfterClose => self.closed,
            Refusal::InsideMessage(named) => self.open.is_some() && named == opcode,
            Refusal::NoMessage => self.open.is_none() && opcode == Opcode::Continuation,
            Refusal::MixedFramesAndFragments => self.open.as_ref().is_some_and(|open| {
                opcode == Opcode::Continuation && open.raw != matches!(call, Call::Frame(..))
            }),
            Refusal::NotAMessage(named) => {
                matches!(call, Call::Message(..))
                    && named == opcode
                    && !matches!(opcode, Opcode::Text | Opcode::Binary)
            }
            Refusal::NotAFragment(named) => named == opcode && opcode.is_control(),
            Refusal::FragmentedControl(named) => {
                named == opcode && matches!(call, Call::Frame(head, ..) if !head.fin)
            }
            Refusal::ControlTooLong(named, said) => {
                named == opcode && said == length && length > MAX_CONTROL
            }
            Refusal::InvalidCloseCode(code) => !close::may_be_sent(code),
            Refusal::ReasonWithoutCode => matches!(call, Call::Close(None, _)) && length > 2,
            Refusal::NotUtf8 => settings.check_utf8 && !matches!(call, Call::Frame(..)),
            Refusal::DeflateNotAgreed => {
                settings.deflate.is_none() && choice.compress == Some(true)
            }
            Refusal::CompressInsideMessage => self.open.is_some() && choice.compress.is_some(),
            Refusal::FragmentSizes(_) => matches!(
                call, Call::Message(_, _, sizes, _) if sizes.iter().sum::<usize>() != length
            ),
            Refusal::ServerMasks => !settings.from_client && choice.masking_key.is_some(),
            Refusal::NoFragments
            | Refusal::NoMaskingKey
            | Refusal::WindowsWouldDiffer
            | Refusal::AfterUnfinished => false,
        }
    }
}
