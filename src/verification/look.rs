//! What an unknown row is searched by. Pure.

use crate::ledger::{Cause, Sent, UnknownRow};
use crate::mapping::{MapFault, Mapping, MappingError};
use crate::submission::{Search, SearchBy};

/// How far the clocks of this machine and of Connect may be apart, and an answer late, in milliseconds.
const LEEWAY_MS: i64 = 15 * 60 * 1000;

/// The longest time range of a search: eight weeks (administrator guide, contact search; the API reference names none).
const LONGEST_MS: i64 = 8 * 7 * 24 * 60 * 60 * 1000;

/// The longest value of an attribute that can be searched (administrator guide, search by custom contact
/// attributes).
const VALUE_CHARS: usize = 100;

/// What is searched for, and what a contact must be to be the row's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wanted {
    pub(super) search: Search,
    /// What the row was sent with.
    pub(super) sent: Sent,
    /// The attribute that tells the row's contact from every other; without one all of it must fit.
    pub(super) attribute: Option<(String, String)>,
}

/// What to search for: the attribute, if the row has it and it is short enough; otherwise the name.
pub(super) fn wanted(
    unknown: &UnknownRow,
    mapping: &Result<Mapping, MappingError>,
    attribute: Option<&str>,
) -> Result<Wanted, Cause> {
    let unsearchable = |message: String| Cause { code: "Unsearchable".into(), message };
    let mapping = mapping.as_ref().map_err(|error| unsearchable(error.to_string()))?;
    // As it was mapped when it was sent.
    let mapped = mapping.map(&unknown.cells, unknown.first_sent_ms / 1000);
    let request = match mapped {
        Ok(mapped) => mapped.request,
        Err(MapFault::Row(rejection)) => return Err(unsearchable(rejection.to_string())),
        Err(MapFault::Job(error)) => return Err(unsearchable(error.to_string())),
    };
    let mut attributes = request.attributes.iter().map(|(key, value)| (key, &**value));
    let attribute = attribute
        .and_then(|wanted| attributes.find(|(key, _)| *key == wanted))
        .filter(|(_, value)| !value.is_empty() && value.chars().count() <= VALUE_CHARS)
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let by = match (&attribute, request.name.as_deref().map(str::trim)) {
        (Some((key, value)), _) => SearchBy::Attribute { key: key.clone(), value: value.clone() },
        (None, Some(name)) if !name.is_empty() => SearchBy::Name(name.to_owned()),
        (None, _) => {
            let message = "it was sent without a name, and without an attribute to search by";
            return Err(unsearchable(message.to_owned()));
        }
    };
    let until_ms = unknown.last_sent_ms + LEEWAY_MS;
    let from_ms = (unknown.first_sent_ms - LEEWAY_MS).max(until_ms - LONGEST_MS);
    let sent = unknown.row.sent.unwrap_or_else(|| Sent::with(unknown.row.token, &request));
    Ok(Wanted { search: Search { by, from_ms, until_ms }, sent, attribute })
}
