//! Output files, and which existing files they may replace.
//!
//! Every output is an ordinary file: [`expect_regular`] refuses directories, pipes, sockets, devices and `-` for every option
//! that names one, without opening them. A command replaces an earlier output of the same kind, which it recognises by its
//! first bytes, and an empty file. Any other existing file needs `--force`.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::export::{EXPORT_COLUMNS, JOIN_COLUMNS};
use crate::file_kind::{is_link_loop, is_open_file, open_ordinary, special_kind};
use crate::printable::ShownPath as _;
use crate::sandbox::STATE_LINE_START;
use crate::source::REJECT_COLUMNS;

/// Kind of an output file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputKind {
    /// Rows of the ledger, as CSV or JSON Lines, with or without `--join`.
    Export,
    /// The HTML page of `report`.
    Report,
    /// The rows that a run did not import.
    Rejects,
    /// Metrics of a run for Prometheus.
    Metrics,
    /// Contacts and client tokens of the built-in sandbox.
    SandboxState,
    /// The port of a sandbox.
    PortFile,
    /// A manual page.
    ManualPage,
}

/// An output may not be written where it was asked for. Nothing was written.
#[derive(Debug, Error)]
pub enum OutputError {
    /// The path is `-`, or leads to a directory, a pipe, a socket, a device, an open file of this process or nowhere.
    #[error(
        "{option} names {}, which is {what}; name an ordinary file{}",
        path.shown(),
        if *option == "--to" { ", or - for standard output" } else { "" }
    )]
    NotRegular {
        /// The option that names the output.
        option: &'static str,
        /// The path.
        path: PathBuf,
        /// Type of the file.
        what: &'static str,
    },
    /// The file exists, and an earlier output of this kind does not begin like it.
    #[error(
        "{} exists and is not {expected} written by connect-import; {remedy}, or name another file \
         with {option}",
        path.shown()
    )]
    Foreign {
        /// The option that names the output.
        option: &'static str,
        /// The path.
        path: PathBuf,
        /// Kind of output that may be replaced.
        expected: &'static str,
        /// How to make room for the output.
        remedy: &'static str,
    },
    /// The file exists, and cannot be read, so that its kind is not known.
    #[error("cannot read {}: {source}; name another file with {option}", path.shown())]
    Unreadable {
        /// The option that names the output.
        option: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The log file exists, and does not begin like a log.
    #[error("{} exists and is not a log written by connect-import; name another file with --log-file", .0.shown())]
    NoLog(PathBuf),
}

/// Bytes of an existing file that are read to recognise it.
const HEAD: u64 = 1 << 20;

/// The first bytes of a page that clap_mangen renders.
const MANUAL_PAGE_START: &[u8] = b".ie \\n(.g .ds Aq";

