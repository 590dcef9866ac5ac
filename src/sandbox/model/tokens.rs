//! How long a client token is remembered. The service documents no lifetime.

use std::time::Duration;

use super::contact::Contact;

/// When a client token no longer leads to its contact; never by default.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sandbox) struct TokenMemory {
    /// A contact that is older has lost its token.
    pub(in crate::sandbox) window: Option<Duration>,
    /// A contact that was initiated as COMPLETED has lost its token at once.
    pub(in crate::sandbox) forget_completed: bool,
}

impl TokenMemory {
    /// Whether the contact's token still leads to it. `now` is since 1970.
    pub(super) fn holds(&self, contact: &Contact, now: Duration) -> bool {
        let in_window = self.window.is_none_or(|window| contact.age(now) <= window);
        in_window && !(self.forget_completed && contact.completed())
    }
}
