//! Names of months, weekdays and zones in a date, translated for jiff, which reads English names and numeric
//! offsets only.

use std::borrow::Cow;

use deunicode::deunicode;
use jiff::fmt::strtime::BrokenDownTime;

use super::fault::DateFault;
use super::spelling::plain;
use super::zone_names::{offset_from_utc, offset_of_zone, push_offset};

/// The names of each month, folded to lower-case ASCII, in English, German, French, Spanish, Portuguese and
/// Italian. Sources: the CLDR and the JDK's names, as exports have them. No name means two months.
const MONTHS: [&str; 12] = [
    "jan january januar jaenner janner janvier janv enero ene janeiro gennaio gen genn",
    "feb february februar feber fevrier fevr fev febrero fevereiro febbraio febb",
    "mar march maerz marz mrz mars marzo marco",
    "apr april avril avr abril abr aprile",
    "may mai mayo maio maggio mag magg",
    "jun june juni juin junio junho giugno giu",
    "jul july juli juillet juil julio julho luglio lug",
    "aug august aout aou agosto ago",
    "sep sept september septembre septiembre setiembre set setembro settembre sett",
    "oct october oktober okt octobre octubre outubro out ottobre ott",
    "nov november novembre noviembre novembro",
    "dec december dezember dez decembre diciembre dic dezembro dicembre",
];

/// The names of each weekday from Monday, as [`MONTHS`]. Portuguese `-feira` is skipped.
const WEEKDAYS: [&str; 7] = [
    "mon monday mo montag lun lundi lunes lunedi seg segunda",
    "tue tues tuesday di die dienstag mar mardi martes martedi ter terca",
    "wed wednesday mi mit mittwoch mer mercredi mie miercoles mercoledi qua quarta",
    "thu thur thurs thursday do don donnerstag jeu jeudi jue jueves gio giovedi qui quinta",
    "fri friday fr fre freitag ven vendredi vie viernes venerdi sex sexta",
    "sat saturday sa sam samstag sonnabend samedi sab sabado sabato",
    "sun sunday so son sonntag dim dimanche dom domingo domenica",
];

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const ENGLISH_WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A strtime format and the directives in it that are names.
#[derive(Clone, Debug)]
pub(super) struct NamePattern {
    /// The format as jiff reads it: `%Z` is `%z`.
    pub(super) text: String,
    names: Vec<Slot>,
    /// Whether a comment in parentheses may follow the offset, as in `+0100 (CET)`.
    may_have_comment: bool,
    /// Whether the format has `%.f`, which jiff reads with a point only.
    has_fraction: bool,
    /// The directives that need all of their digits. jiff also reads fewer.
    whole_numbers: Vec<WholeNumber>,
}

/// A year of two digits, or numbers without a separator between them: `5/11/2` has lost digits of its year, and
/// `115` is a quarter past one as `%H%M`, and not five past eleven.
#[derive(Clone, Copy, Debug)]
struct WholeNumber {
    /// Where the first directive starts in the format.
    start: usize,
    /// Number of digits.
    digits: usize,
    /// Whether it is only a year.
    is_year: bool,
}

/// A directive that is a name.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Where the directive starts in the format.
    start: usize,
    /// Where it ends.
    end: usize,
    kind: NameKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameKind {
    Month {
        is_full: bool,
    },
    Weekday {
        is_full: bool,
    },
    /// An offset with this number of colons in its directive.
    Zone {
        colons: usize,
    },
}

