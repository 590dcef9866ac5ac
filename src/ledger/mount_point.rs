//! Whether a file is a mount point of its own, as a file that a container engine mounts from outside is.
//!
//! Device and inode do not tell: a bind mount keeps both. Linux tells by the ids of the mounts (statx, since 5.8), and by its
//! list of mounts. Elsewhere a mounted file is one on another device than its folder.

use std::path::Path;

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
#[cfg(target_os = "linux")]
fn by_list(file: &Path) -> Option<bool> {
    use std::os::unix::ffi::OsStrExt as _;
    let list = std::fs::read("/proc/self/mountinfo").ok()?;
    Some(is_listed(&list, file.as_os_str().as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn by_ids(_: &Path) -> Option<bool> {
    None
}

#[cfg(not(target_os = "linux"))]
fn by_list(_: &Path) -> Option<bool> {
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

/// Whether a list of mounts (proc_pid_mountinfo(5)) has the mount point `path`.
#[cfg(target_os = "linux")]
fn is_listed(list: &[u8], path: &[u8]) -> bool {
    /// Fields before the mount point: mount, parent, device, root.
    const BEFORE: usize = 4;
    let mut lines = list.split(|byte| *byte == b'\n');
    lines.any(|line| {
        line.split(|byte| *byte == b' ').nth(BEFORE).is_some_and(|point| unescaped(point) == path)
    })
}

/// A field of the list without its escapes: space, tab, line feed, `#` and backslash are three octal digits after a backslash.
#[cfg(target_os = "linux")]
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\').and_then(octal);
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    bytes
}

#[cfg(target_os = "linux")]
fn octal(digits: &[u8]) -> Option<u8> {
    let are_digits = digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let text = std::str::from_utf8(digits).ok().filter(|_| are_digits)?;
    u8::from_str_radix(text, 8).ok()
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.18 writes it: optional fields, escapes, a file mounted on a file, and a mount whose file was removed.
    const LIST: &[u8] = b"\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
63 43 254:0 /home/me/t.ledger.db /data/t.ledger.db rw,relatime master:1 propagate_from:2 - ext4 /dev/vda rw\n\
64 43 254:0 /d /mnt/my\\040data\\134a\\011b rw - ext4 /dev/vda rw\n\
65 43 0:35 / /mnt/a\\012b\\043 rw - tmpfs tmpfs rw\n\
66 43 254:0 /gone//deleted /mnt/odd\\04 rw - ext4 /dev/vda rw\n";

    #[test]
    fn a_mount_point_is_found_by_its_exact_path() {
        for path in
            ["/", "/data/t.ledger.db", "/mnt/my data\\a\tb", "/mnt/a\nb#", "/mnt/odd\\04"].map(str::as_bytes)
        {
            assert!(is_listed(LIST, path), "{path:?}");
        }
        for path in
            ["/data", "/data/t.ledger.db-wal", "/home/me/t.ledger.db", "/mnt/my\\040data", "", "rw,relatime"]
        {
            assert!(!is_listed(LIST, path.as_bytes()), "{path}");
        }
        assert!(!is_listed(b"", b"/") && !is_listed(b"\n1 2 3\n", b"/"));
    }

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
