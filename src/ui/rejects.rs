//! The rejects file: rows of the ledger that were not created or may not have been, to be corrected and imported by the next
//! run.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic_file::AtomicFile;
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::digest::Digest;
use crate::kept_file;
use crate::ledger::{Ledger, LedgerError, LedgerReader, RejectedRow};
use crate::output_file::{OutputError, OutputKind};
use crate::paths::{folder_of, resolved};
use crate::printable::ShownPath as _;
use crate::source::{REJECT_COLUMNS, fit_to_columns};

/// The rejects file cannot be written.
#[derive(Debug, Error)]
pub enum RejectsError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An existing file may not be replaced.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The file cannot be written.
    #[error("cannot write rejects to {}: {source}; {remedy}", path.shown())]
    Write {
        /// Path of the rejects file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
        /// Action that makes the next run write them.
        remedy: &'static str,
    },
}

/// Result of [`write_rejects`].
#[derive(Clone, Debug, Default)]
pub struct WrittenRejects {
    /// Rows in the rejects file; without any there is none.
    pub rows: u64,
    /// New paths of changed files that were in its place.
    pub kept: Vec<PathBuf>,
}

/// Checks, before a run, that its rejects can be written to `path`.
///
/// # Errors
/// [`RejectsError::Output`]; [`RejectsError::Write`] if its folder is missing or unreadable
pub fn check_rejects_target(path: &Path, force: bool) -> Result<(), RejectsError> {
    OutputKind::Rejects.expect_replaceable(path, force)?;
    let remedy = "create its folder, or name another file with --rejects";
    let failed = |source| RejectsError::Write { path: path.to_owned(), source, remedy };
    std::fs::metadata(folder_of(path)).map(drop).map_err(failed)
}

/// Writes the rejected, failed and unknown rows of the ledger to `path`: every original column, then [`REJECT_COLUMNS`].
/// The file appears whole or not at all, and only its owner can read it. With no such row, the rejects of an earlier run
/// are removed. A file there that differs from every rejects file of this ledger is moved aside first.
///
/// # Errors
/// [`RejectsError::Ledger`], [`RejectsError::Output`] if another file was put there during the run,
/// [`RejectsError::Write`]. An existing file is then unchanged.
pub fn write_rejects(
    ledger: &Ledger,
    path: &Path,
    force: bool,
    crash_plan: &CrashPlan,
) -> Result<WrittenRejects, RejectsError> {
    let reader = LedgerReader::open(ledger.path())?;
    let remedy = "the ledger has them, and the next run writes them again";
    let failed = |source| RejectsError::Write { path: path.to_owned(), source, remedy };
    let columns = united(&reader.rejected_headers()?);
    OutputKind::Rejects.expect_replaceable(path, force)?;
    let mut writer: Option<csv::Writer<AtomicFile>> = None;
    let mut count = 0;
    reader.rejected_rows(|row| {
        let writer = match &mut writer {
            Some(writer) => writer,
            None => {
                let mut new = csv::Writer::from_writer(AtomicFile::create(path).map_err(failed)?);
                let header = columns.iter().map(String::as_str).chain(REJECT_COLUMNS);
                new.write_record(header).map_err(|error| failed(error.into()))?;
                writer.insert(new)
            }
        };
        count += 1;
        writer.write_record(cells(&columns, &row)).map_err(|error| failed(error.into()))
    })?;
    let clear = |target: &Path| {
        let is_ours =
            |file: &File| reader.has_written_rejects(Digest::of_file(file)?).map_err(io::Error::other);
        let kept = kept_file::clear(target, jiff::Timestamp::now(), is_ours).map_err(failed)?;
        // Beside the path as it was given, unless that is a link to elsewhere.
        Ok::<_, RejectsError>(kept.map(|kept| match kept.file_name() {
            Some(name) if !path.is_symlink() => path.with_file_name(name),
            Some(_) | None => kept,
        }))
    };
    let mut kept = Vec::new();
    let mut waiting = match writer {
        Some(writer) => Some(writer.into_inner().map_err(|error| failed(error.into_error()))?),
        // `--force` allows to replace a file by rejects, and there are none.
        None if !OutputKind::Rejects.is_at(path) => None,
        None => {
            kept.extend(clear(&resolved(path))?);
            None
        }
    };
    if let Some(file) = &waiting {
        // Before the file is in its place, so that a crash leaves no file of this tool that the ledger does not know.
        ledger.note_rejects(Digest::of_file(file.file()).map_err(failed)?)?;
        crash_plan.reach(CrashPoint::Rejects);
    }
    // An editor may save another file after the last one was moved aside.
    while let Some(file) = waiting {
        kept.extend(clear(file.target())?);
        waiting = file.publish_unless_exists().map_err(failed)?;
    }
    Ok(WrittenRejects { rows: count, kept })
}

