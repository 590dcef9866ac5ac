//! The mapping for every header that rows wait under.

use std::collections::HashMap;

use crate::ledger::{Claim, Ledger, LedgerError};
use crate::mapping::{Mapping, MappingError, MappingSource};
use crate::source::Header;

/// Mappings by header. Rows that earlier runs left behind may stand under one that the mapping does not
/// fit.
#[derive(Debug)]
pub(super) struct WaitingMappings(HashMap<i64, Waiting>);

/// A header, and the mapping for it.
#[derive(Debug)]
struct Waiting {
    header: Header,
    mapping: Result<Mapping, MappingError>,
}

impl WaitingMappings {
    /// The mapping for a row, or why there is none.
    pub(super) fn of(&self, claim: &Claim) -> Result<&Mapping, MappingError> {
        match self.0.get(&claim.header()).map(|waiting| &waiting.mapping) {
            Some(Ok(mapping)) => Ok(mapping),
            Some(Err(error)) => Err(error.clone()),
            None => {
                Err(MappingError { place: "the ledger".into(), problem: "has no header for this row".into() })
            }
        }
    }

    /// Whether the row's cells are those that were read: a bit may have been lost on the disk since.
    pub(super) fn is_as_read(&self, claim: &Claim) -> bool {
        let waiting = self.0.get(&claim.header());
        waiting.is_none_or(|waiting| waiting.header.content(claim.cells()) == claim.content())
    }
}

pub(super) fn mappings_of_waiting_rows(
    ledger: &Ledger,
    source: &MappingSource,
) -> Result<WaitingMappings, LedgerError> {
    let compile = |(id, columns): (i64, Vec<String>)| {
        let header = Header::new(columns);
        let mapping = Mapping::compile(source, &header);
        (id, Waiting { header, mapping })
    };
    Ok(WaitingMappings(ledger.waiting_headers()?.into_iter().map(compile).collect()))
}
