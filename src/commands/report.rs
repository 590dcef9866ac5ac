//! `report`: writes an HTML report of an import.

use jiff::tz::TimeZone;

use super::{CommandError, blocking, io, ledgers_apart_from};
use crate::cli::{GlobalArgs, Output, ReportArgs};
use crate::exit_code::ExitCode;
use crate::html_report::{ReportOptions, html_report};
use crate::job::{ReportJob, refuse_csv};
use crate::printable::ShownPath as _;
use crate::ui::{ResultOutput, page_message, to_stdout, warning};

pub(super) async fn report(args: &ReportArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let output = global.output.unwrap_or_default();
    refuse_csv(output)?;
    let job = ReportJob::resolve(args)?;
    blocking(move || write(job, output)).await?;
    Ok(ExitCode::Complete)
}

fn write(job: ReportJob, output: Output) -> Result<(), CommandError> {
    let ReportJob { ledgers, named, to, outline, problem } = job;
    if let Some(problem) = problem {
        warning(&format!("the report leaves out the job file: {problem}"));
    }
    let ledgers = ledgers_apart_from(to.as_deref(), ledgers, &named)?;
    let options = ReportOptions {
        job: outline,
        zone: TimeZone::system(),
        tz: std::env::var("TZ").ok(),
        now_ms: jiff::Timestamp::now().as_millisecond(),
        version: env!("CONNECT_IMPORT_VERSION"),
    };
    let page = html_report(&ledgers, &options)?;
    let file = ResultOutput::create(to.as_deref())?;
    let mut out = file.writer()?;
    if let Err(error) = out.write_all(page.as_bytes()).and_then(|()| out.flush()) {
        return Ok(file.abandon(error)?);
    }
    ledgers.expect_as_opened()?;
    file.publish()?;
    let Some(to) = to else { return Ok(()) };
    let line = match output {
        Output::Text | Output::Csv => format!("{}\n", to.shown()),
        Output::Json => format!("{}\n", page_message(&to)),
    };
    to_stdout(&line).map_err(io("cannot write to standard output"))
}
