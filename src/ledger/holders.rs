//! The other processes that have a ledger open, for messages.
//!
//! On Linux `/proc/locks` names the process of each lock, and SQLite's locks have fixed places (sqlite.org/walformat.html,
//! "WAL Locks"; `os.h` for the database file). Where it does not tell, `/proc/*/fd` names those that have the file open. No
//! file is opened for this: closing one would release this process's own locks on it.

use std::path::Path;

/// The process that keeps other writers out of the ledger `file`, or all other processes out: its number and name.
pub(super) fn holder_of(file: &Path) -> String {
    described(&processes::holders(file))
}

/// The processes that read the ledger `file` in a transaction.
pub(super) fn readers_of(file: &Path) -> String {
    described(&processes::readers(file))
}

/// Number and name of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
struct OtherProcess {
    id: u32,
    name: String,
}

/// Most processes that a message names.
const MOST_NAMED: usize = 3;

fn described(processes: &[OtherProcess]) -> String {
    let named: Vec<_> = processes.iter().map(|OtherProcess { id, name }| format!("{id} ({name})")).collect();
    match &named[..] {
        [] => "an unknown process".to_owned(),
        [one] => format!("process {one}"),
        all if all.len() > MOST_NAMED => {
            format!("processes {} and {} more", all[..MOST_NAMED].join(", "), all.len() - MOST_NAMED)
        }
        all => format!("processes {}", all.join(", ")),
    }
}

/// No other system tells in files.
#[cfg(not(target_os = "linux"))]
mod processes {
    use super::{OtherProcess, Path};

    pub(super) fn holders(_: &Path) -> Vec<OtherProcess> {
        Vec::new()
    }

    pub(super) fn readers(_: &Path) -> Vec<OtherProcess> {
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
mod processes {
    use std::collections::BTreeSet;
    use std::fs::read_dir;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::PathBuf;

    use super::{OtherProcess, Path};
    use crate::paths::with_suffix;
    use crate::printable::printable;

    /// Places of the locks in the index of the log: writer, checkpointer and recovery; then five of readers.
    const WRITER: u64 = 120;
    const RECOVERY: u64 = 122;
    const FIRST_READER: u64 = 123;
    const LAST_READER: u64 = 127;

    /// A line of `/proc/locks` about a lock that a process holds.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct HeldLock {
        process: u32,
        is_exclusive: bool,
        device: (u32, u32),
        inode: u64,
        first: u64,
        last: u64,
    }

    impl HeldLock {
        /// Parses `1: POSIX  ADVISORY  WRITE 4711 08:01:123456 120 120`. Locks that are waited for have an arrow there, and
        /// locks of no process a negative number.
        fn parse(line: &str) -> Option<Self> {
            let mut words = line.split_whitespace().skip(1);
            words.next().filter(|kind| *kind == "POSIX")?;
            let is_exclusive = words.nth(1)? == "WRITE";
            let process = words.next()?.parse().ok()?;
            let mut file = words.next()?.splitn(3, ':');
            let mut hexadecimal = || u32::from_str_radix(file.next()?, 16).ok();
            let device = (hexadecimal()?, hexadecimal()?);
            let inode = file.next()?.parse().ok()?;
            let first = words.next()?.parse().ok()?;
            let last = words.next()?;
            let last = if last == "EOF" { u64::MAX } else { last.parse().ok()? };
            Some(HeldLock { process, is_exclusive, device, inode, first, last })
        }

        fn covers(&self, first: u64, last: u64) -> bool {
            self.first <= last && first <= self.last
        }
    }

    pub(super) fn holders(file: &Path) -> Vec<OtherProcess> {
        let (ledger, index) = (locks_on(file), locks_on(&index_of(file)));
        let exclusive = |locks: &[HeldLock]| -> Vec<HeldLock> {
            locks.iter().filter(|lock| lock.is_exclusive).copied().collect()
        };
        let writers = exclusive(&index).into_iter().filter(|lock| lock.covers(WRITER, RECOVERY)).collect();
        first_known([writers, exclusive(&ledger), ledger, index], file)
    }

    pub(super) fn readers(file: &Path) -> Vec<OtherProcess> {
        let locks = locks_on(&index_of(file));
        first_known([locks.into_iter().filter(|lock| lock.covers(FIRST_READER, LAST_READER)).collect()], file)
    }

    fn index_of(file: &Path) -> PathBuf {
        with_suffix(file, "-shm")
    }

    /// The processes of the first locks that there are; otherwise those that have the ledger open.
    fn first_known<const N: usize>(locks: [Vec<HeldLock>; N], file: &Path) -> Vec<OtherProcess> {
        let of_locks = locks.into_iter().find(|locks| !locks.is_empty());
        let ids: BTreeSet<u32> = match of_locks {
            Some(locks) => locks.iter().map(|lock| lock.process).collect(),
            None => ids().filter(|id| has_open(*id, file)).collect(),
        };
        ids.into_iter().map(|id| OtherProcess { id, name: name_of(id) }).collect()
    }

    /// Locks of other processes on this file. On btrfs and overlayfs a lock has another device than the file, so that there
    /// the process must have the file open.
    fn locks_on(file: &Path) -> Vec<HeldLock> {
        let Ok(metadata) = file.metadata() else { return Vec::new() };
        let device = (rustix::fs::major(metadata.dev()), rustix::fs::minor(metadata.dev()));
        let text = std::fs::read_to_string("/proc/locks").unwrap_or_default();
        text.lines()
            .filter_map(HeldLock::parse)
            .filter(|lock| lock.process != std::process::id() && lock.inode == metadata.ino())
            .filter(|lock| lock.device == device || has_open(lock.process, file))
            .collect()
    }

    /// Numbers of the other processes.
    fn ids() -> impl Iterator<Item = u32> {
        let entries = read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| *id != std::process::id())
    }

    /// Whether the process has this file open. The links are read and not followed, since a file elsewhere may hang.
    fn has_open(process: u32, file: &Path) -> bool {
        let links = read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        links.filter_map(|link| std::fs::read_link(link.path()).ok()).any(|target| target == file)
    }

    fn name_of(process: u32) -> String {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        let name = printable(name.trim());
        if name.is_empty() { "name unknown".to_owned() } else { name }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_line_of_proc_locks_is_read() {
            let lock = HeldLock::parse("7: POSIX  ADVISORY  WRITE 4711 fd:1a:123456 120 EOF").unwrap();
            let expected = HeldLock {
                process: 4711,
                is_exclusive: true,
                device: (0xfd, 0x1a),
                inode: 123_456,
                first: 120,
                last: u64::MAX,
            };
            assert_eq!(lock, expected);
            for other in [
                "7: -> POSIX  ADVISORY  WRITE 4711 08:01:123456 120 120",
                "7: FLOCK  ADVISORY  WRITE 4711 08:01:123456 0 EOF",
                "7: OFDLCK ADVISORY  READ  -1 08:01:123456 0 EOF",
                "",
            ] {
                assert_eq!(HeldLock::parse(other), None, "{other}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_at_most_three_processes() {
        let process = |id| OtherProcess { id, name: "sqlite3".to_owned() };
        assert_eq!(described(&[]), "an unknown process");
        assert_eq!(described(&[process(7)]), "process 7 (sqlite3)");
        let five: Vec<_> = (1..=5).map(process).collect();
        assert_eq!(described(&five), "processes 1 (sqlite3), 2 (sqlite3), 3 (sqlite3) and 2 more");
    }
}
