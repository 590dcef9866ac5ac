//! Whether a header says that its column holds dates.

use super::header_words::is_listed;

/// Words anywhere in a header that mean a date.
const CERTAIN: &str = "date, dates, datetime, timestamp, datum, fecha, zeitpunkt, zeitstempel";

/// Words that mean a date at the end of a header: `created_at`, `Closed On`.
const CERTAIN_LAST: &str = "at, on";

/// Ends of words that mean a date: `Erstellungsdatum`, `createdate`, `作成日時`.
const CERTAIN_ENDS: &str = "date, datum, zeitpunkt, zeitstempel, timestamp, 日付, 日時, 日期, 날짜, 일시";

/// Words that only end like a date.
const OTHERS: &str = "update, candidate, mandate, validate, invalidate, consolidate, intimidate, sedate";

/// Words of what happened to a ticket. Such a column may also hold a yes or no.
const EVENTS: &str = "\
    created, opened, closed, updated, modified, changed, resolved, solved, completed, started, finished, \
    received, reported, due, deadline, birthday, erstellt, geoffnet, eroffnet, geschlossen, geandert, \
    erledigt, fallig, creado, abierto, cerrado, actualizado, cree, ouvert, ferme, resolu, creato, aperto, \
    chiuso, criado, aberto, fechado, encerrado";

/// Words of people, ids, amounts and counts: `Created by ID` and `Amount due` hold numbers.
const NO_EVENTS: &str = "\
    id, ids, user, agent, name, email, amount, balance, sum, betrag, montant, importe, count, number, total, \
    percent, tickets, cases, issues, requests, comments";

/// Words at the end of a header that mean a person: `Updated by`.
const NO_EVENTS_LAST: &str = "by, von, par, por, da";

/// Units of durations.
const UNITS: &str = "\
    ms, milliseconds, s, sec, secs, seconds, min, mins, minutes, h, hrs, hours, days, sekunden, minuten, stunden, \
    tage, secondes, heures, jours, segundos, minutos, horas, dias";

/// Words that mean a date or a duration, or in another language something else.
const LIKELY: &str = "time, zeit, hora, heure, data, dato";

/// Such ends of words.
const LIKELY_ENDS: &str = "zeit, 时间";

/// The evidence for dates in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateName {
    /// The column holds dates.
    Certain,
    /// It says when something happened, or whether.
    Event,
    /// It holds dates or something else.
    Likely,
}

impl DateName {
    /// None if the header's words say nothing about dates.
    pub(super) fn of(words: &[String]) -> Option<Self> {
        let has = |list| words.iter().any(|word| is_listed(word, list));
        let ends = |list: &'static str| {
            let is_end =
                |word: &str| list.split(", ").any(|end| word.len() > end.len() && word.ends_with(end));
            words.iter().any(|word| is_end(word) && !is_listed(word, OTHERS)) || has(list)
        };
        // `At` alone names no date.
        let is_last = words.len() > 1 && words.last().is_some_and(|word| is_listed(word, CERTAIN_LAST));
        let is_of_other = has(NO_EVENTS) || words.last().is_some_and(|word| is_listed(word, NO_EVENTS_LAST));
        if has(CERTAIN) || is_last || ends(CERTAIN_ENDS) {
            Some(DateName::Certain)
        } else if has(EVENTS) && !is_of_other {
            Some(DateName::Event)
        } else {
            ((has(LIKELY) || ends(LIKELY_ENDS)) && !has(UNITS)).then_some(DateName::Likely)
        }
    }
}

/// Words for dates in languages whose countries write the day first.
const DAY_FIRST: &str = "\
    zeit, hora, fecha, heure, dato, erstellt, geoffnet, eroffnet, geschlossen, geandert, erledigt, fallig, \
    creado, abierto, cerrado, actualizado, cree, ouvert, ferme, resolu, creato, aperto, chiuso, criado, \
    aberto, fechado, encerrado";

/// Ends of such words.
const DAY_FIRST_ENDS: &str = "datum, zeitpunkt, zeitstempel";

/// Whether the header is in a language whose countries write the day first.
pub(super) fn is_day_first_language(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| is_listed(word, DAY_FIRST) || DAY_FIRST_ENDS.split(", ").any(|end| word.ends_with(end)))
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
            ("Erstellungsdatum", Some(DateName::Certain)),
            ("Fälligkeitsdatum", Some(DateName::Certain)),
            ("Data de abertura", Some(DateName::Likely)),
            ("Fecha de creación", Some(DateName::Certain)),
            ("Date de création", Some(DateName::Certain)),
            ("hs_createdate", Some(DateName::Certain)),
            ("Initiation timestamp", Some(DateName::Certain)),
            ("作成日時", Some(DateName::Certain)),
            ("创建时间", Some(DateName::Likely)),
            ("Resolution time", Some(DateName::Likely)),
            ("Bearbeitungszeit", Some(DateName::Likely)),
            ("Closed", Some(DateName::Event)),
            ("Data", Some(DateName::Likely)),
            ("Last update", None),
            ("Created by ID", None),
            ("Updated by", None),
            ("Amount due", None),
            ("Opened tickets", None),
            ("Response time (ms)", None),
            ("First reply time in minutes", None),
            ("Due by Time", Some(DateName::Event)),
            ("created_ms", Some(DateName::Event)),
            ("Due by date", Some(DateName::Certain)),
            ("Candidate", None),
            ("On", None),
            ("Subject", None),
        ] {
            assert_eq!(DateName::of(&words(header)), expected, "{header}");
        }
    }

    #[test]
    fn german_and_french_headers_mean_that_the_day_comes_first() {
        for header in ["Erstellt am", "Créé", "Rechnungsdatum", "Fecha"] {
            assert!(is_day_first_language(&words(header)), "{header}");
        }
        for header in ["Created", "Date", "Data", "Subject"] {
            assert!(!is_day_first_language(&words(header)), "{header}");
        }
    }
}
