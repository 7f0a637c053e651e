//! Several threads that follow the connections of a capture give the rows of one thread, in their order.

#![allow(missing_docs, reason = "a test")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test")]

use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::threads::spread::{Again, Spread, Step};
use wsdefrag_capture::{Capture, CaptureEvent, Connection, Message, Options, Sink};

/// The rows as texts. It is full after each `most` rows, until they are counted anew.
#[derive(Default)]
struct Collected {
    rows: Vec<String>,
    left_out: usize,
    most: usize,
    since: usize,
}

impl Collected {
    fn row(&mut self, kind: &str, row: &dyn Debug) {
        if self.left_out > 0 {
            self.left_out -= 1;
            return;
        }
        self.rows.push(format!("{kind} {row:?}"));
        self.since += 1;
    }
}

impl Sink for Collected {
    fn opened(&mut self, connection: &Connection) {
        self.row("opened", connection);
    }

    fn message(&mut self, message: Message) {
        self.row("message", &message);
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.row("gap", gap);
    }

    fn event(&mut self, event: CaptureEvent) {
        self.row("event", &event);
    }

    fn ended(&mut self, connection: Connection) {
        self.row("ended", &connection);
    }

    fn is_full(&self) -> bool {
        self.since >= self.most
    }
}

/// Reads a file in chunks of this size, whoever gets the rows.
fn feed(capture: &mut Capture, file: &[u8], chunk: usize, rows: &mut Collected) {
    for chunk in file.chunks(chunk) {
        let chunk = Arc::new(chunk.to_vec());
        let mut start = 0;
        while start < chunk.len() && !capture.is_stopped() {
            match capture.receive_chunk(&chunk, start..chunk.len(), rows) {
                Ok(taken) => start += taken,
                Err(_) => return,
            }
            rows.since = 0;
        }
    }
    while !capture.is_stopped() && capture.receive_eof(rows) == Ok(false) {
        rows.since = 0;
    }
}

fn finish(capture: &mut Capture, rows: &mut Collected) -> bool {
    while !capture.finish(rows) {
        if capture.is_uncertain() {
            return false;
        }
        rows.since = 0;
    }
    true
}

fn alone(file: &[u8], options: &Options, left_out: usize) -> (Collected, Counts) {
    let mut rows = Collected { most: 5, left_out, ..Collected::default() };
    let mut capture = Capture::new(options.clone());
    feed(&mut capture, file, 256 << 10, &mut rows);
    assert!(finish(&mut capture, &mut rows));
    (rows, capture.counts().clone())
}

/// Reads by threads. Returns whether one thread had to begin again, too.
fn together(
    file: &[u8],
    options: &Options,
    (workers, chunk): (usize, usize),
) -> (Collected, Counts, bool) {
    let mut rows = Collected { most: 5, ..Collected::default() };
    let mut scan_after = None;
    loop {
        let mut capture = Capture::new(options.clone());
        capture.offer_scan();
        let mut spread = capture.spread(workers, scan_after, None).unwrap();
        let again = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                feed(&mut capture, file, chunk, &mut Collected { most: 1, ..Collected::default() });
                // The vectors need no other file's secrets.
                capture.end_dispatch();
            });
            let again = take(&mut spread, &mut rows);
            if again.is_some() {
                spread.stop();
            }
            reader.join().unwrap();
            again
        });
        match again {
            None if !capture.needs_one_thread() => {
                capture.gather(spread);
                if finish(&mut capture, &mut rows) {
                    return (rows, capture.counts().clone(), false);
                }
            }
            Some(Again::ScanAfter(packet)) => {
                scan_after = Some(packet);
                rows = Collected { most: 5, ..Collected::default() };
                continue;
            }
            _ => {}
        }
        let (rest, counts) = alone(file, options, rows.rows.len());
        rows.rows.extend(rest.rows);
        return (rows, counts, true);
    }
}

fn take(spread: &mut Spread, rows: &mut Collected) -> Option<Again> {
    loop {
        rows.since = 0;
        match spread.step(rows) {
            Step::More => {}
            Step::Ended => return None,
            Step::Again(again) => return Some(again),
        }
    }
}

