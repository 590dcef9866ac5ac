//! Every fault of a check on a line of its own, as CSV or JSON, while the check goes on.

use std::io::{self, BufWriter, Stdout, Write as _};

use super::messages::{self, Message, SchemaVersion};
use super::unless_gone;
use crate::check::FoundFault;
use crate::cli::Output;
use crate::export::io_error;

/// The columns of the CSV.
const COLUMNS: [&str; 8] = ["file", "line", "key", "code", "member", "found", "rule", "origin"];

/// Writes faults to standard output, in the form that was asked for; as text there is only the summary.
#[derive(Debug)]
pub enum FaultLines {
    /// None.
    Text,
    /// JSON Lines.
    Json(BufWriter<Stdout>),
    /// CSV.
    Csv(Box<csv::Writer<Stdout>>),
}

impl FaultLines {
    /// Begins.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn start(output: Output) -> io::Result<Self> {
        Ok(match output {
            Output::Text => FaultLines::Text,
            Output::Json => FaultLines::Json(BufWriter::new(io::stdout())),
            Output::Csv => {
                let mut writer = csv::Writer::from_writer(io::stdout());
                unless_gone(writer.write_record(COLUMNS).map_err(io_error))?;
                FaultLines::Csv(Box::new(writer))
            }
        })
    }

    /// Writes one fault.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn write(&mut self, found: &FoundFault<'_>) -> io::Result<()> {
        let FoundFault { file, line, key, code, fault } = found;
        match self {
            FaultLines::Text => Ok(()),
            FaultLines::Json(out) => {
                let fault = messages::Fault {
                    schema_version: SchemaVersion,
                    file,
                    line: *line,
                    key,
                    code,
                    member: &fault.member,
                    found: &fault.found,
                    rule: &fault.rule,
                    origin: &fault.origin,
                    message: fault.to_string(),
                };
                unless_gone(writeln!(out, "{}", Message::Fault(fault)))
            }
            FaultLines::Csv(writer) => {
                let line = line.to_string();
                let cells: [&str; COLUMNS.len()] =
                    [file, &line, key, code, &fault.member, &fault.found, &fault.rule, &fault.origin];
                unless_gone(writer.write_record(cells).map_err(io_error))
            }
        }
    }

    /// Writes what is left; a reader that went away is no error.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn finish(self) -> io::Result<()> {
        match self {
            FaultLines::Text => Ok(()),
            FaultLines::Json(mut out) => unless_gone(out.flush()),
            FaultLines::Csv(mut writer) => unless_gone(writer.flush()),
        }
    }
}
