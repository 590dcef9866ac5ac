//! The log file: everything that goes to standard error, with the time of each line, for as long as the file is wanted.
//!
//! Lines are appended (O_APPEND), each text in one write, so several processes may share a file. A file that was moved or
//! deleted is created again, so logrotate needs neither `copytruncate` nor a signal.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::adapter::strip_str;

use super::terminal::print_line;
use super::words::{log_failed, stamped_now};
use crate::file_kind::without_waiting;
use crate::paths::{FileId, file_id};
use crate::permissions::private;
use crate::printable::printable_styled;

/// The process has one log file at most.
static LOG_FILE: Mutex<Option<LogFile>> = Mutex::new(None);

/// An open log file.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    id: FileId,
    /// Whether the last line was written in part.
    is_cut: bool,
    /// Whether a failure to write was reported.
    is_failure_reported: bool,
}

/// Opens the log file of this process, and creates it with mode 0600 if it is missing.
///
/// # Errors
/// It cannot be opened for appending, or is no regular file.
pub fn open_log_file(path: &Path) -> io::Result<()> {
    // The working folder may change.
    let path = std::path::absolute(path)?;
    let (file, id) = open(&path)?;
    *log_file() = Some(LogFile { path, file, id, is_cut: false, is_failure_reported: false });
    Ok(())
}

/// Whether the process has a log file.
pub(super) fn has_log_file() -> bool {
    log_file().is_some()
}

/// Appends a text to the log file, if there is one, with the time on each line.
pub(super) fn append_to_log(text: &str) {
    append_to_log_as_is(&stamped_now(&strip_str(&printable_styled(text)).to_string()));
}

/// Appends lines that have a time to the log file, if there is one. The first failure is said on standard error.
pub(crate) fn append_to_log_as_is(lines: &str) {
    // Printed without the lock.
    let failed = log_file().as_mut().and_then(|log| log.append_or_report(lines));
    if let Some(words) = failed {
        print_line(&words);
    }
}

fn log_file() -> MutexGuard<'static, Option<LogFile>> {
    LOG_FILE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogFile {
    /// Appends lines; returns a warning if that fails for the first time.
    fn append_or_report(&mut self, lines: &str) -> Option<String> {
        let error = self.append(lines).err()?;
        let is_reported = std::mem::replace(&mut self.is_failure_reported, true);
        (!is_reported).then(|| log_failed(&self.path, &error))
    }

    fn append(&mut self, lines: &str) -> io::Result<()> {
        self.follow_rotation();
        let line_end = if self.is_cut { "\n" } else { "" };
        let bytes = format!("{line_end}{lines}").into_bytes();
        // One write, so that lines of several processes do not mix.
        let written = loop {
            match self.file.write(&bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        self.is_cut = written < bytes.len();
        if self.is_cut { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Opens the file again if its path leads to another one, or to none. If that fails, lines go to the old file.
    fn follow_rotation(&mut self) {
        let is_same = self.path.metadata().is_ok_and(|metadata| file_id(&metadata) == self.id);
        if !is_same && let Ok((file, id)) = open(&self.path) {
            (self.file, self.id, self.is_cut) = (file, id, false);
        }
    }
}

fn open(path: &Path) -> io::Result<(File, FileId)> {
    let mut options = private();
    let file = without_waiting(options.append(true).create(true)).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok((file, file_id(&metadata)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printable::ShownPath as _;

    #[test]
    fn a_file_that_was_moved_or_deleted_is_made_anew_and_one_that_was_emptied_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let (file, id) = open(&path).unwrap();
        let mut log = LogFile { path: path.clone(), file, id, is_cut: false, is_failure_reported: false };
        log.append("a\n").unwrap();
        std::fs::rename(&path, folder.path().join("x.log.1")).unwrap();
        log.append("b\n").unwrap();
        assert_eq!((&*read("x.log.1"), &*read("x.log")), ("a\n", "b\n"));
        std::fs::remove_file(&path).unwrap();
        log.append("c\n").unwrap();
        assert_eq!(read("x.log"), "c\n");
        // As logrotate does with copytruncate.
        File::create(&path).unwrap();
        log.append("d\n").unwrap();
        assert_eq!(read("x.log"), "d\n");
    }

    #[test]
    fn a_line_that_was_cut_is_ended_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let (mut file, id) = open(&path).unwrap();
        file.write_all(b"cut").unwrap();
        let mut log = LogFile { path: path.clone(), file, id, is_cut: true, is_failure_reported: false };
        log.append("next\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "cut\nnext\n");
    }

    #[test]
    fn a_failure_to_write_is_reported_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let (_, id) = open(&path).unwrap();
        // A file that is open for reading cannot be written.
        let file = File::open(&path).unwrap();
        let mut log = LogFile { path: path.clone(), file, id, is_cut: false, is_failure_reported: false };
        let said = log.append_or_report("a\n").unwrap();
        let expected = format!("the log cannot be written to {} (", path.shown());
        assert!(said.starts_with(&expected), "{said}");
        assert_eq!(log.append_or_report("b\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_without_a_reader_and_a_device_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(open(&pipe).is_err());
        assert!(open(Path::new("/dev/null")).is_err());
    }
}
