//! The place of a ledger: its path and the files beside it, judged before anything is made, opened or locked there.
//!
//! SQLite and the lock give the files beside a ledger names that follow from its own, and write to what they find there. A file
//! of one of these names that is no file of a ledger is left unchanged, and the ledger is refused. The ledger's own file is
//! never opened here: closing it would drop the locks that SQLite has on it in this process.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use super::error::LedgerError;
use super::file::{connect_immutable, expect_content, expect_no_remains, expect_one_name};
use super::lock_record::FIRST_LINE;
use super::mount_point::is_mount_point;
use super::schema::{APPLICATION_ID, application_id};
use crate::file_kind::{is_link_loop, special_kind, without_following};
use crate::paths::{folder_of, resolved, with_suffix};
use crate::printable::ShownPath as _;
use crate::shell_word::shell_path;

/// A file beside a ledger.
struct Companion {
    suffix: &'static str,
    name: &'static str,
    /// Whether a file that begins so may be one. `None`: it is not opened.
    is_start: Option<fn(&[u8]) -> bool>,
}

const LOCK: Companion = Companion { suffix: ".lock", name: "lock file", is_start: Some(is_start_of_lock) };
const LOG: Companion = Companion { suffix: "-wal", name: "write-ahead log", is_start: Some(is_start_of_log) };
/// Closing it would drop the locks that SQLite has on it in this process, so that its content is not looked at.
const INDEX: Companion = Companion { suffix: "-shm", name: "index of the log", is_start: None };
/// Without a ledger this process has no connection to it.
const INDEX_ALONE: Companion = Companion { is_start: Some(is_start_of_index), ..INDEX };
const JOURNAL: Companion =
    Companion { suffix: "-journal", name: "rollback journal", is_start: Some(is_start_of_journal) };
/// `atomic_file::part_of`, while the ledger is created.
const PART: Companion = Companion { suffix: ".connect-import-part", name: "first form", is_start: None };
const PART_JOURNAL: Companion =
    Companion { suffix: ".connect-import-part-journal", name: "journal of its creation", is_start: None };

/// Files beside a ledger that exists.
const OF_EXISTING: [Companion; 4] = [LOCK, LOG, INDEX, JOURNAL];
/// Files beside a ledger that is created.
const OF_CREATION: [Companion; 3] = [PART, PART_JOURNAL, INDEX_ALONE];

/// Suffixes of the files that SQLite and the lock keep beside a ledger.
pub fn companion_suffixes() -> [&'static str; 4] {
    OF_EXISTING.map(|companion| companion.suffix)
}

/// Longest path of a file that SQLite opens, bytes: `MAX_PATHNAME` of its os_unix.c.
const SQLITE_PATH: usize = 512;

/// Bytes of a file that are read to recognise it. A lock file is shorter.
const HEAD: u64 = 4096;

/// Lock file of the ledger `file`.
pub(super) fn lock_path(file: &Path) -> PathBuf {
    with_suffix(file, LOCK.suffix)
}

