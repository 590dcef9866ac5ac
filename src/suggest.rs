//! Suggestions for misspelt words.

/// `; did you mean 'X'?` for the nearest of `known`, if one is near enough.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean '{candidate}'?"))
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn the_nearest_known_word_is_suggested() {
        let known = ["rate", "burst", "concurrency"];
        assert_eq!(did_you_mean("Rat", known.into_iter()).as_deref(), Some("; did you mean 'rate'?"));
        assert_eq!(did_you_mean("zzz", known.into_iter()), None);
    }
}
