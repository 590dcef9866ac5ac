//! Whether a file is a mount point of its own, as a file that a container engine mounts from outside is.
//!
//! Device and inode do not tell: a bind mount keeps both. Linux tells by the ids of the mounts (statx, since 5.8), and by its
//! list of mounts. Elsewhere a mounted file is one on another device than its folder.

use std::path::Path;

use crate::mounts::mounts;
use crate::paths::folder_of;

/// Whether something is mounted on `file`, whose path has no symbolic links. A file that cannot be examined is no mount
/// point.
pub(super) fn is_mount_point(file: &Path) -> bool {
    by_ids(file).or_else(|| by_list(file)).unwrap_or_else(|| by_device(file))
}

/// Compares the mounts of the file and of its folder. `None`: the system does not tell.
#[cfg(target_os = "linux")]
fn by_ids(file: &Path) -> Option<bool> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let mount = |path: &Path| {
        let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).ok()?;
        let is_told = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
        is_told.then_some(found.stx_mnt_id)
    };
    Some(mount(file)? != mount(folder_of(file))?)
}

/// Looks for the file in the list of mounts. `None`: there is no list.
fn by_list(file: &Path) -> Option<bool> {
    Some(mounts()?.iter().any(|mount| mount.point == file))
}

#[cfg(not(target_os = "linux"))]
fn by_ids(_: &Path) -> Option<bool> {
    None
}

/// Compares the devices of the file and of its folder. Only where nothing else tells: overlayfs gives a file and its folder
/// different devices.
#[cfg(unix)]
fn by_device(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| path.symlink_metadata().map(|metadata| metadata.dev()).ok();
    device(file).is_some_and(|own| device(folder_of(file)).is_some_and(|folder| folder != own))
}

#[cfg(not(unix))]
fn by_device(_: &Path) -> bool {
    false
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_tell_the_same_of_this_system() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().canonicalize().unwrap().join("x");
        std::fs::write(&file, "").unwrap();
        assert!(!is_mount_point(&file));
        // Neither is there where /proc is not mounted, or before Linux 5.8.
        for (path, is_mount) in [(file.as_path(), false), (Path::new("/proc"), true)] {
            for told in [by_ids(path), by_list(path)].into_iter().flatten() {
                assert_eq!(told, is_mount, "{path:?}");
            }
        }
        assert!(by_device(Path::new("/proc")) && !by_device(&file));
        assert!(!is_mount_point(&folder.path().join("missing")));
    }
}
