//! The outputs by the names of their formats.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "an output of a pass, and a name of the caller"
)]

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wsdefrag_capture::archive::archive_output::Archive;
use wsdefrag_capture::lines::clock::Clock;
use wsdefrag_capture::lines::follow_lines::{ContentView, FollowLines};
use wsdefrag_capture::lines::json_lines::JsonLines;
use wsdefrag_capture::lines::line_output::{LineOutput, LineRows};
use wsdefrag_capture::lines::text_lines::TextLines;
use wsdefrag_capture::output::Output;
use wsdefrag_capture::report::{Report, ReportOptions};
use wsdefrag_capture::stats::{Grouping, Stats};
use wsdefrag_capture::table::Table;

use crate::capture::local_time::LocalTime;
use crate::capture::temporary_file::TemporaryFile;

/// What an output may be told. An output ignores what it has no use for.
#[expect(clippy::struct_excessive_bools, reason = "options of a caller")]
pub(crate) struct OutputOptions {
    /// The table of an output with rows.
    pub(crate) table: Table,
    /// Whether contents of messages are written.
    pub(crate) content: bool,
    /// Whether events stand between messages.
    pub(crate) events: bool,
    /// Whether control frames are among these.
    pub(crate) control_frames: bool,
    /// The heading of a report.
    pub(crate) title: String,
    /// What was chosen of the capture, in words.
    pub(crate) selection: Vec<String>,
    /// The JSON member that a request and its response have in common, for statistics.
    pub(crate) id: String,
    /// The most columns of a line of text; 0 for no limit.
    pub(crate) width: usize,
    /// Whether lines of text have a terminal's colours.
    pub(crate) colours: bool,
}

/// An output that any thread may drive.
pub(crate) type AnyOutput = Box<dyn Output + Send>;

/// The output with this name; raises `ValueError` if there is none.
pub(crate) fn make_output(
    py: Python<'_>,
    format: &str,
    options: OutputOptions,
    files: Vec<String>,
) -> PyResult<AnyOutput> {
    let OutputOptions {
        table,
        content,
        events,
        control_frames,
        width,
        colours,
        title,
        selection,
        id,
    } = options;
    let rows = LineRows { table, events, control_frames };
    match format {
        "report" => Ok(Box::new(Report::new(ReportOptions { title, files, content, selection }))),
        "jsonl" => Ok(Box::new(LineOutput::new(JsonLines::new(content), rows, files))),
        "har" => Ok(archive(Archive::Har, files)),
        "mitm" => Ok(archive(Archive::Flows, files)),
        "text" => {
            let clock = Clock::new(Box::new(LocalTime::new(py)?));
            let lines = TextLines::new(width, colours, content, clock);
            Ok(Box::new(LineOutput::new(lines, rows, files)))
        }
        "stats" | "stats-by-connection" | "stats-by-host" | "stats-by-path" => {
            let by = format.strip_prefix("stats-by-").unwrap_or("total");
            let known = Grouping::NAMES.iter().find(|(name, _)| *name == by);
            let grouping = known.map_or(Grouping::Total, |(_, grouping)| *grouping);
            Ok(Box::new(Stats::new(grouping, id)))
        }
        "follow" | "follow-hex" | "follow-raw" => {
            let view = match format {
                "follow-hex" => ContentView::Hex,
                "follow-raw" => ContentView::Raw,
                _ => ContentView::Text,
            };
            let clock = Clock::new(Box::new(LocalTime::new(py)?));
            let lines = FollowLines::new(view, colours, clock);
            Ok(Box::new(LineOutput::new(lines, rows, files)))
        }
        _ => Err(PyValueError::new_err(format!("{format:?} is no format of an output"))),
    }
}

/// An archive, with a temporary file for what does not fit into memory.
fn archive(archive: Archive, files: Vec<String>) -> AnyOutput {
    archive.output(files, Some(Box::new(TemporaryFile::default())))
}
