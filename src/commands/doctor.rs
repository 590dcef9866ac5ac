//! `doctor`: checks what an import depends on, without creating a contact.

use super::{CommandError, blocking, io, serve_sandbox};
use crate::cli::{DoctorArgs, GlobalArgs};
use crate::exit_code::ExitCode;
use crate::file_kind::is_pipe;
use crate::intake::prepare;
use crate::job::DoctorJob;
use crate::paths::uncompressed;
use crate::source::Input;
use crate::submission::ConnectClient;
use crate::ui::DoctorReport;

pub(super) async fn doctor(args: &DoctorArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let mut job = DoctorJob::resolve(args, global)?;
    if let Some(sandbox) = job.sandbox.take() {
        job.aws.endpoint_url = Some(serve_sandbox(sandbox).await?.endpoint_url);
    }
    let client = ConnectClient::new(&job.examination.identity.instance_id, &job.aws).await?;
    let mut report = DoctorReport::new(job.output);
    let examination = job.examination.clone();
    let input = blocking(move || Ok(input(&job))).await?;
    examination.run(&client, input, |diagnosis| report.add(&diagnosis)).await;
    report.finish().map_err(io("cannot write the diagnoses"))
}

/// Size of the input in bytes, with compressed files counted tenfold; or why a run could not read it. Standard input and
/// pipes are left unread.
fn input(job: &DoctorJob) -> Result<u64, String> {
    let is_read = |input: &&Input| input.path().is_some_and(|path| !is_pipe(&path));
    let files: Vec<Input> = job.inputs.iter().filter(is_read).cloned().collect();
    let identity = &job.examination.identity;
    let (key, comparison, condition) = (&identity.key, identity.key_comparison, job.condition.as_deref());
    prepare(&files, &job.dialect, key, comparison, &job.mapping, condition)
        .map_err(|error| error.to_string())?;
    let bytes = files.iter().filter_map(Input::path).map(|path| {
        let length = path.metadata().map_or(0, |metadata| metadata.len());
        if uncompressed(&path) == path { length } else { length.saturating_mul(10) }
    });
    Ok(bytes.sum())
}
