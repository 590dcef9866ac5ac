//! What can be known before a migration: credentials, endpoint, permission, clock, quota, ledger, disk.
//!
//! Nothing is created, but for the probe of the client token, which is asked for by name.

mod clock;
mod credentials;
mod disk;
mod instance;
mod ledger;
mod probe;
mod quota;
mod service;

use std::path::PathBuf;
use std::time::SystemTime;

use crate::exit_code::ExitCode;
use crate::ledger::Identity;
use crate::pacing::Rate;
use crate::submission::ConnectClient;

/// What a doctor says of one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnosis {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// Whether it is well.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty if it is well.
    pub remedy: String,
}

/// Whether something is well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is.
    Pass,
    /// A run would start, and might not end well.
    Warn,
    /// A run would end with this code.
    Fail(ExitCode),
}

impl Verdict {
    /// Its published name.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail(_) => "fail",
        }
    }
}

impl Diagnosis {
    fn pass(check: &'static str, found: impl Into<String>) -> Self {
        Diagnosis { check, verdict: Verdict::Pass, found: found.into(), remedy: String::new() }
    }

    fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Diagnosis { check, verdict: Verdict::Warn, found: found.into(), remedy: remedy.into() }
    }

    fn fail(
        check: &'static str,
        exit: ExitCode,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Diagnosis { check, verdict: Verdict::Fail(exit), found: found.into(), remedy: remedy.into() }
    }
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Examination {
    /// Whose ledger it is, or would be.
    pub identity: Identity,
    /// The ledger's path.
    pub ledger: PathBuf,
    /// The size of the input in bytes, or what is wrong with it.
    pub input: Result<u64, String>,
    /// Requests a second.
    pub rate: Rate,
    /// Requests that may leave at once.
    pub burst: u32,
    /// Whether a contact is made to see what its token is worth.
    pub probe_token: bool,
    /// Whether it is a rehearsal, which needs no credentials and has no instance.
    pub rehearsal: bool,
}

impl Examination {
    /// Looks at everything, in the order in which a run would meet it, and tells each diagnosis at once.
    pub async fn run(&self, client: &ConnectClient, mut tell: impl FnMut(Diagnosis)) {
        let credentials =
            credentials::credentials(client.credentials().await, self.rehearsal, SystemTime::now());
        let has_credentials = !matches!(credentials.verdict, Verdict::Fail(_));
        tell(credentials);
        if has_credentials {
            self.ask(client, &mut tell).await;
        }
        tell(quota::quota(self.identity.operation, self.rate, self.burst, self.identity.shard));
        if let Err(problem) = &self.input {
            tell(Diagnosis::fail("input", ExitCode::Usage, problem, ""));
        }
        tell(ledger::ledger(&self.ledger, &self.identity));
        tell(disk::disk(&self.ledger, *self.input.as_ref().unwrap_or(&0)));
        if self.probe_token && has_credentials {
            tell(probe::probe(client).await);
        }
    }

    /// What Connect says to a request that was made to be refused, and of the instance.
    async fn ask(&self, client: &ConnectClient, tell: &mut impl FnMut(Diagnosis)) {
        let before = SystemTime::now();
        let probe = client.probe_permission(self.identity.operation).await;
        let after = SystemTime::now();
        let diagnoses = service::service(&probe.error, &self.identity);
        let is_connect = diagnoses.first().is_some_and(|first| first.verdict == Verdict::Pass);
        for diagnosis in diagnoses {
            tell(diagnosis);
        }
        if !is_connect {
            return;
        }
        if !self.rehearsal {
            tell(instance::instance(&client.instance_status().await));
        }
        tell(clock::clock(probe.server_time_s, before, after));
    }
}
