//! What can be known before a migration: credentials, endpoint, permission, clock, quota, ledger, disk.
//!
//! Nothing is created, but for the probe of the client token, which is asked for by name.

mod clock;
mod credentials;
mod disk;
mod ledger;
mod probe;
mod quota;
mod service;

use std::path::PathBuf;
use std::time::SystemTime;

use crate::exit_code::ExitCode;
use crate::job::DoctorJob;
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

/// Looks at everything, in the order in which a run would meet it, and tells each diagnosis at once.
pub async fn examine(job: &DoctorJob, client: &ConnectClient, mut tell: impl FnMut(Diagnosis)) {
    let credentials =
        credentials::credentials(client.credentials().await, job.aws.sandbox, SystemTime::now());
    let has_credentials = !matches!(credentials.verdict, Verdict::Fail(_));
    tell(credentials);
    if has_credentials {
        ask(job, client, &mut tell).await;
    }
    tell(quota::quota(job.identity.operation, job.rate, job.burst));
    tell(ledger::ledger(&job.ledger, &job.identity));
    tell(disk::disk(&job.ledger, input_bytes(&job.inputs)));
    if job.probe_token && has_credentials {
        tell(probe::probe(client).await);
    }
}

/// What Connect's answer to a request that was made to be refused says.
async fn ask(job: &DoctorJob, client: &ConnectClient, tell: &mut impl FnMut(Diagnosis)) {
    let before = SystemTime::now();
    let refusal = client.provoke_refusal(job.identity.operation).await;
    let after = SystemTime::now();
    for diagnosis in service::service(&refusal.trouble, &job.identity) {
        tell(diagnosis);
    }
    if let Some(server_s) = refusal.server_s {
        tell(clock::clock(server_s, before, after));
    }
}

/// The size of the inputs, compressed ones taken tenfold.
fn input_bytes(files: &[PathBuf]) -> u64 {
    let bytes = |path: &PathBuf| {
        let length = path.metadata().map_or(0, |metadata| metadata.len());
        if crate::paths::uncompressed(path) == *path { length } else { length.saturating_mul(10) }
    };
    files.iter().map(bytes).sum()
}
