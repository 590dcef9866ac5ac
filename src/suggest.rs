//! Suggestions for misspelt names.

use std::path::Path;

use crate::paths::folder_of;

/// `; did you mean 'X'?` with the name most similar to `misspelt`, or none if no Jaro-Winkler similarity, without regard
/// to case, is above 0.8.
pub(crate) fn did_you_mean<'a>(misspelt: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let misspelt = misspelt.to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&misspelt, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean '{candidate}'?"))
}

/// [`did_you_mean`] with the names in the folder of a missing file; empty if the file exists or no name is similar.
pub(crate) fn similar_file(path: &Path) -> String {
    let (Some(misspelt), false) = (path.file_name(), path.exists()) else { return String::new() };
    let entries = std::fs::read_dir(folder_of(path)).into_iter().flatten();
    // Bounds the time on a folder with millions of files.
    let names: Vec<_> = entries
        .flatten()
        .take(10_000)
        // A link to a missing file is in the folder under its own name.
        .filter(|entry| entry.file_name() != misspelt)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    did_you_mean(&misspelt.to_string_lossy(), names.iter().map(String::as_str)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_name_is_suggested() {
        let known = ["rate", "burst", "concurrency"];
        assert_eq!(did_you_mean("Rat", known.into_iter()).as_deref(), Some("; did you mean 'rate'?"));
        assert_eq!(did_you_mean("zzz", known.into_iter()), None);
    }

    #[test]
    fn a_similar_file_is_suggested_for_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("tickets.csv");
        std::fs::write(&there, "").unwrap();
        assert_eq!(similar_file(&folder.path().join("ticket.csv")), "; did you mean 'tickets.csv'?");
        assert_eq!(similar_file(&folder.path().join("zzz")), "");
        assert_eq!(similar_file(&there), "");
        #[cfg(unix)]
        {
            let dangling = folder.path().join("job.toml");
            std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
            assert_eq!(similar_file(&dangling), "");
        }
        assert_eq!(similar_file(&folder.path().join("no folder/ticket.csv")), "");
    }
}
