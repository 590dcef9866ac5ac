//! Credentials that were given, until they are due to be asked for again.
//!
//! The sources are asked once, however many calls of however many clients need credentials at the same time. Credentials
//! are renewed while they are still valid, so that a source that does not answer for a while stops nothing.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use tokio::sync::Mutex;
use tracing::debug;

use crate::submission::credentials::{CredentialsFailure, CredentialsSource};

/// How long before they expire credentials are renewed, as by AWS SSO and AWS Sign-In in the SDK; at the latest at half of
/// their lifetime.
const RENEWED_BEFORE: Duration = Duration::from_mins(5);

/// How long credentials without a time of expiry are used, as in the SDK: files and processes may have newer ones.
const ASKED_EVERY: Duration = Duration::from_mins(15);

/// The minimum time between two questions for credentials that are valid.
const PAUSE: Duration = Duration::from_secs(30);

/// Credentials and their source.
#[derive(Clone, Debug)]
pub(in crate::submission::connect) struct Resolved {
    pub(in crate::submission::connect) credentials: Credentials,
    pub(in crate::submission::connect) source: CredentialsSource,
}

/// The latest credentials.
#[derive(Debug, Default)]
pub(super) struct CredentialsCache {
    latest: RwLock<Option<Kept>>,
    /// Held while the sources are asked. The latest failure and its time.
    asking: Mutex<Option<(Instant, CredentialsFailure)>>,
}

#[derive(Clone, Debug)]
struct Kept {
    found: Resolved,
    due_at: SystemTime,
}

impl CredentialsCache {
    /// The latest credentials, or those of `ask` if they are due. Only one call asks; others use the latest while these
    /// are valid, or wait for its result. A failure that only the user can end is given again without asking.
    ///
    /// # Errors
    /// That of `ask`, if no earlier credentials are still valid.
    pub(super) async fn get(
        &self,
        ask: impl Future<Output = Result<Resolved, CredentialsFailure>>,
    ) -> Result<Resolved, CredentialsFailure> {
        let (began, now) = (Instant::now(), SystemTime::now());
        let kept = self.kept();
        if let Some(Kept { found, .. }) = kept.as_ref().filter(|kept| now < kept.due_at) {
            return Ok(found.clone());
        }
        let valid = kept.map(|kept| kept.found).filter(|found| is_valid(found, now));
        let mut failed = match &valid {
            Some(found) => match self.asking.try_lock() {
                Ok(failed) => failed,
                Err(_) => return Ok(found.clone()),
            },
            None => self.asking.lock().await,
        };
        // Another call may have asked meanwhile.
        if let Some(Kept { found, .. }) = self.kept().filter(|kept| now < kept.due_at) {
            return Ok(found);
        }
        if let Some((at, failure)) = failed.as_ref()
            && (!failure.may_pass || *at >= began)
        {
            return valid.ok_or_else(|| failure.clone());
        }
        match (ask.await, valid) {
            (Ok(found), _) => {
                let due_at = due_at(found.credentials.expiry(), SystemTime::now());
                self.keep(found.clone(), due_at);
                Ok(found)
            }
            (Err(failure), Some(found)) => {
                debug!(reason = failure.reason, "the credentials are not renewed and still valid");
                let later = SystemTime::now() + PAUSE;
                let due_at = found.credentials.expiry().map_or(later, |expiry| later.min(expiry));
                self.keep(found.clone(), due_at);
                Ok(found)
            }
            (Err(failure), None) => {
                *failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    fn kept(&self) -> Option<Kept> {
        // A value is replaced as a whole, so it is complete even after a panic.
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, found: Resolved, due_at: SystemTime) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(Kept { found, due_at });
    }
}

fn is_valid(found: &Resolved, now: SystemTime) -> bool {
    found.credentials.expiry().is_none_or(|expiry| now < expiry)
}

/// When credentials given at `now` are renewed: never after they expire.
fn due_at(expiry: Option<SystemTime>, now: SystemTime) -> SystemTime {
    let Some(expiry) = expiry else { return now + ASKED_EVERY };
    let lifetime = expiry.duration_since(now).unwrap_or_default();
    now + (lifetime / 2).max(lifetime.saturating_sub(RENEWED_BEFORE)).max(PAUSE).min(lifetime)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn resolved(id: &str, expiry: Option<SystemTime>) -> Resolved {
        let credentials = Credentials::new(id, "secret", None, expiry, "test");
        Resolved { credentials, source: CredentialsSource::Variables }
    }

    fn failure(may_pass: bool) -> CredentialsFailure {
        CredentialsFailure { reason: "refused".into(), remedy: String::new(), may_pass }
    }

    #[test]
    fn credentials_are_renewed_well_before_they_expire() {
        let now = SystemTime::now();
        let due = |lifetime| due_at(Some(now + lifetime), now).duration_since(now).unwrap();
        assert_eq!(due(Duration::from_hours(1)), Duration::from_mins(55));
        assert_eq!(due(Duration::from_mins(4)), Duration::from_mins(2));
        assert_eq!(due(Duration::from_secs(40)), PAUSE);
        assert_eq!(due(Duration::from_secs(4)), Duration::from_secs(4));
        assert_eq!(due_at(Some(now - PAUSE), now), now);
        assert_eq!(due_at(None, now), now + ASKED_EVERY);
    }

    #[tokio::test]
    async fn concurrent_calls_ask_once_and_share_the_result() {
        for answer in [Ok(resolved("A", None)), Err(failure(true)), Err(failure(false))] {
            let (cache, asked) = (CredentialsCache::default(), AtomicUsize::new(0));
            let call = || {
                cache.get(async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    answer.clone()
                })
            };
            let all = tokio::join!(call(), call(), call());
            for result in [all.0, all.1, all.2] {
                assert_eq!(result.is_ok(), answer.is_ok());
            }
            assert_eq!(asked.load(Ordering::Relaxed), 1);
            // A failure that may pass is no reason to give up.
            let later = call().await;
            assert_eq!(later.is_ok(), answer.is_ok());
            let again = usize::from(answer.is_err_and(|failure| failure.may_pass));
            assert_eq!(asked.load(Ordering::Relaxed), 1 + again);
        }
    }

    #[tokio::test]
    async fn valid_credentials_outlive_a_source_that_fails() {
        let cache = CredentialsCache::default();
        let expiry = SystemTime::now() + Duration::from_mins(1);
        cache.keep(resolved("OLD", Some(expiry)), SystemTime::now() - PAUSE);
        let id = |found: Result<Resolved, _>| found.unwrap().credentials.access_key_id().to_owned();
        assert_eq!(id(cache.get(async { Err(failure(false)) }).await), "OLD");
        // The source is not asked at once again.
        assert_eq!(id(cache.get(async { Ok(resolved("NEW", None)) }).await), "OLD");
        cache.keep(resolved("OLD", Some(expiry)), SystemTime::now() - PAUSE);
        assert_eq!(id(cache.get(async { Ok(resolved("NEW", None)) }).await), "NEW");
        // They are kept for the pause at most, and not beyond their expiry.
        let soon = SystemTime::now() + PAUSE / 2;
        cache.keep(resolved("OLD", Some(soon)), SystemTime::now() - PAUSE);
        assert_eq!(id(cache.get(async { Err(failure(false)) }).await), "OLD");
        assert_eq!(cache.kept().unwrap().due_at, soon);
        cache.keep(resolved("EXPIRED", Some(SystemTime::UNIX_EPOCH)), SystemTime::UNIX_EPOCH);
        assert_eq!(cache.get(async { Err(failure(true)) }).await.unwrap_err(), failure(true));
    }
}