/// Checks that a run may use the ledger at `path`, or create one there. Makes, changes and locks nothing, and waits for nothing.
///
/// # Errors
/// - [`LedgerError::Misplaced`]: no ledger can be there.
/// - [`LedgerError::NotALedger`], [`LedgerError::HardLinked`], [`LedgerError::Damaged`]: the file there is not used.
/// - [`LedgerError::Io`], [`LedgerError::Sqlite`]: the place cannot be examined.
pub fn expect_usable_place(path: &Path) -> Result<(), LedgerError> {
    expect_name(path)?;
    let file = resolved(path);
    let exists = expect_ledger_file(path, &file)?;
    if exists {
        expect_ledger_content(path, &file)?;
    } else {
        expect_folder(path, &file)?;
        expect_companions(path, &file, &OF_CREATION)?;
    }
    expect_companions(path, &file, &OF_EXISTING)?;
    match expect_no_remains(path) {
        // A run may have created the ledger just now.
        Err(remains) if !exists && !path.exists() => Err(remains),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Checks that a ledger at `path` may be read. A missing one is no error.
///
/// # Errors
/// As [`expect_usable_place`], without `NotALedger`.
pub fn expect_readable_place(path: &Path) -> Result<(), LedgerError> {
    expect_name(path)?;
    let file = resolved(path);
    if !expect_ledger_file(path, &file)? {
        return Ok(());
    }
    expect_content(path)?;
    expect_one_name(path)?;
    expect_path_short_enough(path, &file, &OF_EXISTING)?;
    // A ledger at rest is read without an index if SQLite does not open what is in its place.
    let is_index_link = with_suffix(&file, INDEX.suffix).is_symlink();
    let needed =
        OF_EXISTING.into_iter().filter(|companion| !(is_index_link && companion.suffix == INDEX.suffix));
    needed.into_iter().try_for_each(|companion| expect_companion(path, &file, &companion))
}

/// Checks an open lock file of the ledger `file` before it is locked or written to.
///
/// # Errors
/// [`LedgerError::Misplaced`]: it is no lock file. [`LedgerError::Io`]: it cannot be read.
pub(super) fn expect_lock_file(ledger: &Path, lock: &mut File) -> Result<(), LedgerError> {
    let path = lock_path(ledger);
    match is_lock_file(lock) {
        Ok(true) => Ok(()),
        Ok(false) => Err(foreign(ledger, &path, &LOCK)),
        Err(source) => Err(LedgerError::io(&path, source)),
    }
}

/// The error of a lock file that cannot be opened.
pub(super) fn lock_error(ledger: &Path, source: io::Error) -> LedgerError {
    let path = lock_path(ledger);
    if let Err(refused) = expect_companion(ledger, ledger, &LOCK) {
        return refused;
    }
    if source.kind() == io::ErrorKind::PermissionDenied && path.symlink_metadata().is_ok() {
        let problem = format!(
            "this user may not read and write {}, its lock file; correct the file's owner and permissions, or run as the user \
             that owns it",
            path.shown()
        );
        return refused(ledger, problem);
    }
    LedgerError::io(&path, source)
}

/// Opens the lock file of the ledger `file` for reading. Does not follow a link, and waits for no pipe.
///
/// # Errors
/// It is missing, cannot be read, or is no lock file.
pub(super) fn open_lock_file(file: &Path) -> io::Result<File> {
    let mut lock = without_following(OpenOptions::new().read(true)).open(lock_path(file))?;
    if is_lock_file(&mut lock)? { Ok(lock) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn refused(path: &Path, problem: impl Into<String>) -> LedgerError {
    LedgerError::Misplaced { path: path.to_owned(), problem: problem.into() }
}

const NAME_ANOTHER: &str = "name a file with --ledger";

const DIRECTORY_NAME: &str = "its name ends in a slash, as a directory's does";

fn is_slash(byte: u8) -> bool {
    std::path::is_separator(char::from(byte))
}

/// Refuses a name that can be no file's.
fn expect_name(path: &Path) -> Result<(), LedgerError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let problem = match bytes {
        [] => "its name is empty",
        b"-" => "a ledger is a file, and neither standard input nor standard output",
        [.., last] if is_slash(*last) && !path.is_dir() => DIRECTORY_NAME,
        [.., last, b'.'] if is_slash(*last) && !path.is_dir() => DIRECTORY_NAME,
        _ => return Ok(()),
    };
    Err(refused(path, format!("{problem}; {NAME_ANOTHER}")))
}

/// Whether there is a file, which may be a ledger by its type.
fn expect_ledger_file(path: &Path, file: &Path) -> Result<bool, LedgerError> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(unreachable_path(path, file, source)),
    };
    let kind = special_kind(metadata.file_type());
    if is_mount_point(file) {
        let problem = match kind {
            Some("a directory") => {
                "it is a directory that something is mounted on; mount the directory that is to hold the ledger, and name a \
                 file in it with --ledger"
                    .to_owned()
            }
            _ => mounted("it"),
        };
        return Err(refused(path, problem));
    }
    match kind {
        Some(kind) => Err(refused(path, format!("it is {kind}; {NAME_ANOTHER}"))),
        None => Ok(true),
    }
}

/// The problem of a file that is a mount point of its own.
fn mounted(what: &str) -> String {
    format!(
        "{what} is mounted by itself (a bind mount of a file), so that its lock and its log would lie beside another name than \
         outside of the mount, and two runs could write at once; mount the directory that holds the ledger instead"
    )
}

/// The error of a path that leads nowhere: each of these can be corrected only by another path.
fn unreachable_path(path: &Path, file: &Path, source: io::Error) -> LedgerError {
    if is_link_loop(&source) {
        return refused(path, format!("its symbolic links lead in a circle; {NAME_ANOTHER}"));
    }
    match source.kind() {
        io::ErrorKind::NotADirectory => match expect_folder(path, file) {
            Err(problem) => problem,
            Ok(()) => LedgerError::io(path, source),
        },
        io::ErrorKind::InvalidFilename => too_long(path),
        _ => LedgerError::io(path, source),
    }
}

fn too_long(path: &Path) -> LedgerError {
    let problem = "its name is too long for the file system, or would be with the endings of the files beside it \
                   (up to 28 bytes); name a shorter one with --ledger";
    refused(path, problem)
}

/// Refuses a ledger that would be created in a folder that is missing, or is none.
fn expect_folder(path: &Path, file: &Path) -> Result<(), LedgerError> {
    let folder = folder_of(file);
    if folder.is_dir() {
        return Ok(());
    }
    let shown = folder.shown();
    let not_a_folder = folder.ancestors().find(|above| above.exists()).filter(|above| !above.is_dir());
    let problem = match not_a_folder {
        Some(above) => format!("{} is no directory; {NAME_ANOTHER}", above.shown()),
        None => match folder.metadata() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LedgerError::io(path, error));
            }
            _ => format!(
                "the directory {shown} does not exist; create it with mkdir -p {}",
                shell_path(folder)
            ),
        },
    };
    Err(refused(path, problem))
}

