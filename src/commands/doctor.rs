//! `doctor`: what can be known before a migration.

use super::{CommandError, serve_sandbox};
use crate::cli::{DoctorArgs, GlobalArgs};
use crate::doctor::examine;
use crate::exit_code::ExitCode;
use crate::job::DoctorJob;
use crate::report::Diagnoses;
use crate::submission::ConnectClient;

pub(super) async fn doctor(args: &DoctorArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let mut job = DoctorJob::resolve(args, global)?;
    if let Some(quota) = job.sandbox {
        job.aws.endpoint_url = Some(serve_sandbox(quota).await?);
    }
    let client = ConnectClient::new(&job.identity.instance_id, &job.aws).await?;
    let mut diagnoses = Diagnoses::new(job.output);
    examine(&job, &client, |diagnosis| diagnoses.tell(&diagnosis)).await;
    diagnoses.finish().map_err(|source| CommandError::Io { what: "cannot write the diagnoses", source })
}
