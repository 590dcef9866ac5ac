//! Whether a run could go on with the ledger that is there.

use std::path::Path;

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::ledger::{Identity, LedgerError, LedgerReader, is_locked};

const CHECK: &str = "ledger";

pub(super) fn ledger(path: &Path, identity: &Identity) -> Diagnosis {
    let shown = path.display();
    match rows(path, identity) {
        Ok(rows) if is_locked(path) => {
            let found = format!("{shown} has {rows} rows, and a run holds it at this moment");
            Diagnosis::warn(CHECK, found, "a second run ends in 11, or waits for --lock-wait")
        }
        Ok(rows) => Diagnosis::pass(CHECK, format!("{shown} has {rows} rows of this import, and is sound")),
        Err(LedgerError::Missing(_)) => {
            Diagnosis::pass(CHECK, format!("there is none yet; a run makes {shown}"))
        }
        Err(
            error @ (LedgerError::OtherIdentity { .. } | LedgerError::NotALedger(_) | LedgerError::Newer(_)),
        ) => Diagnosis::fail(CHECK, ExitCode::Usage, error.to_string(), ""),
        Err(error) => Diagnosis::fail(CHECK, ExitCode::Storage, error.to_string(), ""),
    }
}

fn rows(path: &Path, identity: &Identity) -> Result<u64, LedgerError> {
    let reader = LedgerReader::open(path)?;
    reader.expect_sound()?;
    if let Some(found) = reader.identity()? {
        identity.expect(path, &found)?;
    }
    Ok(reader.state_counts()?.total())
}
