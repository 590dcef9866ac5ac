//! The mapping for every header that rows wait under.

use std::collections::HashMap;

use crate::ledger::{Claim, Ledger, LedgerError};
use crate::mapping::{Mapping, MappingError, MappingSource};
use crate::source::Header;

/// Mappings by header. Rows that earlier runs left behind may stand under one that the mapping does not
/// fit.
#[derive(Debug)]
pub(super) struct WaitingMappings(HashMap<i64, Result<Mapping, MappingError>>);

impl WaitingMappings {
    /// The mapping for a row, or why there is none.
    pub(super) fn of(&self, claim: &Claim) -> Result<&Mapping, MappingError> {
        match self.0.get(&claim.header()) {
            Some(Ok(mapping)) => Ok(mapping),
            Some(Err(error)) => Err(error.clone()),
            None => {
                Err(MappingError { place: "the ledger".into(), problem: "has no header for this row".into() })
            }
        }
    }
}

pub(super) fn mappings_of_waiting_rows(
    ledger: &Ledger,
    source: &MappingSource,
) -> Result<WaitingMappings, LedgerError> {
    let compile = |(id, columns): (i64, Vec<String>)| (id, Mapping::compile(source, &Header::new(columns)));
    Ok(WaitingMappings(ledger.waiting_headers()?.into_iter().map(compile).collect()))
}
