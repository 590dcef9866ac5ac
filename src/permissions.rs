//! Who may read a file, where the system knows of modes.

use std::fs::{File, OpenOptions};
use std::io;

/// Options under which a file that is made can be read by its owner alone, from its first moment.
pub(crate) fn private() -> OpenOptions {
    #[cfg(unix)]
    {
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }
    #[cfg(not(unix))]
    OpenOptions::new()
}

/// Lets everybody read a file that its owner alone can read.
///
/// # Errors
/// The file is another's.
pub(crate) fn let_everybody_read(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    let changed = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    #[cfg(not(unix))]
    let changed = file.metadata().map(drop);
    changed
}
