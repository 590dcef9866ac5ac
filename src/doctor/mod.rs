//! The command `doctor`: checks what an import depends on, before a migration.
//!
//! `target` names where requests go, `permission` judges who answers and whether the credentials may create contacts,
//! `remedies` what to do about a refusal, `connect` other answers of Amazon Connect, `local` this machine's credentials
//! and ledger, `disk` its folder. No contact is created, except for that of `--probe-token`. Imports the submission, the ledger and
//! pacing.

mod connect;
mod disk;
mod local;
mod permission;
mod remedies;
mod target;

use std::path::PathBuf;
use std::time::SystemTime;

use crate::exit_code::ExitCode;
use crate::ledger::Identity;
use crate::pacing::Rate;
use crate::submission::{Caller, ConnectClient, Service};
use permission::Question;
use target::EndpointSource;

/// Result of one check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckResult {
    /// Name of the check.
    pub check: &'static str,
    /// Fact, pass, warning or failure.
    pub status: CheckStatus,
    /// Finding in a sentence.
    pub found: String,
    /// What to do; empty for a pass and a fact.
    pub remedy: String,
}

/// Status of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckStatus {
    /// A fact, to be compared with what is meant.
    Info,
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
            CheckStatus::Info => "info",
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

    fn info(check: &'static str, found: impl Into<String>) -> Self {
        CheckResult::new(check, CheckStatus::Info, found, "")
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
    /// Whether the endpoint is given by an option of this tool, and not by the AWS configuration or the Region.
    pub is_endpoint_given: bool,
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
        let is_sound = self.check_service(client, &mut emit).await;
        emit(local::quota(self.identity.operation, self.rate, self.burst, self.identity.shard));
        if let Err(problem) = &input {
            emit(CheckResult::fail("input", ExitCode::Usage, problem, ""));
        }
        emit(local::ledger(&self.ledger, &self.identity, self.rehearsal));
        emit(disk::file_system(&self.ledger));
        disk::disk(&self.ledger, input.unwrap_or_default()).into_iter().for_each(&mut emit);
        if self.probe_token {
            emit(match is_sound {
                true => connect::probe_token(client).await,
                false => connect::no_token_probe(),
            });
        }
    }

    /// Checks the endpoint, the credentials and the answers that they get; returns whether nothing failed. Ends where a
    /// check would only repeat a failure.
    async fn check_service(&self, client: &ConnectClient, emit: &mut impl FnMut(CheckResult)) -> bool {
        let mut is_sound = true;
        let mut emit = |result: CheckResult| {
            is_sound &= !matches!(result.status, CheckStatus::Fail(_));
            emit(result);
        };
        let proxy = client.proxy().map(|proxy| proxy.to_string());
        let source =
            EndpointSource::of(client.target(), self.is_endpoint_given, |name| std::env::var(name).ok());
        let facts = target::facts(client.target(), source, client.profile(), proxy.as_deref());
        facts.into_iter().for_each(&mut emit);
        let credentials = client.credentials().await;
        let is_signed = self.rehearsal || !matches!(credentials, Ok(None));
        let credentials = local::credentials(credentials, self.rehearsal, SystemTime::now());
        let has_credentials = !matches!(credentials.status, CheckStatus::Fail(_));
        emit(credentials);
        if !has_credentials {
            return false;
        }
        let caller = client.caller().await;
        let earlier = local::earlier_account(&self.ledger);
        local::account(&caller, self.account.as_deref(), earlier.as_deref()).into_iter().for_each(&mut emit);
        if matches!(caller, Caller::NoCredentials(_)) {
            return false;
        }
        let before = SystemTime::now();
        let probe = client.probe_permission(self.identity.operation).await;
        let after = SystemTime::now();
        let question = Question {
            identity: &self.identity,
            target: client.target(),
            source,
            service: Service::of(self.rehearsal, Some(&client.target().authority())),
            proxy: proxy.as_deref(),
            is_signed,
        };
        let verdict = question.judge(&probe);
        verdict.results.into_iter().for_each(&mut emit);
        if verdict.may_ask && !self.rehearsal {
            emit(connect::instance(&client.instance_status().await));
        }
        if verdict.is_answered {
            emit(connect::clock(probe.server_time_s, before, after, verdict.clock_refusal.as_deref()));
        }
        is_sound
    }
}
