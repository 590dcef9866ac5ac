//! The index of the log (`<ledger>-shm`) on a copy-on-write file system.
//!
//! SQLite maps this file into memory. On btrfs a write to a mapped page that was written back needs a new block, and on a full
//! disk there is none: the kernel then ends the process by SIGBUS (exit 135), where a write would fail with an error. Pages of a
//! file with the attribute NOCOW are overwritten in place. It can be set on an empty file alone, so the file is created
//! before SQLite does it.

#[cfg(target_os = "linux")]
use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::Read as _;
use std::path::Path;

#[cfg(target_os = "linux")]
use super::schema::APPLICATION_ID;
#[cfg(target_os = "linux")]
use crate::file_system::FileSystem;
#[cfg(target_os = "linux")]
use crate::paths::{folder_of, with_suffix};
#[cfg(target_os = "linux")]
use crate::permissions::private;

/// Creates the index of a ledger's log for writes in place, where the file system copies on write and there is no index
/// yet. An existing one is not opened: closing it would drop the locks of SQLite. A failure is ignored: SQLite then creates the
/// index.
#[cfg(target_os = "linux")]
pub(super) fn create_index_in_place(ledger: &Path) {
    let index = with_suffix(ledger, "-shm");
    let may_be_btrfs = || {
        let found = FileSystem::of(folder_of(ledger));
        // The files of an overlay may be on btrfs.
        found.is_some_and(|found| matches!(found.type_name(), "btrfs" | "overlay"))
    };
    if index.symlink_metadata().is_err() && has_ledger_header(ledger) && may_be_btrfs() {
        let _ = create_in_place(&index);
    }
}

/// Only Linux has btrfs.
#[cfg(not(target_os = "linux"))]
pub(super) fn create_index_in_place(_: &Path) {}

#[cfg(target_os = "linux")]
fn create_in_place(index: &Path) -> std::io::Result<()> {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let file = private().read(true).write(true).create_new(true).open(index)?;
    let flags = ioctl_getflags(&file)?;
    Ok(ioctl_setflags(&file, flags | IFlags::NOCOW)?)
}

#[cfg(target_os = "linux")]
/// Whether the file has a ledger's application id (sqlite.org/fileformat2.html, offset 68).
fn has_ledger_header(file: &Path) -> bool {
    let mut header = [0; 72];
    let is_read =
        file.is_file() && File::open(file).and_then(|mut file| file.read_exact(&mut header)).is_ok();
    is_read && header[68..] == APPLICATION_ID.to_be_bytes()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_created_beside_a_file_that_is_no_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.db");
        std::fs::write(&file, "notes".repeat(100)).unwrap();
        assert!(!has_ledger_header(&file));
        assert!(!has_ledger_header(&folder.path().join("missing.db")));
        create_index_in_place(&file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_index_is_created_for_its_owner_alone_and_an_existing_one_is_left() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("x.db-shm");
        // Whether the attribute can be set depends on the file system.
        let _ = create_in_place(&index);
        assert_eq!(index.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&index, "pages").unwrap();
        assert!(create_in_place(&index).is_err());
        assert_eq!(std::fs::read_to_string(&index).unwrap(), "pages");
    }
}