/// The columns of all headers in order of first appearance. A name that a header repeats is repeated as often.
fn united(headers: &[Vec<String>]) -> Vec<String> {
    let count = |columns: &[String], name: &String| columns.iter().filter(|column| *column == name).count();
    let mut united: Vec<String> = Vec::new();
    for header in headers {
        for (index, column) in header.iter().enumerate() {
            if count(&united, column) < count(&header[..=index], column) {
                united.push(column.clone());
            }
        }
    }
    united
}

/// The record of a row: its cells under the columns of their names, then [`REJECT_COLUMNS`].
fn cells(columns: &[String], row: &RejectedRow) -> Vec<String> {
    let fitted = fit_to_columns(row.cells.iter().map(String::as_str), row.columns.len());
    let mut own: Vec<_> = row.columns.iter().zip(fitted).collect();
    let mut line: Vec<String> = Vec::with_capacity(columns.len() + REJECT_COLUMNS.len());
    for column in columns {
        let at = own.iter().position(|(name, _)| *name == column);
        // Taken out, so that a repeated column name takes the next cell of that name.
        line.push(at.map(|at| own.remove(at).1.into_owned()).unwrap_or_default());
    }
    line.extend([
        row.source.clone(),
        row.line.to_string(),
        row.key.clone(),
        row.state.name().to_owned(),
        row.code.clone(),
        row.message.clone(),
        row.origin.text(),
    ]);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::ledger::RowState;
    use crate::source::RowOrigin;

    fn row(columns: &[&str], cells: &[&str]) -> RejectedRow {
        let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect();
        RejectedRow {
            source: "/d/t.csv".into(),
            line: 7,
            key: "k".into(),
            state: RowState::Rejected,
            code: "C".into(),
            message: "m".into(),
            origin: RowOrigin { token: Digest([0x11; 16]), content: Digest([0x22; 16]) },
            columns: texts(columns),
            cells: texts(cells),
        }
    }

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn cells_are_under_their_own_columns() {
        let line = cells(&columns(&["a", "b", "c"]), &row(&["c", "a"], &["3", "1"]));
        assert_eq!(line[..3], ["1", "", "3"]);
        assert_eq!(line[3..9], ["/d/t.csv", "7", "k", "rejected", "C", "m"]);
        assert_eq!(line[9], ["11".repeat(16), "22".repeat(16)].concat());
    }

    #[test]
    fn a_repeated_column_name_loses_no_cell() {
        let headers = [columns(&["x", "x"]), columns(&["a", "x"])];
        assert_eq!(united(&headers), ["x", "x", "a"]);
        assert_eq!(cells(&united(&headers), &row(&["x", "x"], &["1", "2"]))[..3], ["1", "2", ""]);
    }

    #[test]
    fn a_ragged_row_loses_no_cell() {
        let long = cells(&columns(&["a", "b"]), &row(&["a", "b"], &["1", "2", "3", "4"]));
        assert_eq!(long[..3], ["1", "2,3,4", "/d/t.csv"]);
        let short = cells(&columns(&["a", "b"]), &row(&["a", "b"], &["1"]));
        assert_eq!(short[..3], ["1", "", "/d/t.csv"]);
    }
}
