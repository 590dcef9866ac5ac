//! Whether a header says that its column holds dates.

use super::header_words::is_listed;

/// Words anywhere in a header that mean a date.
const CERTAIN: &str = "\
    date, datetime, timestamp, datum, fecha, zeitpunkt, 日付, 日時";

/// Words that mean a date at the end of a header: `created_at`, `Closed On`.
const CERTAIN_LAST: &str = "at, on";

/// Words that mean a date or something else, such as a duration or a yes or no.
const LIKELY: &str = "\
    time, zeit, hora, heure, data, dato, created, opened, closed, updated, modified, changed, resolved, \
    solved, completed, started, finished, due, deadline, birthday, erstellt, geoffnet, geschlossen, \
    geandert, erledigt, fallig, creado, cerrado, actualizado, cree, ferme, resolu, creato, chiuso, \
    criado, fechado";

/// What a header says about dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateName {
    /// The column holds dates.
    Certain,
    /// It may.
    Likely,
}

impl DateName {
    /// None if the header's words say nothing about dates.
    pub(super) fn of(words: &[String]) -> Option<Self> {
        let has = |list| words.iter().any(|word| is_listed(word, list));
        // `Sign-on` and `Look at` are rare enough.
        let is_last = words.len() > 1 && words.last().is_some_and(|word| is_listed(word, CERTAIN_LAST));
        if has(CERTAIN) || is_last {
            Some(DateName::Certain)
        } else {
            has(LIKELY).then_some(DateName::Likely)
        }
    }
}

/// Words for dates in languages whose countries write the day first.
const DAY_FIRST: &str = "\
    datum, zeit, zeitpunkt, erstellt, geoffnet, geschlossen, geandert, erledigt, fallig, fecha, hora, \
    creado, cerrado, actualizado, heure, cree, ferme, resolu, creato, chiuso, criado, fechado, dato";

/// Whether the header is in a language whose countries write the day first.
pub(super) fn is_day_first_language(words: &[String]) -> bool {
    words.iter().any(|word| is_listed(word, DAY_FIRST))
}

#[cfg(test)]
mod tests {
    use super::super::header_words::words;
    use super::*;

    #[test]
    fn a_name_is_certain_only_if_it_means_nothing_else() {
        for (header, expected) in [
            ("Date", Some(DateName::Certain)),
            ("created_at", Some(DateName::Certain)),
            ("Geschlossen am Datum", Some(DateName::Certain)),
            ("Initiation timestamp", Some(DateName::Certain)),
            ("Resolution time", Some(DateName::Likely)),
            ("Closed", Some(DateName::Likely)),
            ("Data", Some(DateName::Likely)),
            ("On", None),
            ("Subject", None),
        ] {
            assert_eq!(DateName::of(&words(header)), expected, "{header}");
        }
    }

    #[test]
    fn german_and_french_headers_mean_that_the_day_comes_first() {
        assert!(is_day_first_language(&words("Erstellt am")));
        assert!(is_day_first_language(&words("Créé")));
        assert!(!is_day_first_language(&words("Created")));
    }
}
