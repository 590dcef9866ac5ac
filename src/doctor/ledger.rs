//! Whether a run could go on with the ledger that is there.

use std::path::Path;

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::ledger::{Identity, LedgerError, LedgerReader, is_locked};

const CHECK: &str = "ledger";

pub(super) fn ledger(path: &Path, identity: &Identity) -> Diagnosis {
    let shown = path.display();
    match rows(path, identity) {
        Ok((rows, _)) if is_locked(path) => {
            let found = format!("{shown} has {rows} rows, and a run holds it at this moment");
            Diagnosis::warn(CHECK, found, "a second run ends in 11, or waits for --lock-wait")
        }
        Ok((rows, false)) => {
            let found =
                format!("{shown} was changed by hand: it does not have the {rows} rows that it counts");
            Diagnosis::warn(CHECK, found, "nothing is to be done: the next run counts them anew")
        }
        Ok((rows, true)) => {
            Diagnosis::pass(CHECK, format!("{shown} has {rows} rows of this import, and is sound"))
        }
        Err(LedgerError::Missing(_)) => {
            Diagnosis::pass(CHECK, format!("there is none yet; a run makes {shown}"))
        }
        Err(
            error @ (LedgerError::OtherIdentity { .. }
            | LedgerError::OtherShard { .. }
            | LedgerError::NotALedger(_)
            | LedgerError::HardLinked(_)
            | LedgerError::Newer(_)),
        ) => Diagnosis::fail(CHECK, ExitCode::Usage, error.to_string(), ""),
        Err(error) => Diagnosis::fail(CHECK, ExitCode::Storage, error.to_string(), ""),
    }
}

/// How many rows the ledger counts, and whether they are that many.
fn rows(path: &Path, identity: &Identity) -> Result<(u64, bool), LedgerError> {
    let reader = LedgerReader::open(path)?;
    let is_true = reader.expect_sound()?;
    if let Some(found) = reader.identity()? {
        identity.expect(path, &found)?;
    }
    Ok((reader.state_counts()?.total(), is_true))
}