fn assert_alike(file: &[u8], options: &Options, name: &Path) -> bool {
    let (expected, counts) = alone(file, options, 0);
    let mut began_again = false;
    for way in [(1, 256 << 10), (2, 700), (3, 64 << 10), (8, 5_000)] {
        let (rows, found, again) = together(file, options, way);
        began_again |= again;
        for (row, expected) in rows.rows.iter().zip(&expected.rows) {
            assert_eq!(row, expected, "{} {way:?}", name.display());
        }
        assert_eq!(rows.rows.len(), expected.rows.len(), "{} {way:?}", name.display());
        assert_eq!(found, counts, "{} {way:?}", name.display());
    }
    began_again
}

/// Captures without TLS: secrets are looked for by whoever opens files.
fn recordings() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/captures");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|it| it == "pcap" || it == "pcapng"))
        .filter(|path| !path.to_string_lossy().contains("tls"))
        .collect();
    files.sort();
    files
}

#[test]
fn rows_are_those_of_one_thread() {
    for path in recordings() {
        let file = fs::read(&path).unwrap();
        let resync = Options { resync: true, ..Options::default() };
        for options in [Options::default(), resync] {
            assert!(!assert_alike(&file, &options, &path), "{}: no limit is met", path.display());
        }
    }
}

#[test]
fn connections_that_end_by_silence_end_in_the_same_place() {
    for path in recordings() {
        let file = fs::read(&path).unwrap();
        for timeout in [1_000, 1_000_000, 50_000_000, 1_000_000_000] {
            let options = Options { idle_timeout: Some(timeout), ..Options::default() };
            assert_alike(&file, &options, &path);
        }
    }
}

#[test]
fn limits_of_all_connections_are_those_of_one_thread() {
    let mut began_again = 0;
    for path in recordings() {
        let file = fs::read(&path).unwrap();
        for (max_connections, memory) in [(1, 512 << 20), (7, 512 << 20), (65_536, 300_000)] {
            let options = Options { max_connections, memory, ..Options::default() };
            began_again += u32::from(assert_alike(&file, &options, &path));
        }
    }
    assert!(began_again > 3, "limits were met");
}

#[test]
fn panic_of_a_worker_reaches_who_takes_the_rows_and_all_threads_end() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/captures/demo.pcapng");
    let file = fs::read(path).unwrap();
    for workers in [3, 8] {
        let mut capture = Capture::new(Options::default());
        let prepare = |_: &Message, _: &mut Vec<u8>| panic!("on purpose");
        let mut spread = capture.spread(workers, None, Some(prepare)).unwrap();
        let mut rows = Collected { most: 5, ..Collected::default() };
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                feed(&mut capture, &file, 700, &mut Collected { most: 1, ..Collected::default() });
                capture.end_dispatch();
            });
            let panic = catch_unwind(AssertUnwindSafe(|| take(&mut spread, &mut rows)));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"on purpose"));
            // It joins the threads.
            drop(spread);
            reader.join().unwrap();
        });
        assert!(!rows.rows.iter().any(|row| row.starts_with("message")));
    }
}

#[test]
fn rows_of_a_caller_that_was_away_are_those_of_one_thread() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/captures/demo.pcapng");
    let file = fs::read(path).unwrap();
    let (expected, _) = alone(&file, &Options::default(), 0);
    for workers in [1, 2] {
        let mut capture = Capture::new(Options::default());
        let mut spread = capture.spread(workers, None, None).unwrap();
        // The file is one batch, so the reader need not wait for the caller, which is this thread.
        feed(&mut capture, &file, 256 << 10, &mut Collected { most: 1, ..Collected::default() });
        capture.end_dispatch();
        let mut rows = Collected { most: 5, ..Collected::default() };
        assert_eq!(take(&mut spread, &mut rows), None);
        capture.gather(spread);
        assert!(finish(&mut capture, &mut rows));
        assert_eq!(rows.rows, expected.rows, "{workers} workers");
    }
}
