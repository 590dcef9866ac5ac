//! A trial of what a run does in a folder, for `doctor`: files of its own, beside any ledger, that are removed afterwards.
//!
//! The names are fixed, so that the remains of a trial that was killed are removed by the next one. The trial does in order
//! what opening a new ledger, committing to it and reading it meanwhile do.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, ffi};

use super::log_index::create_index_in_place;
use super::other_ledger::SQLITE_START;
use super::schema::APPLICATION_ID;
use crate::atomic_file::{part_of, remove_if_exists};
use crate::file_kind::without_following;
use crate::paths::{is_at, with_suffix};
use crate::permissions::private;
use crate::printable::ShownPath as _;

/// Name of the trial's SQLite file. The others have suffixes.
const NAME: &str = "connect-import.doctor";

/// How long a trial waits for another one in the same folder.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What a trial found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrialResult {
    /// Everything works. `mode` is that of a file that was created with 0600, if it has another.
    Works {
        /// The permissions that the file system gave, if others may read the file.
        mode: Option<u32>,
    },
    /// Another `doctor` tries the same folder.
    Busy,
}

/// A step of a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrialStep {
    /// A new file.
    Create,
    /// The lock of a run.
    Lock,
    /// A second lock, which must be refused.
    SecondLock,
    /// A new SQLite file with a table.
    Write,
    /// Its rename over another file.
    Rename,
    /// fsync of the file and of the folder.
    Sync,
    /// A commit to SQLite's write-ahead log.
    Log,
    /// A second connection that reads the commit through the mapped index of the log.
    SharedMemory,
    /// The removal of every file.
    Remove,
}

impl TrialStep {
    /// What failed, as a sentence.
    fn words(self) -> &'static str {
        match self {
            TrialStep::Create => "a file cannot be created",
            TrialStep::Lock => "a file cannot be locked",
            TrialStep::SecondLock => "a lock is given twice, so that a second run would not notice the first",
            TrialStep::Write => "a SQLite file cannot be written",
            TrialStep::Rename => "a file cannot be renamed over another",
            TrialStep::Sync => "fsync fails, so that a commit may not be on the disk",
            TrialStep::Log => "SQLite cannot commit to a write-ahead log",
            TrialStep::SharedMemory => "a second connection cannot read through SQLite's shared memory",
            TrialStep::Remove => "a file cannot be removed",
        }
    }
}

/// A step that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrialError {
    /// The step.
    pub step: TrialStep,
    /// Error of the system or of SQLite.
    pub problem: String,
}

impl fmt::Display for TrialError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.step.words(), self.problem)
    }
}

impl std::error::Error for TrialError {}

/// Makes the error of a step from that of the system or of SQLite.
fn failed<E: fmt::Display>(step: TrialStep) -> impl Fn(E) -> TrialError {
    move |problem| TrialError { step, problem: problem.to_string() }
}

/// As [`failed`], with SQLite's own words for the operation that failed, such as that of its shared memory.
fn failed_in_sqlite(step: TrialStep) -> impl Fn(rusqlite::Error) -> TrialError {
    move |error| {
        let shown = error.to_string();
        let operation = match &error {
            rusqlite::Error::SqliteFailure(code, _) => ffi::code_to_str(code.extended_code),
            _ => "",
        };
        let operation = if operation == shown { String::new() } else { format!(" ({operation})") };
        TrialError { step, problem: format!("{shown}{operation}") }
    }
}

/// Tries in `folder` what a run does with its ledger. Ledgers are not touched. Takes a few fsyncs, and up to five seconds while
/// another trial is at work.
///
/// # Errors
/// The first step that fails. Nothing is left behind, unless that step is [`TrialStep::Remove`].
pub fn try_folder(folder: &Path) -> Result<TrialResult, TrialError> {
    let file = folder.join(NAME);
    let Some(lock) = take_lock(&with_suffix(&file, ".lock"))? else { return Ok(TrialResult::Busy) };
    let files = TrialFiles { file, _lock: lock };
    files.expect_ours()?;
    let tried = files.remove_data().map_err(failed(TrialStep::Remove)).and_then(|()| files.try_all());
    let removed = files.remove();
    let mode = tried?;
    removed.map_err(failed(TrialStep::Remove))?;
    Ok(TrialResult::Works { mode })
}