impl NamePattern {
    pub(super) fn new(format: &str) -> Self {
        let mut text = String::with_capacity(format.len());
        let mut names = Vec::new();
        let mut whole_numbers: Vec<WholeNumber> = Vec::new();
        // The directives of numbers before this one, without anything between.
        let mut numbers: Option<WholeNumber> = None;
        let (mut has_offset, mut has_fraction) = (false, false);
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            if at > 0 {
                numbers = None;
            }
            let directive = &rest[at + 1..];
            let modifiers = directive.len()
                - directive.trim_start_matches(|c: char| "-_^#:.".contains(c) || c.is_ascii_digit()).len();
            let Some(letter) = directive[modifiers..].chars().next() else {
                text.push_str(&rest[at..]);
                rest = "";
                break;
            };
            let start = text.len();
            rest = &directive[modifiers + letter.len_utf8()..];
            if letter == 'D' {
                text.push_str("%m/%d/");
                whole_numbers.push(WholeNumber { start: text.len(), digits: 2, is_year: true });
                text.push_str("%y");
                numbers = None;
                continue;
            }
            numbers = match (digits_of(letter).filter(|_| modifiers == 0), numbers) {
                (None, _) => None,
                (Some(digits), None) => {
                    Some(WholeNumber { start, digits, is_year: matches!(letter, 'y' | 'g') })
                }
                (Some(digits), Some(before)) => {
                    whole_numbers.retain(|known| known.start != before.start);
                    Some(WholeNumber { digits: before.digits + digits, is_year: false, ..before })
                }
            };
            let is_year = matches!(letter, 'y' | 'g');
            match numbers {
                Some(number) if number.is_year || number.start != start => whole_numbers.push(number),
                None if is_year => whole_numbers.push(WholeNumber { start, digits: 2, is_year }),
                Some(_) | None => {}
            }
            text.push('%');
            text.push_str(&directive[..modifiers]);
            text.push(if letter == 'Z' { 'z' } else { letter });
            let kind = match letter {
                'b' | 'h' => Some(NameKind::Month { is_full: false }),
                'B' => Some(NameKind::Month { is_full: true }),
                'a' => Some(NameKind::Weekday { is_full: false }),
                'A' => Some(NameKind::Weekday { is_full: true }),
                'z' | 'Z' => Some(NameKind::Zone { colons: directive[..modifiers].matches(':').count() }),
                _ => None,
            };
            has_fraction |= letter == 'f' && directive.starts_with('.');
            has_offset |= matches!(letter, 'z' | 'Z');
            names.extend(kind.map(|kind| Slot { start, end: text.len(), kind }));
        }
        text.push_str(rest);
        let may_have_comment = has_offset && !text.ends_with(')');
        NamePattern { text, names, may_have_comment, has_fraction, whole_numbers }
    }

    /// The parsed text.
    ///
    /// # Errors
    /// [`DateFault::OtherForm`]: it does not fit; [`DateFault::OneDigitYear`] and [`DateFault::LostDigit`]: it fits
    /// with fewer digits only.
    pub(super) fn parse(&self, text: &str) -> Result<BrokenDownTime, DateFault> {
        let text = self.without_comment(text);
        // English names and numeric offsets need no translation.
        if let Ok(parsed) = BrokenDownTime::parse(&self.text, text) {
            return self.accept_digits(parsed, text);
        }
        let text = &*plain(text);
        if let Ok(parsed) = BrokenDownTime::parse(&self.text, text) {
            return self.accept_digits(parsed, text);
        }
        let text = &*self.translated(text).ok_or(DateFault::OtherForm)?;
        let parsed = BrokenDownTime::parse(&self.text, text).map_err(|_| DateFault::OtherForm)?;
        self.accept_digits(parsed, text)
    }

    /// Refuses numbers that have lost digits.
    fn accept_digits(&self, parsed: BrokenDownTime, text: &str) -> Result<BrokenDownTime, DateFault> {
        for WholeNumber { start, digits, is_year } in &self.whole_numbers {
            let before = BrokenDownTime::parse_prefix(&self.text[..*start], text);
            let before = before.map_err(|_| DateFault::OtherForm)?.1;
            let number = text.get(before..).unwrap_or_default().trim_start();
            if number.bytes().take_while(u8::is_ascii_digit).count() < *digits {
                return Err(if *is_year { DateFault::OneDigitYear } else { DateFault::LostDigit });
            }
        }
        Ok(parsed)
    }

    /// Whether the start of `text` fits.
    pub(super) fn fits_start(&self, text: &str) -> bool {
        let fits = |text: &str| BrokenDownTime::parse_prefix(&self.text, text).is_ok();
        let text = &*plain(text);
        fits(text) || self.translated(text).is_some_and(|text| fits(&text))
    }

    fn without_comment<'a>(&self, text: &'a str) -> &'a str {
        match text.strip_suffix(')').and_then(|inside| inside.rsplit_once(" (")) {
            Some((before, _)) if self.may_have_comment => before,
            _ => text,
        }
    }

    /// `text` with English names, numeric offsets and a decimal point; none if a name is none, or there is
    /// nothing to translate.
    fn translated(&self, text: &str) -> Option<String> {
        let with_point = self.has_fraction.then(|| with_decimal_point(text)).flatten();
        if self.names.is_empty() {
            return with_point;
        }
        let mut translated = String::with_capacity(text.len() + 8);
        let (mut rest, mut done) = (with_point.as_deref().unwrap_or(text), 0);
        for Slot { start, end, kind } in &self.names {
            let (_, length) = BrokenDownTime::parse_prefix(&self.text[done..*start], rest).ok()?;
            translated.push_str(rest.get(..length)?);
            rest = &rest[length..];
            done = *start;
            let word = leading_word(rest);
            if let NameKind::Zone { colons } = kind {
                if let Some((minutes, length)) = offset_from_utc(rest, word) {
                    push_offset(minutes, *colons, &mut translated);
                    (rest, done) = (&rest[length..], *end);
                    continue;
                }
                // A numeric offset: jiff reads it with the text that follows.
                if word.is_empty() {
                    continue;
                }
            }
            kind.translate(word, &mut translated)?;
            rest = &rest[word.len()..];
            done = *end;
            if matches!(kind, NameKind::Weekday { .. }) {
                rest = rest.strip_prefix("-feira").unwrap_or(rest);
            }
            if !self.text[done..].starts_with('.') && !matches!(kind, NameKind::Zone { .. }) {
                rest = rest.strip_prefix('.').unwrap_or(rest);
            }
            // Oracle pads a name to the length of the language's longest.
            if !self.text[done..].starts_with(' ') {
                rest = rest.trim_start_matches(' ');
            }
        }
        translated.push_str(rest);
        Some(translated)
    }
}

