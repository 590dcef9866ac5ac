//! The rows that were not created, to be fixed and fed to `run` again.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic_file::{AtomicFile, remove};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::ledger::{LedgerError, LedgerReader, RejectedRow, RunId};
use crate::paths::folder_of;
use crate::source::{REJECT_COLUMNS, fit_to_columns};

/// The rejects file cannot be written.
#[derive(Debug, Error)]
pub enum RejectsError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Another file stands where the rejects would go.
    #[error(
        "{} is there and is no rejects file, so it is not written over; name another with --rejects",
        .0.display()
    )]
    NotRejects(PathBuf),
    /// No file can be there.
    #[error("no rejects can be written to {}: {source}; mend that, or name another file with --rejects", path.display())]
    NoPlace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the rejects to {}: {source}; the ledger has them, and the next run writes them again", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Makes sure, before a run, that writing the rejects to `path` destroys nothing but older rejects.
///
/// # Errors
/// A file of another kind stands there, or it cannot be read.
pub fn check_rejects_target(path: &Path) -> Result<(), RejectsError> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = std::fs::metadata(folder_of(path));
            return folder
                .map(|_| ())
                .map_err(|source| RejectsError::NoPlace { path: path.to_owned(), source });
        }
        Err(source) => return Err(RejectsError::NoPlace { path: path.to_owned(), source }),
        Ok(file) => file,
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file);
    let mut header = csv::StringRecord::new();
    let is_csv = reader.read_record(&mut header).unwrap_or(false);
    let start = header.len().saturating_sub(REJECT_COLUMNS.len());
    if is_csv && header.iter().skip(start).eq(REJECT_COLUMNS) {
        Ok(())
    } else {
        Err(RejectsError::NotRejects(path.to_owned()))
    }
}

/// Writes the rejected, failed and unknown rows of `run` to `path`: every original column, then why.
/// The file appears whole or not at all, readable by its owner only. With no such row, a file that an
/// earlier run left is removed. Returns how many rows were written.
///
/// # Errors
/// The ledger cannot be read, or the file not written; an earlier file is then as it was.
pub fn write_rejects(
    ledger: &Path,
    run: RunId,
    path: &Path,
    crash_plan: &CrashPlan,
) -> Result<u64, RejectsError> {
    let reader = LedgerReader::open(ledger)?;
    let failed = |source| RejectsError::Write { path: path.to_owned(), source };
    let columns = united(&reader.rejected_headers(run)?);
    // Once more: a run can take days.
    check_rejects_target(path)?;
    let mut writer: Option<csv::Writer<AtomicFile>> = None;
    let mut count = 0;
    reader.rejected_rows(run, |row| {
        let writer = match &mut writer {
            Some(writer) => writer,
            None => {
                let mut new = csv::Writer::from_writer(AtomicFile::begin(path).map_err(failed)?);
                let header = columns.iter().map(String::as_str).chain(REJECT_COLUMNS);
                new.write_record(header).map_err(|error| failed(error.into()))?;
                writer.insert(new)
            }
        };
        count += 1;
        writer.write_record(cells(&columns, &row)).map_err(|error| failed(error.into()))
    })?;
    match writer {
        None => AtomicFile::discard(path).and_then(|()| remove(path)).map_err(failed)?,
        Some(writer) => {
            let draft = writer.into_inner().map_err(|error| failed(error.into_error()))?;
            crash_plan.reach(CrashPoint::Rejects);
            draft.publish().map_err(failed)?;
        }
    }
    Ok(count)
}

/// The columns of all headers, in order of first appearance; a name that one header repeats is
/// repeated as often.
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

/// The row under the file's columns, by name, and its reasons.
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
    ]);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RowState;

    fn row(columns: &[&str], cells: &[&str]) -> RejectedRow {
        let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect();
        RejectedRow {
            source: "/d/t.csv".into(),
            line: 7,
            key: "k".into(),
            state: RowState::Rejected,
            code: "C".into(),
            message: "m".into(),
            columns: texts(columns),
            cells: texts(cells),
        }
    }

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn cells_stand_under_their_own_columns() {
        let line = cells(&columns(&["a", "b", "c"]), &row(&["c", "a"], &["3", "1"]));
        assert_eq!(line[..3], ["1", "", "3"]);
        assert_eq!(line[3..], ["/d/t.csv", "7", "k", "rejected", "C", "m"]);
    }

    #[test]
    fn a_file_that_is_something_else_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        assert!(check_rejects_target(&path).is_ok());
        std::fs::write(&path, "id,_file,_line,_key,_state,_code,_message\n").unwrap();
        assert!(check_rejects_target(&path).is_ok());
        for text in ["id,Name\n", "precious", ""] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(check_rejects_target(&path), Err(RejectsError::NotRejects(_))), "{text}");
        }
    }

    #[test]
    fn a_repeated_column_name_loses_no_cell() {
        let headers = [columns(&["x", "x"]), columns(&["a", "x"])];
        assert_eq!(united(&headers), ["x", "x", "a"]);
        assert_eq!(cells(&united(&headers), &row(&["x", "x"], &["1", "2"]))[..3], ["1", "2", ""]);
    }

    #[test]
    fn a_ragged_row_keeps_its_place_and_loses_nothing() {
        let long = cells(&columns(&["a", "b"]), &row(&["a", "b"], &["1", "2", "3", "4"]));
        assert_eq!(long[..3], ["1", "2,3,4", "/d/t.csv"]);
        let short = cells(&columns(&["a", "b"]), &row(&["a", "b"], &["1"]));
        assert_eq!(short[..3], ["1", "", "/d/t.csv"]);
    }
}
