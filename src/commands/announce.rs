//! The last step of `run` before its first request: says what is about to be sent, by whom and where to, and asks.

use std::sync::Arc;

use super::{CommandError, unless_signalled};
use crate::event::{Announcement, Reporter, RunEvent};
use crate::job::Job;
use crate::ledger::Ledger;
use crate::shutdown::Shutdown;
use crate::submission::{Caller, ConnectClient};
use crate::ui::{has_questioner, is_sending_confirmed, leave_question};

/// Announces the run, and asks for a confirmation where that is due: on a terminal, before the first request of a ledger
/// to a service that is not on loopback. Does nothing without rows to send.
///
/// # Errors
/// - [`CommandError::Account`]: the credentials are not the instance's account's.
/// - [`CommandError::NotConfirmed`], [`CommandError::Interrupted`], [`CommandError::TimeBudget`].
/// - [`CommandError::Ledger`]
pub(super) async fn announce(
    job: &Job,
    to_send: u64,
    client: &ConnectClient,
    ledger: &Ledger,
    reporter: &Arc<Reporter>,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    if to_send == 0 {
        return Ok(());
    }
    let caller = unless_signalled(shutdown, client.caller()).await?;
    caller.expect_account(job.account.as_deref())?;
    let credentials = match &caller {
        Caller::NoCredentials(_) => None,
        _ => unless_signalled(shutdown, client.credentials_source()).await?,
    };
    if let Some((account, arn)) = caller.known() {
        ledger.note_caller(account, arn).await?;
    }
    let target = client.target();
    // Without credentials no request will be sent, and the run ends with that error.
    let may_send = !matches!(caller, Caller::NoCredentials(_));
    let is_question = may_send
        && !job.is_confirmed
        && !target.is_loopback()
        && has_questioner()
        && !ledger.has_sent().await?;
    reporter.emit(RunEvent::Announced(Box::new(Announcement {
        name: job.name.clone(),
        to_send,
        caller,
        credentials,
        target: target.clone(),
        proxy: client.proxy(),
        instance_id: job.identity.instance_id.clone(),
        operation: job.identity.operation,
        rate: job.pacing.rate,
        burst: job.pacing.burst,
        shard: job.identity.shard,
        ledger: job.ledger.to_string_lossy().into_owned(),
        is_question,
    })));
    if !is_question {
        return Ok(());
    }
    let reporter = reporter.clone();
    let answer = tokio::task::spawn_blocking(move || {
        // The question comes after the announcement.
        reporter.flush();
        is_sending_confirmed(to_send)
    });
    let answer = unless_signalled(shutdown, answer).await.inspect_err(|_| leave_question())?;
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandError::NotConfirmed),
        Err(_) => Err(CommandError::Internal),
    }
}
