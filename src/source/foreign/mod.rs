//! Files and addresses that are given in a CSV's place: each is named for what it is, with the command that makes a CSV
//! of it.
//!
//! [`of_bytes`] knows binary formats by their first bytes, [`of_text`] text formats by their beginning, [`remote()`]
//! addresses. A file is refused only if it can be no CSV.

mod binary;
mod json;
mod remote;
mod text;

use std::path::{Path, PathBuf};

pub use binary::LEDGER_APPLICATION_ID;
pub(super) use binary::of_bytes;
pub use remote::is_remote;
pub(super) use remote::remote;
pub(super) use text::of_text;

use crate::paths::{uncompressed, with_suffix};
use crate::shell_word::{shell_path, shell_word};

/// Sample of a file that is enough to know its format, bytes.
pub(super) const FORMAT_BYTES: usize = 64 << 10;

/// A format that is no CSV.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ForeignFormat {
    /// A noun with its article, such as `a ZIP archive`, or a participle.
    pub(super) name: String,
    remedy: Remedy,
}

/// How to make a CSV of a file. In commands [`FILE`] is the file and [`CSV`] the one to make.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Remedy {
    /// A sentence.
    Advice(String),
    /// A sentence, and a command.
    Command(String, String),
    /// A command that writes the CSV to standard output.
    Pipe(String),
    /// To decompress the file with the program of this name.
    Unpack(&'static str),
    /// An SQL statement for DuckDB.
    DuckDb(String),
}

/// The file, in a command.
const FILE: char = '\u{1}';

/// The CSV to make, in a command.
const CSV: char = '\u{2}';

/// The file in a command if its name is unknown.
const UNNAMED: &str = "FILE";

impl ForeignFormat {
    /// A format whose remedy is that of what it stands in.
    pub(super) fn named(name: impl Into<String>) -> Self {
        ForeignFormat::advice(name, "")
    }

    fn advice(name: impl Into<String>, advice: impl Into<String>) -> Self {
        ForeignFormat { name: name.into(), remedy: Remedy::Advice(advice.into()) }
    }

    fn command(name: impl Into<String>, advice: impl Into<String>, command: impl Into<String>) -> Self {
        ForeignFormat { name: name.into(), remedy: Remedy::Command(advice.into(), command.into()) }
    }

    fn pipe(name: impl Into<String>, command: impl Into<String>) -> Self {
        ForeignFormat { name: name.into(), remedy: Remedy::Pipe(command.into()) }
    }

    /// The format of what a compressed file holds.
    pub(super) fn inside(self, compression: &'static str) -> Self {
        if self.name == binary::TAR {
            // tar decompresses it itself.
            return self;
        }
        ForeignFormat {
            name: format!("{} (inside {compression})", self.name),
            remedy: Remedy::Unpack(compression),
        }
    }

    /// The remedy for `file`, none for standard input: a sentence, and commands on lines of their own.
    pub(super) fn remedy(&self, file: Option<&Path>) -> String {
        let file = file.unwrap_or(Path::new(UNNAMED));
        let csv = csv_beside(file);
        let fill = |command: &str| filled(command, &shell_path(file), &shell_path(&csv));
        match &self.remedy {
            Remedy::Advice(advice) => advice.clone(),
            Remedy::Command(advice, command) => format!("{advice}:\n  {}", fill(command)),
            Remedy::Pipe(command) => {
                let ledger = shell_path(&csv.with_extension("ledger.db"));
                let (make, pipe) = (fill(&format!("{command} >{CSV}")), fill(command));
                format!(
                    "make a CSV of it, or pipe it in, with --job FILE instead of --ledger if you have a job file:\n\
                    \x20 {make}\n  {pipe} | connect-import run - --ledger {ledger}"
                )
            }
            Remedy::Unpack(program) => {
                let own = uncompressed(file);
                let to = if own == file { with_suffix(file, ".unpacked") } else { own };
                let unpack = format!("{program} -dc {} >{}", shell_path(file), shell_path(&to));
                format!("decompress it, and name the file that was in it:\n  {unpack}")
            }
            Remedy::DuckDb(statement) => {
                let quoted =
                    |path: &Path| format!("'{}'", path.to_string_lossy().into_owned().replace('\'', "''"));
                let statement = shell_word(filled(statement, &quoted(file), &quoted(&csv)));
                format!("make a CSV of it:\n  duckdb -c {statement}")
            }
        }
    }
}

/// A command with the names of both files.
fn filled(command: &str, file: &str, csv: &str) -> String {
    let mut text = String::new();
    for c in command.chars() {
        match c {
            FILE => text.push_str(file),
            CSV => text.push_str(csv),
            c => text.push(c),
        }
    }
    text
}

/// The path of the CSV to make of a file: `t.csv` for `t.xlsx`, and another name than the file's own.
fn csv_beside(file: &Path) -> PathBuf {
    let csv = file.with_extension("csv");
    if csv == file { file.with_extension("new.csv") } else { csv }
}

/// A command for the first sheet of a file that LibreOffice opens. Without the options of the filter it writes the
/// system's legacy encoding and loses letters, and the cells as the sheet shows them, without hidden digits, seconds
/// and centuries. They are those of "Filter Options for CSV Files" in its help: comma, quote, UTF-8, from the first
/// line, all texts quoted, values in full, no formulas.
fn spreadsheet(name: &str, options: &str) -> ForeignFormat {
    let filter = shell_word("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false");
    ForeignFormat::command(
        name,
        "save its sheet as CSV UTF-8, or run LibreOffice, which writes the first sheet to this folder",
        format!("soffice --headless {options}--convert-to {filter} {FILE}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_quotes_the_names_of_files_for_a_shell() {
        let format = ForeignFormat::pipe("x", format!("unzip -p {FILE}"));
        assert_eq!(
            format.remedy(Some(Path::new("it's.zip"))),
            "make a CSV of it, or pipe it in, with --job FILE instead of --ledger if you have a job file:\n\
                    \x20 unzip -p 'it'\\''s.zip' >'it'\\''s.csv'\n  unzip -p \
             'it'\\''s.zip' | connect-import run - --ledger 'it'\\''s.ledger.db'"
        );
        let one = ForeignFormat::command("x", "do", format!("to {FILE} {CSV}"));
        assert_eq!(one.remedy(Some(Path::new("a/t.csv"))), "do:\n  to a/t.csv a/t.new.csv");
        assert_eq!(one.remedy(None), "do:\n  to FILE FILE.csv");
        let unpack = |file: &str| one.clone().inside("gzip").remedy(Some(Path::new(file)));
        assert!(unpack("t.html.gz").ends_with("gzip -dc t.html.gz >t.html"));
        assert!(unpack("t.csv").ends_with("gzip -dc t.csv >t.csv.unpacked"));
    }
}
