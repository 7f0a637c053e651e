//! Cut captures have the rows of whole ones.

use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::tls::keys::KeySource;
use wsdefrag_capture::{Capture, CaptureEvent, Connection, Message, Options, Sink};

use crate::mutation::{Random, mutated, records};
use crate::recordings::{self, Recording};
use crate::states::content_of;

#[derive(Debug, PartialEq)]
enum Row {
    Opened(u64),
    Message(Message),
    Gap(CaptureEvent),
    Event(CaptureEvent),
    Ended(Box<Connection>),
}

/// Keeps rows.
#[derive(Default)]
pub(crate) struct Rows(Vec<Row>);

impl Sink for Rows {
    fn opened(&mut self, connection: &Connection) {
        self.0.push(Row::Opened(connection.connection));
    }

    fn message(&mut self, message: Message) {
        self.0.push(Row::Message(message));
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.0.push(Row::Gap(gap.clone()));
    }

    fn event(&mut self, event: CaptureEvent) {
        self.0.push(Row::Event(event));
    }

    fn ended(&mut self, connection: Connection) {
        self.0.push(Row::Ended(Box::new(connection)));
    }
}

/// The connections that are open after these rows.
fn open(rows: &Rows) -> Vec<u64> {
    let mut open = Vec::new();
    for row in &rows.0 {
        match row {
            Row::Opened(number) => open.push(*number),
            Row::Ended(connection) => open.retain(|number| *number != connection.connection),
            _ => {}
        }
    }
    open.sort_unstable();
    open
}

pub(crate) fn options(random: &mut Random) -> Options {
    Options { resync: random.one_in(2), resumable: true, ..Options::default() }
}

/// Writes the state, and goes on with what is read of it.
pub(crate) fn resumed(capture: &mut Capture, options: &Options, rows: Option<&Rows>) -> Capture {
    let state = capture.checkpoint(&[]).unwrap();
    let (mut next, names) = Capture::resume(&state, options.clone()).unwrap();
    assert_eq!(names, []);
    assert_eq!(next.counts(), capture.counts());
    let again = next.checkpoint(&[]).unwrap();
    let (again, state) = (content_of(&again), content_of(&state));
    if let Some(place) = again.iter().zip(&state).position(|(one, other)| one != other) {
        let around = |bytes: &[u8]| {
            let bytes = &bytes[place.saturating_sub(80)..bytes.len().min(place + 20)];
            String::from_utf8_lossy(bytes).into_owned()
        };
        panic!("{:?} became {:?}", around(&state), around(&again));
    }
    assert_eq!(again.len(), state.len());
    if let Some(rows) = rows {
        let mut announced = Rows::default();
        next.announce(&mut announced);
        assert_eq!(announced.0.len(), open(rows).len());
        assert_eq!(open(&announced), open(rows));
    }
    next
}

/// Reads a file; the capture is cut at these places, in bytes of the file.
fn read(file: &[u8], keys: &[u8], options: &Options, cuts: &[usize]) -> (Rows, Counts) {
    let mut rows = Rows::default();
    let mut capture = Capture::new(options.clone());
    if !keys.is_empty() {
        capture.add_keylog(keys, KeySource::KeyLog(0));
    }
    let mut at = 0;
    for end in cuts.iter().copied().chain([file.len()]) {
        while at < end {
            at += capture.receive_data(&file[at..end], &mut rows).unwrap();
        }
        if end < file.len() {
            capture = resumed(&mut capture, options, Some(&rows));
        }
    }
    let _ = capture.receive_eof(&mut rows);
    if !cuts.is_empty() {
        capture = resumed(&mut capture, options, Some(&rows));
    }
    assert!(capture.finish(&mut rows));
    (rows, capture.counts().clone())
}

fn check(recording: &Recording, file: &[u8], options: &Options, cuts: &[usize]) {
    let (rows, counts) = read(file, &recording.keys, options, &[]);
    let (cut_rows, cut_counts) = read(file, &recording.keys, options, cuts);
    let name = &recording.name;
    for (index, (cut, whole)) in cut_rows.0.iter().zip(&rows.0).enumerate() {
        assert_eq!(cut, whole, "{name}: row {index}, cut at {cuts:?}");
    }
    assert_eq!(cut_rows.0.len(), rows.0.len(), "{name}");
    assert_eq!(cut_counts, counts, "{name}");
}

/// Places in a file, in order.
fn places(file: &[u8], count: usize, random: &mut Random) -> Vec<usize> {
    let mut places: Vec<_> = (0..count).map(|_| 1 + random.below(file.len() - 1)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn recordings_cut_at_random_places_have_all_rows() {
    let mut random = Random(1);
    for recording in recordings::all() {
        for _ in 0..3 {
            let options = options(&mut random);
            let cuts = places(&recording.bytes, 6, &mut random);
            check(&recording, &recording.bytes, &options, &cuts);
        }
    }
}

/// A state that has windows and journals is longer, so only small captures are cut at each packet.
#[test]
fn small_recordings_cut_at_every_packet_have_all_rows() {
    let mut random = Random(2);
    for recording in recordings::all() {
        let (head, records) = records(&recording.bytes);
        if records.len() > 150 {
            continue;
        }
        let ends = records.iter().scan(head.len(), |end, record| {
            *end += record.len();
            Some(*end)
        });
        let cuts: Vec<_> = ends.filter(|end| *end < recording.bytes.len()).collect();
        check(&recording, &recording.bytes, &options(&mut random), &cuts);
    }
}

#[test]
fn damaged_recordings_cut_at_random_places_have_all_rows() {
    let count = std::env::var("WSDEFRAG_MUTATIONS").map_or(40, |text| text.parse().unwrap());
    let recordings = recordings::all();
    let mut random = Random(3);
    for round in 0..count {
        let recording = &recordings[round % recordings.len()];
        let file = mutated(&recording.bytes, &mut random);
        let options = options(&mut random);
        let cuts = places(&file, 4, &mut random);
        check(recording, &file, &options, &cuts);
    }
}