/// The digits of a directive for a number that is padded with zeros.
fn digits_of(letter: char) -> Option<usize> {
    match letter {
        'Y' | 'G' => Some(4),
        'j' => Some(3),
        'y' | 'g' | 'm' | 'd' | 'H' | 'I' | 'M' | 'S' | 'U' | 'V' | 'W' => Some(2),
        'u' | 'w' => Some(1),
        _ => None,
    }
}

impl NameKind {
    /// Appends what jiff reads for `word`; none if the word is no such name.
    fn translate(self, word: &str, text: &mut String) -> Option<()> {
        match self {
            NameKind::Month { is_full } => {
                let month = ENGLISH_MONTHS[index_of(&MONTHS, word)?];
                text.push_str(if is_full { month } else { &month[..3] });
            }
            NameKind::Weekday { is_full } => {
                let weekday = ENGLISH_WEEKDAYS[index_of(&WEEKDAYS, word)?];
                text.push_str(if is_full { weekday } else { &weekday[..3] });
            }
            NameKind::Zone { colons } => {
                push_offset(offset_of_zone(word)?, colons, text);
            }
        }
        Some(())
    }
}

/// `text` with a point for the last comma between two digits; none without one.
fn with_decimal_point(text: &str) -> Option<String> {
    let (whole, fraction) = text.rsplit_once(',')?;
    let is_decimal =
        whole.ends_with(|c: char| c.is_ascii_digit()) && fraction.starts_with(|c: char| c.is_ascii_digit());
    is_decimal.then(|| format!("{whole}.{fraction}"))
}

/// The letters at the start of `text`, with their combining marks.
fn leading_word(text: &str) -> &str {
    let is_letter = |c: char| c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c);
    &text[..text.find(|c| !is_letter(c)).unwrap_or(text.len())]
}

