//! States themselves: their size, those that are refused, and those that were changed on purpose.

use wsdefrag_capture::{
    Capture, CaptureEvent, CheckpointError, Connection, Message, Options, Sink,
};

use crate::cut_contract::check_state;
use crate::frame::{content_of, framed};
use crate::mutation::Random;
use crate::recordings;
use crate::rows::Rows;
use crate::talk::{Talk, text};

pub(crate) fn options() -> Options {
    Options { resumable: true, ..Options::default() }
}

/// The state of a capture after these packets.
pub(crate) fn state_of(talk: &Talk) -> Vec<u8> {
    let mut capture = Capture::new(options());
    let file = talk.file();
    assert_eq!(capture.receive_data(&file, &mut Rows::default()).unwrap(), file.len());
    assert!(capture.receive_eof(&mut Rows::default()).unwrap());
    capture.checkpoint(&[(0, "capture.pcap".to_owned())]).unwrap()
}

#[test]
fn idle_plain_connection_takes_less_than_2_kib() {
    let mut talk = Talk::new("");
    for number in 0..20 {
        talk.message(true, false, text(number).as_bytes());
        talk.message(false, false, text(number + 1000).as_bytes());
    }
    let size = state_of(&talk).len();
    assert!(size < 2 << 10, "{size}");
}

/// Windows are as full as they get: each side has sent 120 KiB of text.
#[test]
fn idle_connection_with_windows_takes_less_than_40_kib() {
    let mut talk = Talk::new("permessage-deflate");
    for number in 0..1500 {
        talk.message(true, true, text(number).as_bytes());
        talk.message(false, true, text(number + 10_000).as_bytes());
    }
    let size = state_of(&talk).len();
    assert!(size < 40 << 10, "{size}");
}

#[test]
fn state_that_is_not_one_is_refused() {
    let state = state_of(&Talk::new(""));
    let refused = |bytes: &[u8]| Capture::resume(bytes, options()).map(|_| ()).unwrap_err();
    assert_eq!(refused(b""), CheckpointError::Foreign);
    assert_eq!(refused(b"wsdefra"), CheckpointError::Foreign);
    for length in 8..state.len() {
        assert!(matches!(refused(&state[..length]), CheckpointError::Damaged(_)), "{length}");
    }
    let mut random = Random(5);
    for _ in 0..200 {
        let mut changed = state.clone();
        let place = 12 + random.below(state.len() - 12);
        changed[place] ^= u8::try_from(1 + random.below(255)).unwrap();
        assert!(matches!(refused(&changed), CheckpointError::Damaged(_)), "{place}");
    }
    let newer = [&state[..8], &2_u32.to_le_bytes(), &state[12..]].concat();
    assert_eq!(refused(&newer), CheckpointError::Newer { version: 2, newest: 1 });
}

#[test]
fn state_with_other_options_is_refused() {
    let state = state_of(&Talk::new(""));
    let refused = |options| Capture::resume(&state, options).map(|_| ()).unwrap_err();
    let other = Options { capture_point: "x".to_owned(), ..options() };
    assert_eq!(refused(other), CheckpointError::CapturePoint(String::new()));
    let other = Options { resync: true, ..options() };
    assert_eq!(refused(other), CheckpointError::Option("resync"));
    let same = Options { max_connections: 5, memory: 1 << 20, ..options() };
    assert!(Capture::resume(&state, same).is_ok());
}

#[test]
fn capture_that_was_not_made_for_it_has_no_checkpoint() {
    let mut capture = Capture::new(Options::default());
    assert!(matches!(capture.checkpoint(&[]), Err(CheckpointError::NotResumable(_))));
    let mut capture = Capture::new(options());
    capture.finish(&mut Rows::default());
    assert!(matches!(capture.checkpoint(&[]), Err(CheckpointError::NotResumable(_))));
}

/// The names of files that later rows cannot have are left out.
#[test]
fn names_are_kept_as_long_as_they_are_needed() {
    let state = state_of(&Talk::new(""));
    let (mut capture, names) = Capture::resume(&state, options()).unwrap();
    assert_eq!(names, [(0, "capture.pcap".to_owned())]);
    let (empty, _) =
        Capture::resume(&Capture::new(options()).checkpoint(&names).unwrap(), options()).unwrap();
    assert_eq!((capture.files(), empty.files()), (1, 0));
    capture.announce(&mut Rows::default());
}

/// A file of which no connection is open any more has no name in the state.
#[test]
fn name_of_a_file_without_open_connections_is_left_out() {
    let talk = Talk::new("").file();
    let head = &talk[..24];
    let mut capture = Capture::new(options());
    for file in [head, &talk, head] {
        assert_eq!(capture.receive_data(file, &mut Rows::default()).unwrap(), file.len());
        assert!(capture.receive_eof(&mut Rows::default()).unwrap());
    }
    let names = [(0, "a"), (1, "b"), (2, "c")].map(|(file, name)| (file, name.to_owned()));
    let (_, kept) = Capture::resume(&capture.checkpoint(&names).unwrap(), options()).unwrap();
    assert_eq!(kept, names[1..]);
}

/// A sink that is full with the first row.
#[derive(Default)]
struct Small(Rows);

impl Sink for Small {
    fn opened(&mut self, connection: &Connection) {
        self.0.opened(connection);
    }

    fn message(&mut self, message: Message) {
        self.0.message(message);
    }

    fn event(&mut self, event: CaptureEvent) {
        self.0.event(event);
    }

    fn ended(&mut self, connection: Connection) {
        self.0.ended(connection);
    }

    fn is_full(&self) -> bool {
        !self.0.0.is_empty()
    }
}

#[test]
fn capture_whose_end_has_begun_has_no_checkpoint() {
    let (mut capture, _) = Capture::resume(&state_of(&Talk::new("")), options()).unwrap();
    assert!(!capture.finish(&mut Small::default()), "a row was enough");
    assert!(matches!(capture.checkpoint(&[]), Err(CheckpointError::NotResumable(_))));
}

/// A state that somebody changed on purpose is refused or read on, whatever it says.
#[test]
fn changed_content_is_refused_or_read() {
    let count = std::env::var("WSDEFRAG_MUTATIONS").map_or(100, |text| text.parse().unwrap());
    let recordings = recordings::all();
    let mut random = Random(7);
    for round in 0..count {
        let recording = &recordings[round % recordings.len()];
        let half = recording.bytes.len() / 2;
        let mut capture = Capture::new(options());
        let mut taken = 0;
        while taken < half {
            taken +=
                capture.receive_data(&recording.bytes[taken..half], &mut Rows::default()).unwrap();
        }
        let mut content = content_of(&capture.checkpoint(&[]).unwrap());
        for _ in 0..=random.below(4) {
            let place = random.below(content.len());
            content[place] = u8::try_from(random.below(256)).unwrap();
        }
        check_state(&framed(&content), &recording.bytes[half..]);
    }
}
