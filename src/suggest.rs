//! Suggestions for misspelt words and names of files.

use std::path::Path;

use crate::paths::folder_of;

/// `; did you mean 'X'?` for the nearest of `known`, if one is near enough.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean '{candidate}'?"))
}

/// The same for a file that is not there, of the names in its folder; nothing where none is near, or the file is there.
pub(crate) fn similar_file(path: &Path) -> String {
    let (Some(wanted), false) = (path.file_name(), path.exists()) else { return String::new() };
    let entries = std::fs::read_dir(folder_of(path)).into_iter().flatten();
    // More names than anybody would look through.
    let names: Vec<_> = entries
        .flatten()
        .take(10_000)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    did_you_mean(&wanted.to_string_lossy(), names.iter().map(String::as_str)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_word_is_suggested() {
        let known = ["rate", "burst", "concurrency"];
        assert_eq!(did_you_mean("Rat", known.into_iter()).as_deref(), Some("; did you mean 'rate'?"));
        assert_eq!(did_you_mean("zzz", known.into_iter()), None);
    }

    #[test]
    fn a_file_that_is_not_there_has_one_with_a_similar_name() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("tickets.csv");
        std::fs::write(&there, "").unwrap();
        assert_eq!(similar_file(&folder.path().join("ticket.csv")), "; did you mean 'tickets.csv'?");
        assert_eq!(similar_file(&folder.path().join("zzz")), "");
        assert_eq!(similar_file(&there), "");
        assert_eq!(similar_file(&folder.path().join("no folder/ticket.csv")), "");
    }
}
