//! `sandbox`: serves a simulated Connect endpoint on loopback until a signal.

use std::io::Write as _;
use std::path::Path;

use super::CommandError;
use crate::cli::SandboxArgs;
use crate::exit_code::ExitCode;
use crate::paths::folder_of;
use crate::sandbox::{Faults, Sandbox, SandboxConfig};
use crate::shutdown::Shutdown;
use crate::ui::notice;

pub(super) async fn sandbox(args: &SandboxArgs) -> Result<ExitCode, CommandError> {
    let mut shutdown = Shutdown::listen()
        .map_err(|source| CommandError::Io { what: "cannot listen for signals", source })?;
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
        write_whole(path, &sandbox.address().port().to_string())
            .map_err(|source| CommandError::Io { what: "cannot write the port file", source })?;
    }
    notice(&format!("serving Connect on {}; stop with Ctrl-C", sandbox.endpoint_url()));
    let handle = sandbox.handle();
    sandbox
        .serve(async move {
            shutdown.requested().await;
        })
        .await?;
    let stats = handle.stats();
    notice(&format!(
        "{} requests: {} created, {} replayed, {} throttled, {} refused, {} mismatched, {} lost",
        stats.requests,
        stats.created,
        stats.replayed,
        stats.throttled,
        stats.refused,
        stats.mismatched,
        stats.lost
    ));
    Ok(ExitCode::Complete)
}

/// Writes the file atomically, so that a reader never sees half a port number.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    writeln!(file, "{text}")?;
    file.persist(path)?;
    Ok(())
}
