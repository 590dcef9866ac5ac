//! File permissions, on systems that have Unix modes.

use std::fs::{File, OpenOptions};
use std::io;

/// Options that create a file with mode 0600, so that no other user can read it from its first moment.
pub(crate) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Sets mode 0644, whatever the process's umask is.
pub(crate) fn make_world_readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    let changed = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    #[cfg(not(unix))]
    let changed = file.metadata().map(drop);
    changed
}