fn index_of(names: &[&str], word: &str) -> Option<usize> {
    let folded: Cow<'_, str> = if word.is_ascii() { word.into() } else { deunicode(word).into() };
    let is_listed = |names: &&str| names.split(' ').any(|name| name.eq_ignore_ascii_case(&folded));
    names.iter().position(is_listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(format: &str, text: &str) -> Option<String> {
        Some(NamePattern::new(format).parse(text).ok()?.to_date().ok()?.to_string())
    }

    #[test]
    fn months_are_read_in_six_languages_in_full_and_abbreviated() {
        let languages = [
            "January February March April May June July August September October November December",
            "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
            "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
            "Jän Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
            "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
            "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
            "ene. feb. mar. abr. may. jun. jul. ago. sept. oct. nov. dic.",
            "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
            "gen feb mar apr mag giu lug ago set ott nov dic",
        ];
        for language in languages {
            for (index, name) in language.split(' ').enumerate() {
                let expected = Some(format!("2024-{:02}-05", index + 1));
                let decomposed = name.replace('ä', "a\u{308}").replace('é', "e\u{301}");
                for name in [name, &name.to_uppercase(), &name.to_lowercase(), &decomposed] {
                    for format in ["%d %B %Y", "%d %b %Y", "%d %h %Y"] {
                        assert_eq!(date(format, &format!("05 {name} 2024")), expected, "{format} {name}");
                    }
                    let dashed = format!("05-{name}-2024");
                    assert_eq!(date("%d-%b-%Y", &dashed), expected, "{dashed}");
                }
            }
        }
    }

    #[test]
    fn weekdays_are_read_in_six_languages() {
        let languages = [
            "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
            "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
            "lundi mardi mercredi jeudi vendredi samedi dimanche",
            "lunes martes miércoles jueves viernes sábado domingo",
            "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
            "lunedì martedì mercoledì giovedì venerdì sabato domenica",
            "Mon Tues Wed Thurs Fri Sat Sun",
            "Mo. Di. Mi. Do. Fr. Sa. So.",
            "lun. mar. mer. jeu. ven. sam. dim.",
            "lun mar mié jue vie sáb dom",
            "seg. ter. qua. qui. sex. sáb. dom.",
            "lun mar mer gio ven sab dom",
        ];
        for language in languages {
            for (index, name) in language.split(' ').enumerate() {
                // The 4th of March 2024 was a Monday.
                let day = index + 4;
                for format in ["%A, %d %B %Y", "%a, %d %B %Y"] {
                    let text = format!("{name}, {day:02} mars 2024");
                    assert_eq!(date(format, &text), Some(format!("2024-03-{day:02}")), "{text}");
                    let wrong = format!("{name}, {:02} mars 2024", day + 1);
                    assert_eq!(date(format, &wrong), None, "{wrong}");
                }
            }
        }
    }

    #[test]
    fn no_name_stands_for_two_months_or_weekdays() {
        for table in [&MONTHS[..], &WEEKDAYS[..]] {
            let mut names: Vec<&str> = table.iter().flat_map(|names| names.split(' ')).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }

    #[test]
    fn a_dot_of_the_format_stays_a_separator() {
        assert_eq!(date("%d.%b.%Y", "05.Mär.2024").as_deref(), Some("2024-03-05"));
        assert_eq!(date("%d. %B %Y", "5. März 2024").as_deref(), Some("2024-03-05"));
        assert_eq!(date("%d de %B de %Y", "5 de março de 2024").as_deref(), Some("2024-03-05"));
    }

    proptest::proptest! {
        #[test]
        fn no_format_and_no_text_panics(format in "(%[-_0-9:]?[a-zA-Z.]|[ ä年.,-]|\\PC){0,8}", text in "\\PC{0,24}") {
            let pattern = NamePattern::new(&format);
            let _ = (pattern.parse(&text), pattern.fits_start(&text));
        }
    }
}
