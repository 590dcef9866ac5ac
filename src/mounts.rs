//! The mounts of this process, as Linux lists them: proc_pid_mountinfo(5).

use std::path::PathBuf;

/// A mount. Two of them may have one mount point: the later one is on top.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there is no list of mounts"))]
pub(crate) struct Mount {
    /// Its number in the list.
    pub(crate) number: String,
    /// Where it is mounted.
    pub(crate) point: PathBuf,
    /// Type of the file system; FUSE's has a subtype, such as `fuse.sshfs`.
    pub(crate) type_name: String,
    /// What is mounted. It may hold a password.
    pub(crate) source: String,
}

/// All mounts. `None`: the system does not list them.
pub(crate) fn mounts() -> Option<Vec<Mount>> {
    Some(parsed(&std::fs::read("/proc/self/mountinfo").ok()?))
}

/// The mounts of a list.
pub(crate) fn parsed(list: &[u8]) -> Vec<Mount> {
    list.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ');
    let number = words.next()?;
    // Parent, device, root.
    let point = words.nth(3)?;
    let mut words = words.skip_while(|word| *word != b"-").skip(1);
    let (type_name, source) = (words.next()?, words.next().unwrap_or_default());
    let text = |word| String::from_utf8_lossy(&unescaped(word)).into_owned();
    Some(Mount { number: text(number), point: path(point), type_name: text(type_name), source: text(source) })
}

fn path(word: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(unescaped(word)));
    #[cfg(not(unix))]
    return PathBuf::from(String::from_utf8_lossy(&unescaped(word)).into_owned());
}

/// A word of the list without its escapes: space, tab, line feed, `#` and backslash are three octal digits after a backslash.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\').and_then(octal);
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    bytes
}

fn octal(digits: &[u8]) -> Option<u8> {
    let are_digits = digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let text = std::str::from_utf8(digits).ok().filter(|_| are_digits)?;
    u8::from_str_radix(text, 8).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

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
        let is_listed =
            |list: &[u8], path: &str| parsed(list).iter().any(|mount| mount.point == Path::new(path));
        for path in ["/", "/data/t.ledger.db", "/mnt/my data\\a\tb", "/mnt/a\nb#", "/mnt/odd\\04"] {
            assert!(is_listed(LIST, path), "{path:?}");
        }
        for path in
            ["/data", "/data/t.ledger.db-wal", "/home/me/t.ledger.db", "/mnt/my\\040data", "", "rw,relatime"]
        {
            assert!(!is_listed(LIST, path), "{path}");
        }
        assert!(!is_listed(b"", "/") && !is_listed(b"\n1 2 3\n", "/"));
    }

    #[test]
    fn number_type_and_source_are_read() {
        let own = &parsed(LIST)[1];
        assert_eq!((&*own.number, &*own.type_name, &*own.source), ("63", "ext4", "/dev/vda"));
        let bare = &parsed(b"7 1 0:1 / /m rw - fuse.sshfs")[0];
        assert_eq!((&*bare.type_name, &*bare.source), ("fuse.sshfs", ""));
    }
}
