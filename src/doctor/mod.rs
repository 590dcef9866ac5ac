//! The command `doctor`: checks what an import depends on, before a migration.
//!
//! `connect` judges answers of Amazon Connect, `local` this machine's credentials, ledger and disk. Nothing is created,
//! except for the contact of `--probe-token`. Imports the submission, the ledger and pacing.

mod connect;
mod local;

use std::path::PathBuf;
use std::time::SystemTime;

use crate::exit_code::ExitCode;
use crate::ledger::Identity;
use crate::pacing::Rate;
use crate::submission::ConnectClient;

/// Result of one check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckResult {
    /// Name of the check.
    pub check: &'static str,
    /// Pass, warning or failure.
    pub status: CheckStatus,
    /// Finding in a sentence.
    pub found: String,
    /// What to do; empty for a pass.
    pub remedy: String,
}

/// Status of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckStatus {
    /// Nothing to do.
    Pass,
    /// A run would start, but may not complete.
    Warn,
    /// A run would end with this exit code.
    Fail(ExitCode),
}

impl CheckStatus {
    /// Its published name.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Pass => "pass",
            CheckStatus::Warn => "warn",
            CheckStatus::Fail(_) => "fail",
        }
    }
}

impl CheckResult {
    fn new(check: &'static str, status: CheckStatus, found: impl Into<String>, remedy: &str) -> Self {
        CheckResult { check, status, found: found.into(), remedy: remedy.to_owned() }
    }

    fn pass(check: &'static str, found: impl Into<String>) -> Self {
        CheckResult::new(check, CheckStatus::Pass, found, "")
    }

    fn warn(check: &'static str, found: impl Into<String>, remedy: &str) -> Self {
        CheckResult::new(check, CheckStatus::Warn, found, remedy)
    }

    fn fail(check: &'static str, exit: ExitCode, found: impl Into<String>, remedy: &str) -> Self {
        CheckResult::new(check, CheckStatus::Fail(exit), found, remedy)
    }
}

/// Settings of a run, as far as they are checked.
#[derive(Clone, Debug)]
pub struct Examination {
    /// Account of the instance, if it is given by its ARN.
    pub account: Option<String>,
    /// Identity that the ledger has, or would get.
    pub identity: Identity,
    /// Path of the ledger.
    pub ledger: PathBuf,
    /// Target rate, requests per second, or `Auto`.
    pub rate: Rate,
    /// Requests that may be sent at once.
    pub burst: u32,
    /// Whether a contact is created to test its client token.
    pub probe_token: bool,
    /// Whether the run is a rehearsal, which needs no credentials and has no instance.
    pub rehearsal: bool,
}

impl Examination {
    /// Runs all checks in the order in which a run depends on them, and emits each result at once. `input` is the size of
    /// the inputs in bytes, or why they cannot be read.
    pub async fn run(
        &self,
        client: &ConnectClient,
        input: Result<u64, String>,
        mut emit: impl FnMut(CheckResult),
    ) {
        let credentials = local::credentials(client.credentials().await, self.rehearsal, SystemTime::now());
        let has_credentials = !matches!(credentials.status, CheckStatus::Fail(_));
        emit(credentials);
        if has_credentials {
            local::account(&client.caller().await, self.account.as_deref()).into_iter().for_each(&mut emit);
            self.check_connect(client, &mut emit).await;
        }
        emit(local::quota(self.identity.operation, self.rate, self.burst, self.identity.shard));
        if let Err(problem) = &input {
            emit(CheckResult::fail("input", ExitCode::Usage, problem, ""));
        }
        emit(local::ledger(&self.ledger, &self.identity, self.rehearsal));
        emit(local::disk(&self.ledger, input.unwrap_or_default()));
        if self.probe_token && has_credentials {
            emit(connect::probe_token(client).await);
        }
    }

    async fn check_connect(&self, client: &ConnectClient, emit: &mut impl FnMut(CheckResult)) {
        let before = SystemTime::now();
        let probe = client.probe_permission(self.identity.operation).await;
        let after = SystemTime::now();
        let results = connect::permission(probe.error.as_ref(), &self.identity);
        let is_reachable = results.first().is_some_and(|first| first.status == CheckStatus::Pass);
        results.into_iter().for_each(&mut *emit);
        if !is_reachable {
            return;
        }
        if !self.rehearsal {
            emit(connect::instance(&client.instance_status().await));
        }
        emit(connect::clock(probe.server_time_s, before, after));
    }
}