/// Refuses a path with which SQLite does not open the ledger or a file beside it.
fn expect_path_short_enough(path: &Path, file: &Path, companions: &[Companion]) -> Result<(), LedgerError> {
    let bytes = |companion: &Companion| file.as_os_str().len() + companion.suffix.len();
    let longest = companions.iter().map(bytes).max().unwrap_or_default();
    if cfg!(unix) && longest > SQLITE_PATH {
        let allowed = SQLITE_PATH + file.as_os_str().len() - longest;
        let length = file.as_os_str().len();
        let problem = format!(
            "its path has {length} bytes, and SQLite opens a ledger there of up to {allowed}; name a shorter one with --ledger"
        );
        return Err(refused(path, problem));
    }
    Ok(())
}

/// Refuses a file that is no ledger by its first page, or has a second name.
fn expect_ledger_content(path: &Path, file: &Path) -> Result<(), LedgerError> {
    expect_content(path)?;
    expect_one_name(path)?;
    // SQLite looks at the file alone, and makes nothing beside it. Its other verdicts may be different with the log.
    let id = connect_immutable(file, path).and_then(|connection| {
        application_id(&connection).map_err(|source| LedgerError::sqlite(path, source))
    });
    match id {
        Ok(id) if id != APPLICATION_ID => Err(LedgerError::NotALedger(path.to_owned())),
        Err(error @ LedgerError::NotALedger(_)) => Err(error),
        Err(LedgerError::Sqlite { source, .. })
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) =>
        {
            let source = File::open(file).map(drop).err().unwrap_or_else(|| io::Error::other(source));
            Err(LedgerError::io(path, source))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn expect_companions(path: &Path, file: &Path, companions: &[Companion]) -> Result<(), LedgerError> {
    expect_path_short_enough(path, file, companions)?;
    companions.iter().try_for_each(|companion| expect_companion(path, file, companion))
}

/// Refuses what is no file of a ledger in the place of one.
fn expect_companion(path: &Path, file: &Path, companion: &Companion) -> Result<(), LedgerError> {
    let beside = with_suffix(file, companion.suffix);
    let metadata = match beside.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Err(too_long(path)),
        Err(source) => return Err(LedgerError::io(&beside, source)),
    };
    let (shown, name) = (beside.shown(), companion.name);
    let kind = match metadata.is_symlink() {
        true => Some("a symbolic link"),
        false => special_kind(metadata.file_type()),
    };
    if let Some(kind) = kind {
        let problem = format!(
            "{shown} is {kind}, and the ledger's {name} belongs there; move it away, or name another ledger with --ledger"
        );
        return Err(refused(path, problem));
    }
    if is_mount_point(&beside) {
        return Err(refused(path, mounted(&format!("{shown}, the ledger's {name},"))));
    }
    let Some(is_start) = companion.is_start else { return Ok(()) };
    let head =
        without_following(OpenOptions::new().read(true)).open(&beside).and_then(|mut file| head(&mut file));
    match head {
        Ok(head) if !is_start(&head) => Err(foreign(path, &beside, companion)),
        // Opening it for its use tells why it cannot be read.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn foreign(path: &Path, beside: &Path, companion: &Companion) -> LedgerError {
    let (shown, name) = (beside.shown(), companion.name);
    let problem = format!(
        "its {name} would be {shown}, which is another program's file and is left unchanged; name another ledger with --ledger, \
         or move that file away"
    );
    refused(path, problem)
}

/// The first bytes of an ordinary file.
fn head(file: &mut File) -> io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut head = Vec::new();
    file.rewind()?;
    file.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

fn is_lock_file(lock: &mut File) -> io::Result<bool> {
    Ok(lock.metadata()?.is_file() && is_start_of_lock(&head(lock)?))
}

/// Also of a lock file whose writer was interrupted, or whose content a power failure replaced by zeros.
fn is_start_of_lock(head: &[u8]) -> bool {
    let line = FIRST_LINE.as_bytes();
    let is_zero = head.len() < HEAD as usize && head.iter().all(|byte| *byte == 0);
    is_zero || line.starts_with(head) || head.strip_prefix(line).is_some_and(|rest| rest.starts_with(b"\n"))
}

/// Also a header that a power failure left out. Magic numbers: sqlite.org/fileformat2.html, 4.1.
fn is_start_of_log(head: &[u8]) -> bool {
    is_zero_or_one_of(head, &[b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"])
}

/// Also a header that was not completed. Magic number: sqlite.org/fileformat2.html, 3.
fn is_start_of_journal(head: &[u8]) -> bool {
    is_zero_or_one_of(head, &[b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"])
}

/// Version of the format, in the byte order of the machine: sqlite.org/walformat.html, 2.1.
fn is_start_of_index(head: &[u8]) -> bool {
    is_zero_or_one_of(head, &[&3_007_000_u32.to_ne_bytes()])
}

fn is_zero_or_one_of(head: &[u8], magic_numbers: &[&[u8]]) -> bool {
    magic_numbers.iter().any(|magic| {
        let start = &head[..head.len().min(magic.len())];
        magic.starts_with(start) || start.iter().all(|byte| *byte == 0)
    })
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    /// The problem with the place of `ledger`.
    fn problem(ledger: &Path) -> String {
        match expect_usable_place(ledger) {
            Err(LedgerError::Misplaced { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_start_of_an_own_file_is_taken_for_one() {
        let record = format!("{FIRST_LINE}\nprocess 7\n");
        for own in ["", "\0", "\0\0\0\0", "lock", FIRST_LINE, &record] {
            assert!(is_start_of_lock(own.as_bytes()), "{own:?}");
        }
        for foreign in
            ["\n", "GEM", "lockfile", "\0a", "process 7\n", "lock file of a connect-import ledgers\n"]
        {
            assert!(!is_start_of_lock(foreign.as_bytes()), "{foreign:?}");
        }
        assert!(!is_start_of_lock(&[0; HEAD as usize]));
        let log = b"\x37\x7f\x06\x82\x00\x2d\xe2\x18";
        let journal = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\0\0";
        let zeros = b"\0\0\0\0\0\0\0\0\x01";
        assert!([&b""[..], zeros, &log[..2], log].iter().all(|own| is_start_of_log(own)));
        assert!([&b""[..], zeros, &journal[..2], journal].iter().all(|own| is_start_of_journal(own)));
        assert!(is_start_of_index(b"") && is_start_of_index(&3_007_000_u32.to_ne_bytes()));
        for foreign in [&b"precious"[..], b"\0\0a"] {
            let is_own =
                is_start_of_log(foreign) || is_start_of_journal(foreign) || is_start_of_index(foreign);
            assert!(!is_own, "{foreign:?}");
        }
        assert!(!is_start_of_log(journal) && !is_start_of_journal(log));
    }

    #[test]
    fn sqlite_opens_a_ledger_whose_path_is_just_short_enough() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let longest = SQLITE_PATH - PART_JOURNAL.suffix.len();
        let deep = (0..4).fold(folder.clone(), |path, _| path.join("d".repeat(100)));
        std::fs::create_dir_all(&deep).unwrap();
        let of_length = |length: usize| deep.join("x".repeat(length - deep.as_os_str().len() - 1));
        assert!(problem(&of_length(longest + 1)).contains(&format!("of up to {longest}")));
        let ledger = of_length(longest);
        assert!(expect_usable_place(&ledger).is_ok());
        super::super::file::create_if_missing(&ledger, &Default::default()).unwrap();
        super::super::file::open(&ledger).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_lock_file_that_another_user_owns_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.db");
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        // Without a file it is the folder that may not be written to.
        assert!(matches!(lock_error(&ledger, denied()), LedgerError::Io { .. }));
        std::fs::write(lock_path(&ledger), "").unwrap();
        let error = lock_error(&ledger, denied()).to_string();
        assert!(
            error.contains("x.db.lock, its lock file; correct the file's owner and permissions"),
            "{error}"
        );
    }
}