impl OutputKind {
    /// The option that names an output of this kind.
    pub fn option(self) -> &'static str {
        match self {
            OutputKind::Export | OutputKind::Report | OutputKind::ManualPage => "--to",
            OutputKind::Rejects => "--rejects",
            OutputKind::Metrics => "--metrics-file",
            OutputKind::SandboxState => "--keep",
            OutputKind::PortFile => "--port-file",
        }
    }

    fn name(self) -> &'static str {
        match self {
            OutputKind::Export => "an export",
            OutputKind::Report => "a report",
            OutputKind::Rejects => "a rejects file",
            OutputKind::Metrics => "a metrics file",
            OutputKind::SandboxState => "a state file of the sandbox",
            OutputKind::PortFile => "a port file",
            OutputKind::ManualPage => "a manual page",
        }
    }

    /// The remedy for a foreign file in the output's place: not every command has `--force`.
    fn remedy(self) -> &'static str {
        match self {
            OutputKind::PortFile | OutputKind::ManualPage => "move it away",
            OutputKind::Export
            | OutputKind::Report
            | OutputKind::Rejects
            | OutputKind::Metrics
            | OutputKind::SandboxState => "use --force to replace it",
        }
    }

    /// Checks that an output of this kind may be written to `path`, before anything is written.
    ///
    /// # Errors
    /// As [`expect_regular`]; [`OutputError::Foreign`] unless `force` is set.
    pub fn expect_replaceable(self, path: &Path, force: bool) -> Result<(), OutputError> {
        let option = self.option();
        expect_regular(option, path)?;
        if force {
            return Ok(());
        }
        let path = path.to_owned();
        match self.is_found(&path) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let (expected, remedy) = (self.name(), self.remedy());
                Err(OutputError::Foreign { option, path, expected, remedy })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(OutputError::Unreadable { option, path, source }),
        }
    }

    /// Whether the file at `path` is ordinary, and empty or an output of this kind. An unreadable file is not.
    pub fn is_at(self, path: &Path) -> bool {
        self.is_found(path).unwrap_or(false)
    }

    /// Whether the file at `path` is ordinary, and empty or an output of this kind.
    fn is_found(self, path: &Path) -> io::Result<bool> {
        let mut head = Vec::new();
        open_ordinary(path)?.take(HEAD).read_to_end(&mut head)?;
        Ok(head.is_empty() || self.is_start_of(&head))
    }

    fn is_start_of(self, head: &[u8]) -> bool {
        const GENERATOR: &[u8] = b"<meta name=\"generator\" content=\"connect-import ";
        match self {
            OutputKind::Metrics => head.starts_with(b"# HELP connect_import_"),
            OutputKind::SandboxState => head.starts_with(STATE_LINE_START),
            OutputKind::PortFile => is_port(head),
            OutputKind::ManualPage => head.starts_with(MANUAL_PAGE_START),
            OutputKind::Report => head.windows(GENERATOR.len()).any(|bytes| bytes == GENERATOR),
            OutputKind::Rejects => column_names(head).ends_with(&REJECT_COLUMNS.map(str::to_owned)),
            OutputKind::Export => {
                let names = column_names(head);
                names == EXPORT_COLUMNS || names.ends_with(&JOIN_COLUMNS.map(str::to_owned))
            }
        }
    }
}

/// Checks that an output may be written to `path`: there is an ordinary file, or nothing yet. Does not open it, since
/// opening a pipe waits for its other end.
///
/// # Errors
/// [`OutputError::NotRegular`]
pub fn expect_regular(option: &'static str, path: &Path) -> Result<(), OutputError> {
    let what = if path == Path::new("-") {
        Some("standard output")
    } else if is_open_file(path) {
        Some("an open file of this process")
    } else {
        match path.metadata() {
            Ok(metadata) => special_kind(metadata.file_type()),
            Err(error) if is_link_loop(&error) => Some("a link that leads to itself"),
            Err(_) if path.is_symlink() => Some("a link to a missing file"),
            Err(_) => None,
        }
    };
    match what {
        Some(what) => Err(OutputError::NotRegular { option, path: path.to_owned(), what }),
        None => Ok(()),
    }
}

/// The option that names the log file.
pub(crate) const LOG_FILE: &str = "--log-file";