/// Takes the lock of the trials of a folder, and expects that a second handle does not get it; `None` if another trial holds it.
fn take_lock(path: &Path) -> Result<Option<File>, TrialError> {
    let create = failed(TrialStep::Create);
    let until = Instant::now() + LONGEST_WAIT;
    let mut options = private();
    options.read(true).write(true).create(true).truncate(false);
    loop {
        expect_remains(path, |metadata| metadata.len() == 0)?;
        let lock = without_following(&mut options).open(path).map_err(&create)?;
        match lock.try_lock() {
            // Another trial may have removed the file before this one got the lock.
            Ok(()) if is_at(&lock, path).map_err(&create)? => {
                let second =
                    without_following(&mut options).open(path).and_then(|second| match second.try_lock() {
                        Ok(()) => Ok(true),
                        Err(TryLockError::WouldBlock) => Ok(false),
                        Err(TryLockError::Error(error)) => Err(error),
                    });
                let problem = match second {
                    Ok(false) => return Ok(Some(lock)),
                    Ok(true) => failed(TrialStep::SecondLock)("flock succeeded for two handles"),
                    Err(error) => failed(TrialStep::Lock)(error),
                };
                let _ = remove_if_exists(path);
                return Err(problem);
            }
            Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(()) | Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                let _ = remove_if_exists(path);
                return Err(failed(TrialStep::Lock)(error));
            }
        }
    }
}

/// Expects that there is no file, or one that a trial may have left.
fn expect_remains(path: &Path, is_ours: impl FnOnce(&std::fs::Metadata) -> bool) -> Result<(), TrialError> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() && is_ours(&metadata) => Ok(()),
        Ok(_) => {
            let problem = format!("{} is there and is not of connect-import; move it away", path.shown());
            Err(TrialError { step: TrialStep::Create, problem })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(TrialStep::Create)(error)),
    }
}

/// The files of a trial that holds its lock.
struct TrialFiles {
    file: PathBuf,
    _lock: File,
}

impl TrialFiles {
    /// Every file except for the lock: those of SQLite, and the file before its rename with its journal.
    fn data(&self) -> [PathBuf; 6] {
        let part = part_of(&self.file);
        let journal = with_suffix(&part, "-journal");
        let [log, index, own_journal] =
            ["-wal", "-shm", "-journal"].map(|suffix| with_suffix(&self.file, suffix));
        [journal, part, own_journal, log, index, self.file.clone()]
    }

    /// Expects that the remains of an earlier trial are such: an empty or half-written file, or one of SQLite.
    fn expect_ours(&self) -> Result<(), TrialError> {
        let begins_as_sqlite = |path: &Path| {
            let mut start = [0; SQLITE_START.len()];
            File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
                && start == *SQLITE_START
        };
        let ours = expect_remains(&self.file, |metadata| metadata.len() == 0 || begins_as_sqlite(&self.file));
        if ours.is_err() {
            let _ = remove_if_exists(&with_suffix(&self.file, ".lock"));
        }
        ours
    }

    /// Does every step, and returns the mode of a file that should be private and is not.
    fn try_all(&self) -> Result<Option<u32>, TrialError> {
        let part = part_of(&self.file);
        let mode = create(&part).and_then(|()| shared_mode(&part)).map_err(failed(TrialStep::Create))?;
        write(&part).map_err(failed_in_sqlite(TrialStep::Write))?;
        create(&self.file).map_err(failed(TrialStep::Create))?;
        std::fs::rename(&part, &self.file).map_err(failed(TrialStep::Rename))?;
        if rows(&self.file).map_err(failed_in_sqlite(TrialStep::Rename))? != 1 {
            return Err(failed(TrialStep::Rename)("the file has its old content"));
        }
        sync(&self.file).map_err(failed(TrialStep::Sync))?;
        let writer = log_commit(&self.file)?;
        match rows(&self.file).map_err(failed_in_sqlite(TrialStep::SharedMemory))? {
            2 => {}
            found => {
                let problem = format!("it sees {found} of 2 rows");
                return Err(TrialError { step: TrialStep::SharedMemory, problem });
            }
        }
        writer.close().map_err(|(_, error)| failed_in_sqlite(TrialStep::Log)(error))?;
        Ok(mode)
    }

    fn remove_data(&self) -> io::Result<()> {
        self.data().iter().map(|path| remove_if_exists(path)).fold(Ok(()), Result::and)
    }

