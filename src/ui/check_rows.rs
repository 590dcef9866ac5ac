//! Output of a check about single rows, while it goes on: every fault on a line, and the requests that are shown.

use std::io::{self, BufWriter, Stdout, Write as _};

use super::json::{FaultMessage, Message, RequestMessage};
use super::result_output::{ignore_closed_pipe, stdout_of_rows};
use crate::check::{FoundFault, RowClass, RowSink, ShownRow};
use crate::cli::Output;
use crate::export::{CellStyle, io_error};
use crate::mapping::RowFault;
use crate::printable::{RowWriter, printable, printable_json};

/// Columns of the faults as CSV.
const COLUMNS: [&str; 9] = ["file", "line", "key", "code", "member", "found", "rule", "origin", "accepted"];

/// Writer of rows to standard output.
#[derive(Debug)]
pub enum CheckedRows {
    /// Requests that are shown; faults have their groups in the report only.
    Text(BufWriter<RowWriter<Stdout>>),
    /// JSON Lines of faults and requests.
    Json(BufWriter<RowWriter<Stdout>>),
    /// Faults as CSV.
    Csv(Box<csv::Writer<RowWriter<Stdout>>>, CellStyle),
}

impl CheckedRows {
    /// Starts the output.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn start(output: Output, cells: CellStyle) -> io::Result<Self> {
        Ok(match output {
            Output::Text => CheckedRows::Text(BufWriter::new(stdout_of_rows())),
            Output::Json => CheckedRows::Json(BufWriter::new(stdout_of_rows())),
            Output::Csv => {
                let mut writer = csv::Writer::from_writer(stdout_of_rows());
                ignore_closed_pipe(writer.write_record(COLUMNS).map_err(io_error))?;
                CheckedRows::Csv(Box::new(writer), cells)
            }
        })
    }

    /// Says that no row was shown for a key; to people only, since programs miss its message.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn show_missing(&mut self, key: &str) -> io::Result<()> {
        let CheckedRows::Text(out) = self else { return Ok(()) };
        let text = printable(&format!("--show-key {key}: no row to import has this key"));
        ignore_closed_pipe(write!(out, "{text}\n\n"))
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn finish(self) -> io::Result<()> {
        match self {
            CheckedRows::Text(mut out) | CheckedRows::Json(mut out) => ignore_closed_pipe(out.flush()),
            CheckedRows::Csv(mut writer, _) => ignore_closed_pipe(writer.flush()),
        }
    }
}

impl RowSink for CheckedRows {
    fn fault(&mut self, found: &FoundFault<'_>) -> io::Result<()> {
        let FoundFault { file, line, key, code, fault, is_accepted } = found;
        match self {
            CheckedRows::Text(_) => Ok(()),
            CheckedRows::Json(out) => {
                let message = fault.to_string();
                let message =
                    FaultMessage { file, line: *line, key, code, fault, message, accepted: *is_accepted };
                ignore_closed_pipe(writeln!(out, "{}", Message::Fault(message)))
            }
            CheckedRows::Csv(writer, style) => {
                let (line, accepted) = (line.to_string(), is_accepted.to_string());
                let RowFault { member, found, rule, origin } = fault;
                let cells: [&str; COLUMNS.len()] =
                    [file, &line, key, code, member, found, rule, origin, &accepted];
                let cells = cells.map(|cell| style.cell(cell));
                ignore_closed_pipe(
                    writer.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(io_error),
                )
            }
        }
    }

    fn show(&mut self, row: &ShownRow<'_>) -> io::Result<()> {
        match self {
            CheckedRows::Text(out) => ignore_closed_pipe(out.write_all(shown_text(row)?.as_bytes())),
            CheckedRows::Json(out) => {
                let request = row.body.as_ref().ok().map(serde_json::to_value).transpose()?;
                let rejection = row.body.as_ref().err();
                let message = Message::Request(RequestMessage {
                    file: row.file,
                    line: row.line,
                    key: row.key,
                    would: verdict(row).0,
                    request: request.and_then(|request| serde_json::from_value(request).ok()),
                    code: rejection.map(|rejection| rejection.code),
                    faults: rejection.map(|rejection| rejection.faults.iter().collect()).unwrap_or_default(),
                });
                ignore_closed_pipe(writeln!(out, "{message}"))
            }
            // Refused with the arguments.
            CheckedRows::Csv(..) => Ok(()),
        }
    }
}

/// The action of a run on the row: for programs, and for people if it would not send it.
fn verdict(row: &ShownRow<'_>) -> (&'static str, &'static str) {
    match row.class {
        RowClass::Ready if row.is_sent_unchanged => {
            ("send_unchanged", ", is in doubt, has changed since, and would be sent as before, not as this")
        }
        RowClass::Ready => ("send", ""),
        RowClass::Faulty => ("reject", ", would be rejected"),
        RowClass::Accepted => ("accept", ", would be rejected, and accepted"),
        RowClass::Created => ("skip_created", ", is created already and would not be sent again"),
        RowClass::CreatedChanged => {
            ("skip_changed", ", is created already, has changed since, and would not be sent again")
        }
        RowClass::Unknown => {
            ("skip_unknown", ", is unknown: its contact may exist, and it would not be sent again")
        }
        RowClass::Refused => ("skip_refused", ", was refused by Connect and would not be sent again"),
    }
}

/// A heading with file, line and key, and the request or the faults.
fn shown_text(row: &ShownRow<'_>) -> io::Result<String> {
    let ShownRow { file, line, key, body, .. } = row;
    let heading = printable(&format!("{file}, line {line} (key {key}){}:", verdict(row).1));
    let body = match body {
        Ok(request) => printable_json(&serde_json::to_string_pretty(request)?).into_owned(),
        Err(rejection) => {
            let faults =
                rejection.faults.iter().map(|fault| printable(&format!("  {}: {fault}", rejection.code)));
            faults.collect::<Vec<_>>().join("\n")
        }
    };
    Ok(format!("{heading}\n{body}\n\n"))
}
