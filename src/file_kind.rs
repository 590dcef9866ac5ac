//! Kinds of files, and files that are opened without waiting.
//!
//! Opening a pipe waits for its other end, and a device may have no end. What reads or replaces a file therefore opens it with
//! [`open_ordinary`], also if its kind was judged before, since it may be another file meanwhile. CSVs and job files may be
//! pipes: they are waited for, and a signal ends that. Settings are read with [`read_settings`].

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Maximum size of a file of settings, bytes.
pub(crate) const MAX_SETTINGS: u64 = 16 << 20;

/// Paths of open files of this process. Replacing one writes nothing to the pipe or terminal behind it.
const OPEN_FILES: [&str; 5] = ["/proc", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"];

/// Whether the path is one of an open file of this process, such as a shell's `<(command)`.
pub(crate) fn is_open_file(path: &Path) -> bool {
    OPEN_FILES.iter().any(|open| path.starts_with(open))
}

/// The kind of a file that is not an ordinary one, with its article.
pub(crate) fn special_kind(file_type: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if file_type.is_fifo() {
            return Some("a pipe");
        }
        if file_type.is_socket() {
            return Some("a socket");
        }
    }
    match file_type {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a directory"),
        _ => Some("a device"),
    }
}

/// Whether the error is that symbolic links lead to each other.
pub(crate) fn is_link_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    #[cfg(not(unix))]
    return false;
}

/// The kind of a file that cannot be read as one of settings: a named pipe, a socket, or a device other than `/dev/null`,
/// which stands for an empty file. Links are followed; a missing file has no kind.
pub(crate) fn endless_kind(path: &Path) -> Option<&'static str> {
    if is_open_file(path) || path == Path::new("/dev/null") {
        return None;
    }
    let kind = special_kind(path.metadata().ok()?.file_type());
    kind.filter(|kind| *kind != "a directory")
}

/// Whether the path leads to a pipe, whose contents can be read once.
pub(crate) fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| special_kind(metadata.file_type()) == Some("a pipe"))
}

/// Lets a pipe without its other end fail to open, instead of waiting for it, and no terminal become that of this process.
pub(crate) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    custom_flags(options, rustix::fs::OFlags::empty());
    options
}

/// As [`without_waiting`]; a symbolic link in the file's place is an error.
pub(crate) fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    custom_flags(options, rustix::fs::OFlags::NOFOLLOW);
    options
}

#[cfg(unix)]
fn custom_flags(options: &mut OpenOptions, more: rustix::fs::OFlags) {
    use rustix::fs::OFlags;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | more).bits().cast_signed();
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
}

/// Opens an ordinary file for reading. Never waits for the other end of a pipe.
///
/// # Errors
/// It is no ordinary file, or cannot be opened.
pub(crate) fn open_ordinary(path: &Path) -> io::Result<File> {
    let file = without_waiting(OpenOptions::new().read(true)).open(path)?;
    match special_kind(file.metadata()?.file_type()) {
        Some(kind) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}"))),
        None => Ok(file),
    }
}

/// Reads a file of settings. An open file of this process may be a pipe, as that of a shell's `<(command)`.
///
/// # Errors
/// It is of an [`endless_kind`] or larger than [`MAX_SETTINGS`], or cannot be read.
pub(crate) fn read_settings(path: &Path) -> io::Result<Vec<u8>> {
    match endless_kind(path) {
        Some(kind) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}"))),
        None => read_bounded(path),
    }
}

/// Reads a file up to [`MAX_SETTINGS`]. Waits for the other end of a pipe.
///
/// # Errors
/// It is larger, or cannot be read.
pub(crate) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SETTINGS + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SETTINGS {
        let problem = format!("it is larger than {} MiB", MAX_SETTINGS >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ordinary_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), fifo, mode, 0).unwrap();
        std::os::unix::fs::symlink("pipe", path("link")).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        std::fs::write(path("file"), "text").unwrap();
        for (name, kind) in [("pipe", "a pipe"), ("link", "a pipe"), ("socket", "a socket")] {
            assert_eq!(endless_kind(&path(name)), Some(kind));
            let refused = read_settings(&path(name)).unwrap_err().to_string();
            assert_eq!(refused, format!("it is {kind}"));
            assert!(open_ordinary(&path(name)).is_err(), "{name}");
        }
        assert_eq!(open_ordinary(folder.path()).unwrap_err().to_string(), "it is a directory");
        assert_eq!(open_ordinary(Path::new("/dev/zero")).unwrap_err().to_string(), "it is a device");
        assert_eq!(read_settings(Path::new("/dev/zero")).unwrap_err().to_string(), "it is a device");
        // A job file may be one.
        assert_eq!(read_bounded(Path::new("/dev/zero")).unwrap_err().to_string(), "it is larger than 16 MiB");
        assert_eq!(read_settings(Path::new("/dev/null")).unwrap(), b"");
        assert_eq!(read_settings(&path("file")).unwrap(), b"text");
        assert!(open_ordinary(&path("file")).is_ok());
        assert!(is_pipe(&path("link")) && !is_pipe(&path("file")) && !is_pipe(&path("missing")));
    }
}