    /// Removes every file, also after one cannot be removed. The lock is the last, since another trial waits for it.
    fn remove(&self) -> io::Result<()> {
        let data = self.remove_data();
        data.and(remove_if_exists(&with_suffix(&self.file, ".lock")))
    }
}

/// Creates a private file, which must not exist.
fn create(path: &Path) -> io::Result<()> {
    private().write(true).create_new(true).open(path).map(drop)
}

/// Permissions of a file that others may use; `None` if only its owner may.
fn shared_mode(path: &Path) -> io::Result<Option<u32>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata()?.permissions().mode() & 0o777;
        Ok((mode & 0o077 != 0).then_some(mode))
    }
    #[cfg(not(unix))]
    {
        path.metadata().map(|_| None)
    }
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Makes an empty file a SQLite file with a row, as a new ledger is made.
fn write(path: &Path) -> rusqlite::Result<()> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // As a ledger has it, so that its index is created as that of a ledger.
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection
        .execute_batch("BEGIN; CREATE TABLE trial (number INTEGER); INSERT INTO trial VALUES (1); COMMIT")?;
    connection.close().map_err(|(_, error)| error)
}

/// Rows that a connection of its own reads.
fn rows(path: &Path) -> rusqlite::Result<u32> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.query_row("SELECT count(*) FROM trial", [], |row| row.get(0))
}

fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open(path)?.sync_all()?;
    super::file::sync_folder(path)
}

/// Commits a second row to a write-ahead log, and returns the open connection, as a run has one.
fn log_commit(path: &Path) -> Result<Connection, TrialError> {
    let log = failed_in_sqlite(TrialStep::Log);
    create_index_in_place(path);
    let open = || {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok((connection, mode))
    };
    let (connection, mode) = open().map_err(|error: rusqlite::Error| log(error))?;
    if mode != "wal" {
        return Err(failed(TrialStep::Log)(format!("journal_mode stays {mode}")));
    }
    let insert = "BEGIN IMMEDIATE; INSERT INTO trial VALUES (2); COMMIT";
    connection.execute_batch(insert).map_err(log)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let names = std::fs::read_dir(folder.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_local_folder_works_and_stays_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(try_folder(folder.path()), Ok(TrialResult::Works { mode: None }));
        assert_eq!(names(&folder), [""; 0]);
    }

    #[test]
    fn remains_of_a_trial_that_was_killed_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let files = TrialFiles { file: file.clone(), _lock: tempfile::tempfile().unwrap() };
        files.try_all().unwrap();
        // A trial that died with a connection open, and one that died before its rename.
        for remains in files.data().iter().skip(1) {
            if !remains.exists() {
                std::fs::write(remains, "half").unwrap();
            }
        }
        std::fs::write(with_suffix(&file, ".lock"), "").unwrap();
        assert!(names(&folder).len() > 5, "{:?}", names(&folder));
        assert_eq!(try_folder(folder.path()), Ok(TrialResult::Works { mode: None }));
        assert_eq!(names(&folder), [""; 0]);
    }

    #[test]
    fn a_file_of_another_program_in_its_place_is_left_and_named() {
        for name in [NAME.to_owned(), format!("{NAME}.lock")] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(&name), "notes of another program").unwrap();
            let error = try_folder(folder.path()).unwrap_err();
            assert_eq!(error.step, TrialStep::Create);
            assert!(error.problem.contains(&name) && error.problem.contains("move it away"), "{error}");
            assert_eq!(names(&folder), [name]);
        }
    }

    #[test]
    fn a_second_trial_waits_for_the_first_and_leaves_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{NAME}.lock"));
        let held = take_lock(&path).unwrap().unwrap();
        let second = std::thread::spawn({
            let folder = folder.path().to_owned();
            move || try_folder(&folder)
        });
        std::thread::sleep(Duration::from_millis(60));
        assert!(!second.is_finished());
        std::fs::remove_file(&path).unwrap();
        drop(held);
        assert_eq!(second.join().unwrap(), Ok(TrialResult::Works { mode: None }));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_where_nothing_can_be_created_fails_at_that_step() {
        let error = try_folder(Path::new("/proc")).unwrap_err();
        assert_eq!(error.step, TrialStep::Create);
        assert!(error.to_string().starts_with("a file cannot be created: "), "{error}");
    }
}
