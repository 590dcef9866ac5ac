//! How many connections the process may have.

/// As many connections as the system leaves room for, at least one; none if it does not say.
pub(crate) fn room_for_connections() -> Option<usize> {
    #[cfg(unix)]
    {
        /// Files that are open besides connections: the ledger, its logs, inputs, rejects, what a resolver of names needs.
        const OTHERS: usize = 64;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
        Some(usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(OTHERS).max(1))
    }
    #[cfg(not(unix))]
    None
}