/// Checks that lines may be appended to the log file at `path`: it is missing, empty, or a log.
///
/// # Errors
/// [`OutputError::NotRegular`], [`OutputError::NoLog`]
pub fn expect_log(path: &Path) -> Result<(), OutputError> {
    expect_regular(LOG_FILE, path)?;
    let mut head = Vec::new();
    let read = open_ordinary(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    match read {
        // A missing file is created, and of one that only its owner may read the opening says what is wrong.
        Err(_) => Ok(()),
        Ok(_) if head.is_empty() || is_start_of_log(&head) => Ok(()),
        Ok(_) => Err(OutputError::NoLog(path.to_owned())),
    }
}

/// Whether the first word is a time, or the first member of a JSON object is one.
fn is_start_of_log(head: &[u8]) -> bool {
    let time = head.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_time = std::str::from_utf8(time).is_ok_and(|time| time.parse::<jiff::Timestamp>().is_ok());
    is_time || head.starts_with(b"{\"timestamp\":\"")
}

/// Whether the text is a port number and a line end.
fn is_port(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"\n").unwrap_or_default();
    (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// The keys of the first line's JSON object, or the header of a CSV.
fn column_names(head: &[u8]) -> Vec<String> {
    let mut objects =
        serde_json::Deserializer::from_slice(head).into_iter::<serde_json::Map<String, serde_json::Value>>();
    if let Some(Ok(object)) = objects.next() {
        return object.keys().cloned().collect();
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(head);
    let header = reader.byte_records().next().and_then(Result::ok).unwrap_or_default();
    header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of an output of each kind.
    const OUTPUTS: [(OutputKind, &str); 9] = [
        (OutputKind::PortFile, "8080\n"),
        (OutputKind::ManualPage, ".ie \\n(.g .ds Aq \\(aq\n"),
        (OutputKind::SandboxState, "{\"digest\":\""),
        (OutputKind::Metrics, "# HELP connect_import_rows Rows of the ledger\n"),
        (
            OutputKind::Report,
            "<!DOCTYPE html>\n<head><meta name=\"generator\" content=\"connect-import 0.1.0\" />",
        ),
        (OutputKind::Rejects, "id,Name,_file,_line,_key,_state,_code,_message,_row\nK0,a,"),
        (
            OutputKind::Export,
            "file,line,key,state,contact_id,contact_arn,attempts,first_sent,last_sent,code,message\n",
        ),
        (OutputKind::Export, "id,\"a,\nb\",_state,_contact_id,_contact_arn,_code,_message\n"),
        (
            OutputKind::Export,
            "{\"row\":{\"id\":\"K0\"},\"_state\":null,\"_contact_id\":null,\"_contact_arn\":null,\"_code\":null,\
             \"_message\":null}\n{",
        ),
    ];

    #[test]
    fn an_output_replaces_its_own_kind_and_an_empty_file_and_nothing_else_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let all = [
            OutputKind::Metrics,
            OutputKind::Report,
            OutputKind::Rejects,
            OutputKind::Export,
            OutputKind::SandboxState,
            OutputKind::PortFile,
            OutputKind::ManualPage,
        ];
        for kind in all {
            assert!(kind.expect_replaceable(&path, false).is_ok());
            std::fs::write(&path, "").unwrap();
            assert!(kind.expect_replaceable(&path, false).is_ok());
            for foreign in
                ["precious", "id,Name\n1,A\n", "{\"id\": 1}\n", "<html></html>", "# HELP go_x y", "\u{0}"]
            {
                std::fs::write(&path, foreign).unwrap();
                let refused = kind.expect_replaceable(&path, false).unwrap_err().to_string();
                assert!(refused.contains(kind.remedy()) && refused.contains(kind.option()), "{refused}");
                assert!(kind.expect_replaceable(&path, true).is_ok());
            }
            for (other, text) in OUTPUTS {
                std::fs::write(&path, text).unwrap();
                assert_eq!(kind.expect_replaceable(&path, false).is_ok(), kind == other, "{kind:?}: {text}");
            }
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_log_is_appended_to_logs_and_empty_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert!(expect_log(&path).is_ok());
        for log in ["", "2026-11-21T13:00:07.120Z a\nb\n", "{\"timestamp\":\"2026-11-21T13:00:07.120394Z\""] {
            std::fs::write(&path, log).unwrap();
            assert!(expect_log(&path).is_ok(), "{log}");
        }
        let others =
            ["id,Name\n", "2026-11-21T13:00:07.120Z,a\n", "# a note", "{\"id\": 1}", "2026-11-21 a", "\n"];
        for text in others.into_iter().chain(OUTPUTS.map(|(_, text)| text)) {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(expect_log(&path), Err(OutputError::NoLog(_))), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_ordinary_file_is_not_replaced_even_with_force() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("missing", &link).unwrap();
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        let pipe = folder.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let to_pipe = folder.path().join("to-pipe");
        std::os::unix::fs::symlink("pipe", &to_pipe).unwrap();
        for (path, expected) in [
            (folder.path(), "a directory"),
            (Path::new("/dev/null"), "a device"),
            (Path::new("/dev/fd/1"), "an open file of this process"),
            (Path::new("/dev/stdout"), "an open file of this process"),
            (Path::new("-"), "standard output"),
            (&link, "a link to a missing file"),
            (&circle, "a link that leads to itself"),
            (&pipe, "a pipe"),
            (&to_pipe, "a pipe"),
            (&socket, "a socket"),
        ] {
            let refused = OutputKind::Rejects.expect_replaceable(path, true);
            let Err(OutputError::NotRegular { what, .. }) = refused else { panic!("{}", path.shown()) };
            assert_eq!(what, expected, "{}", path.shown());
            assert!(matches!(expect_log(path), Err(OutputError::NotRegular { .. })), "{}", path.shown());
        }
        assert!(expect_regular("--to", &folder.path().join("missing")).is_ok());
    }
}
