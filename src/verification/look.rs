//! What an unknown row is searched by. Pure.

use crate::digest::Digest;
use crate::ledger::{Cause, InDoubtRow, RequestDigest};
use crate::mapping::{MapError, Mapping, MappingError};
use crate::submission::{ContactSearch, SearchBy};

/// How far the clocks of this machine and of Connect may be apart, and an answer late, in milliseconds.
const LEEWAY_MS: i64 = 15 * 60 * 1000;

/// The longest time range of a search: eight weeks (administrator guide, contact search; the API reference names none).
const LONGEST_MS: i64 = 8 * 7 * 24 * 60 * 60 * 1000;

/// The longest value of an attribute that can be searched (administrator guide, search by custom contact
/// attributes).
const VALUE_CHARS: usize = 100;

/// The longest text of a search by name (service model, SearchText).
const NAME_CHARS: usize = 128;

/// What is searched for, and what a contact must be to be the row's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wanted {
    pub(super) search: ContactSearch,
    /// What the row was sent with.
    pub(super) sent: RequestDigest,
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

impl Wanted {
    /// Equal for rows that were sent with the same name and attributes: nobody can tell their contacts apart.
    pub(super) fn likeness(&self) -> Digest {
        let mut attributes = self.attributes.clone();
        attributes.sort_unstable();
        let texts = attributes.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]);
        Digest::of([self.name.as_bytes()].into_iter().chain(texts))
    }
}

/// What to search for: the attribute, if the row has it and it is short enough; otherwise the name.
pub(super) fn wanted(
    row: &InDoubtRow,
    mapping: &Result<Mapping, MappingError>,
    attribute: Option<&str>,
) -> Result<Wanted, Cause> {
    let unsearchable = |message: String| Cause { code: "Unsearchable".into(), message };
    let mapping = mapping.as_ref().map_err(|error| unsearchable(error.to_string()))?;
    // As it was mapped when it was sent.
    let request = match mapping.map(&row.cells, row.first_sent_ms / 1000) {
        Ok(mapped) => mapped.request,
        Err(MapError::Row(rejection)) => return Err(unsearchable(rejection.to_string())),
        Err(MapError::Job(error)) => return Err(unsearchable(error.to_string())),
    };
    let sent = RequestDigest::of_request(row.row.token, &request);
    if row.row.digest != sent {
        let message =
            "the mapping makes another name or other attributes than were sent; use the job file of then";
        return Err(unsearchable(message.to_owned()));
    }
    let name = request.name.as_deref().unwrap_or_default().to_owned();
    let attributes: Vec<(String, String)> =
        request.attributes.iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect();
    let attribute = attribute
        .and_then(|wanted| attributes.iter().find(|(key, _)| key == wanted))
        .filter(|(_, value)| !value.is_empty() && value.chars().count() <= VALUE_CHARS);
    let by = match attribute {
        Some((key, value)) => SearchBy::Attribute { key: key.clone(), value: value.clone() },
        None => SearchBy::Name(first_words(&name)),
    };
    if by == SearchBy::Name(String::new()) {
        let message = "it was sent without a name, and without an attribute to search by";
        return Err(unsearchable(message.to_owned()));
    }
    let until_ms = row.last_sent_ms + LEEWAY_MS;
    let from_ms = (row.first_sent_ms - LEEWAY_MS).max(until_ms - LONGEST_MS);
    let channel = request.channel.as_deref().unwrap_or("TASK").to_owned();
    Ok(Wanted { search: ContactSearch { by, channel, from_ms, until_ms }, sent, name, attributes })
}

/// As many words of a name as a search takes; of a longer first word its beginning.
fn first_words(name: &str) -> String {
    let name = name.trim();
    let Some((end, _)) = name.char_indices().nth(NAME_CHARS) else { return name.to_owned() };
    let cut = &name[..end];
    cut.rfind(char::is_whitespace).map_or(cut, |space| cut[..space].trim_end()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_searched_by_its_first_words() {
        assert_eq!(first_words("  a name "), "a name");
        let long = "word ".repeat(40);
        assert_eq!(first_words(&long), "word ".repeat(25).trim_end());
        assert_eq!(first_words(&"ü".repeat(200)), "ü".repeat(128));
    }
}
