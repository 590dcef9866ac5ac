//! Remedies in the messages of the ledger's errors, and the words that they share.

use std::io;
use std::path::Path;

use crate::paths::{folder_of, with_suffix};
use crate::shell_word::shell_path;

/// Commands that export a copy of a ledger.
pub(super) fn copied(ledger: &Path) -> String {
    let name = Path::new(ledger.file_name().unwrap_or_default());
    let apart = folder_of(ledger).join("apart");
    let copy = apart.join(name);
    let log = with_suffix(ledger, "-wal");
    let log = if log.metadata().is_ok_and(|log| log.len() > 0) {
        format!(" {}", shell_path(&log))
    } else {
        String::new()
    };
    let (ledger, apart, copy) = (shell_path(ledger), shell_path(&apart), shell_path(&copy));
    format!("mkdir {apart} && cp {ledger}{log} {apart} && connect-import export --ledger {copy}")
}

/// The command that moves a log away.
pub(super) fn moved_away(log: &Path) -> String {
    format!("mv {} {}", shell_path(log), shell_path(&with_suffix(log, ".other")))
}

/// What to do about an error of the operating system.
pub(super) fn remedy_of(source: &io::Error) -> &'static str {
    use io::ErrorKind::{
        NotFound, OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        match Errno::from_io_error(source) {
            Some(Errno::MFILE | Errno::NFILE) => return "; raise the limit on open files (ulimit -n)",
            Some(Errno::IO) => {
                return "; committed rows are not lost: look at the messages of the system about its disk (dmesg), and \
                        run the same command again";
            }
            Some(_) | None => {}
        }
    }
    match source.kind() {
        NotFound => "",
        PermissionDenied => "; allow reading and writing it and its folder",
        ReadOnlyFilesystem => "; put it on a disk that may be written to",
        StorageFull | QuotaExceeded => "; free space on its disk, or raise the quota there",
        OutOfMemory => "; free memory, and run the same command again",
        _ => "; committed rows are not lost: correct the cause, and run the same command again",
    }
}

/// The alternative to the ledger's own value of this part of its identity.
pub(super) fn instead_of(what: &str) -> &'static str {
    match what {
        "key" | "key_compare" => {
            "; in another ledger, rows whose key becomes another one get a second contact"
        }
        _ => ", or name another ledger with --ledger",
    }
}

/// The hint that a rehearsal's ledger exists beside the missing one, if so.
pub(super) fn of_rehearsal(missing: &Path) -> &'static str {
    let rehearsal = missing.file_name().and_then(|name| {
        let stem = name.to_str()?.strip_suffix(".ledger.db")?;
        Some(missing.with_file_name(format!("{stem}.sandbox.ledger.db")))
    });
    // A hint; the error is that there is no other ledger.
    if rehearsal.is_some_and(|path| path.exists()) {
        "; for that of the rehearsal, add --sandbox"
    } else {
        ""
    }
}

/// Rows of a shard, or all rows, for a message.
pub(super) fn rows_of(shard: &str) -> String {
    if shard.is_empty() { "all rows of its import".to_owned() } else { format!("the rows of shard {shard}") }
}
