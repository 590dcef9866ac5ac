//! `sandbox`: serves a simulated Connect endpoint on loopback until a signal.

use std::io::Write as _;
use std::path::Path;

use super::{CommandError, io};
use crate::atomic_file::AtomicFile;
use crate::cli::SandboxArgs;
use crate::exit_code::ExitCode;
use crate::job::JobError;
use crate::output_file::{OutputKind, expect_regular};
use crate::sandbox::{Faults, Sandbox, SandboxConfig, SandboxStats};
use crate::shutdown::Shutdown;
use crate::ui::notice;

pub(super) async fn sandbox(args: &SandboxArgs) -> Result<ExitCode, CommandError> {
    let mut shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    if let Some(path) = &args.port_file {
        OutputKind::PortFile.expect_replaceable(path, false).map_err(JobError::from)?;
    }
    if let Some(path) = &args.state {
        expect_regular("--state", path).map_err(JobError::from)?;
    }
    let sandbox = Sandbox::bind(SandboxConfig {
        port: args.port,
        rate: (args.rate != 0.0).then_some(args.rate),
        burst: args.burst,
        latency: args.latency,
        jitter: args.jitter,
        state: args.state.clone(),
        faults: Faults {
            fail: args.fail,
            reset: args.reset,
            lose: args.lose,
            stale: args.stale,
            slow: args.slow,
            throttle_after: args.throttle_after,
            deny_after: args.deny_after,
            quota: args.quota,
            token_window: args.token_window,
            forget_completed: args.forget_completed,
            index_lag: args.index_lag,
        },
        seed: args.seed,
    })
    .await?;
    if let Some(path) = &args.port_file {
        write_port(path, sandbox.address().port()).map_err(io("cannot write the port file"))?;
    }
    notice(&format!("serving Connect on {}; stop with Ctrl-C", sandbox.endpoint_url()));
    let handle = sandbox.handle();
    let stop = async move {
        shutdown.requested().await;
    };
    sandbox.serve(stop).await?;
    let SandboxStats { requests, created, replayed, throttled, refused, mismatched, lost, .. } =
        handle.stats();
    notice(&format!(
        "{requests} requests: {created} created, {replayed} replayed, {throttled} throttled, {refused} refused, \
         {mismatched} mismatched, {lost} lost"
    ));
    Ok(ExitCode::Complete)
}

/// Writes the file atomically, so that a reader never sees half a port number.
fn write_port(path: &Path, port: u16) -> std::io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    writeln!(file, "{port}")?;
    file.publish()
}
