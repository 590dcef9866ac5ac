//! Warnings about keys, which `check` prints and `run` shows before its first request: rows whose key only looks like
//! that of another row, in the input or in the ledger; keys that a spreadsheet spoiled; and rows without a key.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use crate::ledger::{IS_CREATED, KeyHash, KnownKey, LedgerError, Occurrence, Occurrences, halves};
use crate::source::{KeyCell, KeyForms, RowKey, Spoilage, examine};
use crate::token::ClientToken;
use crate::warning::{Warning, WarningCode, Warnings};

/// Examples kept of cells that only the whole column shows to be spoiled.
const EXAMPLES: usize = 3;

/// Rows remembered that are told to look like created rows, 16 MB. A further one may be counted more than once.
const TOLD: usize = 1 << 20;

/// Place of a row in the input: index of the file, and line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowPlace {
    /// Index of the input.
    pub file: usize,
    /// Line on which the row starts.
    pub line: u64,
}

impl RowPlace {
    /// Lower bits of the number, which hold the line.
    const LINE_BITS: u32 = 44;

    /// A number below 2^63 for up to 524,288 inputs.
    fn number(self) -> u64 {
        (self.file as u64) << Self::LINE_BITS | self.line
    }

    /// The place of this number.
    pub fn from_number(number: u64) -> Self {
        let file = usize::try_from((number & !IS_CREATED) >> Self::LINE_BITS).unwrap_or_default();
        RowPlace { file, line: number & ((1 << Self::LINE_BITS) - 1) }
    }
}

/// A row whose key is reviewed.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRow<'a> {
    /// Place of the row.
    pub place: RowPlace,
    /// Key of the row.
    pub key: &'a RowKey,
    /// Token of the first row of the key. `None` if the keys are not compared with a ledger.
    pub token: Option<ClientToken>,
    /// Whether the row is created, so that nothing can be done about its key, or another shard's.
    pub is_created: bool,
}

/// Reviews the keys of the rows of an input, one after the other.
#[derive(Debug, Default)]
pub struct KeyReview {
    /// Names of the inputs.
    files: Vec<String>,
    keys: Occurrences,
    forms: KeyForms,
    /// With a random key, so that no input can be made to collide.
    hashes: RandomState,
    /// Rows that have a key and are not created.
    waiting: u64,
    /// Rows that have no key, and whose content is not created.
    keyless: u64,
    /// Numbers in each part of the keys.
    numbers: HashMap<usize, KeyNumbers>,
    /// Places of rows that look like a created row or one of the ledger, which several may do.
    told: HashSet<u64>,
    warnings: Warnings,
}

/// Numbers in one part of the keys, of which only the whole column shows whether they are spoiled.
#[derive(Debug, Default)]
struct KeyNumbers {
    /// Whether there is a true fraction.
    has_fraction: bool,
    /// Whether there is a number of more than 15 digits that is not rounded.
    has_long: bool,
    whole_fractions: Suspects,
    rounded: Suspects,
}

/// Rows whose key may be spoiled.
#[derive(Debug, Default)]
struct Suspects {
    rows: u64,
    first: Vec<(RowPlace, String)>,
}

impl Suspects {
    fn add(&mut self, row: &KeyedRow<'_>) {
        self.rows += 1;
        if self.first.len() < EXAMPLES {
            self.first.push((row.place, row.key.label()));
        }
    }
}

impl KeyReview {
    /// Begins the next input.
    pub fn begin(&mut self, file: &str) {
        self.files.push(file.to_owned());
    }

    /// Counts the row's key, and compares it with the keys of the rows before it.
    ///
    /// # Errors
    /// [`LedgerError::Temporary`]: many keys need a temporary file, which fails.
    pub fn row(&mut self, row: KeyedRow<'_>) -> Result<Occurrence, LedgerError> {
        let place = row.place.number() | if row.is_created { IS_CREATED } else { 0 };
        let RowKey::Columns(parts) = row.key else {
            let digest = row.key.digest();
            self.keyless += u64::from(!row.is_created && matches!(row.key, RowKey::Content(_)));
            return self.keys.count(digest, place);
        };
        let exact = row.token.map_or_else(|| self.hashes.hash_one(parts), exact_of_token);
        let form = self.hashes.hash_one(self.forms.of_key(row.key));
        let found = self.keys.count(KeyHash { form, exact }, place)?;
        match found.look_alike {
            // Of the two only the other row is still to be sent.
            Some(other) if row.is_created => self.warn_once(other, |review| {
                let seen_from = RowPlace::from_number(other).file;
                format!("looks like {}, {}", row.key.label(), review.text(row.place, seen_from))
            }),
            Some(other) => {
                if other & IS_CREATED != 0 && self.told.len() < TOLD {
                    self.told.insert(place);
                }
                self.warn_look_alike(row.place, |review| {
                    let other = review.text(RowPlace::from_number(other), row.place.file);
                    (row.key.label(), format!("looks like {other}"))
                });
            }
            None => {}
        }
        if !row.is_created {
            self.waiting += 1;
            for (part, cell) in parts.iter().enumerate() {
                self.examine(part, cell, &row);
            }
        }
        Ok(found)
    }

    /// Counts the key of a row of another shard, which a row of this one may look like.
    ///
    /// # Errors
    /// As [`KeyReview::row`].
    pub fn row_elsewhere(
        &mut self,
        place: RowPlace,
        key: &RowKey,
        token: Option<ClientToken>,
    ) -> Result<(), LedgerError> {
        match key {
            RowKey::Columns(_) => self.row(KeyedRow { place, key, token, is_created: true }).map(drop),
            RowKey::Content(_) | RowKey::Unusable(_) => Ok(()),
        }
    }

    /// Whether a comparison with the keys of a ledger can find something.
    pub fn has_waiting_keys(&self) -> bool {
        self.waiting > 0
    }

    /// Compares a key of the ledger with those of the input.
    ///
    /// # Errors
    /// [`LedgerError::Temporary`], as [`KeyReview::row`].
    pub fn known_key(&mut self, known: KnownKey<'_>) -> Result<(), LedgerError> {
        let form = self.hashes.hash_one(self.forms.of_label(known.label));
        let key = KeyHash { form, exact: exact_of_token(known.token) };
        if let Some(other) = self.keys.look_alike(key, IS_CREATED)? {
            self.warn_once(other, |_| {
                let KnownKey { label, line, source, .. } = known;
                format!("looks like {label}, line {line} of {source}, which the ledger has")
            });
        }
        Ok(())
    }

    /// The warnings about all keys.
    pub fn finish(mut self) -> Warnings {
        if self.keyless > 0 {
            let message = "the job names no key, so the whole row is its key: a cell, a column or a null setting that \
                           changes makes a new contact of a known row";
            let remedy =
                "name the column that identifies a row: key = [\"COLUMN\"] under [source], or --key COLUMN";
            self.warnings.warn(Warning::new(WarningCode::NoKey, message, remedy));
        }
        for (_, numbers) in std::mem::take(&mut self.numbers) {
            if !numbers.has_fraction {
                self.warn_suspects(numbers.whole_fractions, Spoilage::WholeFraction);
            }
            // One number in ten ends in a zero by itself.
            if !numbers.has_long && numbers.rounded.rows > 1 {
                self.warn_suspects(numbers.rounded, Spoilage::Rounded);
            }
        }
        self.warnings
    }

    fn examine(&mut self, part: usize, cell: &str, row: &KeyedRow<'_>) {
        match examine(cell) {
            KeyCell::Plain => {}
            KeyCell::Fraction => self.numbers.entry(part).or_default().has_fraction = true,
            KeyCell::Long => self.numbers.entry(part).or_default().has_long = true,
            KeyCell::Spoiled(Spoilage::WholeFraction) => {
                self.numbers.entry(part).or_default().whole_fractions.add(row)
            }
            KeyCell::Spoiled(Spoilage::Rounded) => self.numbers.entry(part).or_default().rounded.add(row),
            KeyCell::Spoiled(spoilage) => {
                if !self.warnings.count_known(WarningCode::SpoiledKey, "") {
                    let (file, key) = (&self.files[row.place.file], row.key.label());
                    self.warnings.warn(spoiled().at(file, row.place.line, &key, found(spoilage)));
                }
            }
        }
    }

    fn warn_suspects(&mut self, suspects: Suspects, spoilage: Spoilage) {
        let Suspects { rows, first } = suspects;
        if rows == 0 {
            return;
        }
        let examples = first.iter().fold(spoiled(), |warning, (place, key)| {
            warning.at(&self.files[place.file], place.line, key, found(spoilage))
        });
        self.warnings.warn(examples.times(rows));
    }

    /// A place as seen from a row of the input `from`.
    fn text(&self, RowPlace { file, line }: RowPlace, from: usize) -> String {
        match self.files.get(file).filter(|_| file != from) {
            Some(file) => format!("line {line} of {file}"),
            None => format!("line {line}"),
        }
    }

    /// Warns of the row at `place`, whose label is not known any more, unless that was done before. `found` names the key
    /// that it looks like.
    fn warn_once(&mut self, place: u64, found: impl FnOnce(&Self) -> String) {
        let is_new =
            if self.told.len() < TOLD { self.told.insert(place) } else { !self.told.contains(&place) };
        if is_new {
            self.warn_look_alike(RowPlace::from_number(place), |review| (String::new(), found(review)));
        }
    }

    /// `text` makes the label of the row's key and names the row that it looks like.
    fn warn_look_alike(&mut self, place: RowPlace, text: impl FnOnce(&Self) -> (String, String)) {
        if self.warnings.count_known(WarningCode::LookAlikeKey, "") {
            return;
        }
        let message = "has a key that differs from that of another row only in case, white space, invisible \
                       characters, or the form of a character";
        // A ledger keeps its key, and another ledger would send known rows again.
        let remedy = "if both are one record, it gets two contacts: write its key as the other row has it, or, if there is no \
                      ledger yet, make the key of a template, such as key = [\"{{ id | upper }}\"]";
        let (key, found) = text(self);
        let warning = Warning::new(WarningCode::LookAlikeKey, message, remedy);
        self.warnings.warn(warning.at(&self.files[place.file], place.line, &key, found));
    }
}

/// The half of a token that tells keys of one form apart.
fn exact_of_token(token: ClientToken) -> u64 {
    let [exact, _] = halves(token.0);
    exact
}

fn spoiled() -> Warning {
    let message = "has a key that looks like a number which a spreadsheet or a number type rewrote";
    let remedy = "different records may have one key, and only the first of them is imported: export the column as text, \
                  and do not save the CSV with a spreadsheet";
    Warning::new(WarningCode::SpoiledKey, message, remedy)
}

fn found(spoilage: Spoilage) -> &'static str {
    match spoilage {
        Spoilage::Exponent => "has an exponent, so that digits are lost",
        Spoilage::Hashes => "is what a spreadsheet shows in a column that is too narrow",
        Spoilage::FormulaError => "is the error value of a formula",
        Spoilage::WholeFraction => "is a whole number with a fraction of zero",
        Spoilage::Rounded => "has only zeros after its 15th digit, as every long number of the column",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Operation;
    use crate::token::TokenScheme;

    fn key(cell: &str) -> RowKey {
        RowKey::Columns(vec![cell.to_owned()])
    }

    fn token(cell: &str) -> ClientToken {
        TokenScheme::new("i", Operation::CreateContact, "").token(&key(cell), 1)
    }

    /// Reviews rows of these keys from line 2 on; those that begin with `*` are created.
    fn reviewed(cells: &[&str]) -> KeyReview {
        let mut review = KeyReview::default();
        review.begin("t.csv");
        for (cell, line) in cells.iter().zip(2..) {
            let (cell, is_created) = cell.strip_prefix('*').map_or((*cell, false), |cell| (cell, true));
            let (key, token) = (key(cell), Some(token(cell)));
            let place = RowPlace { file: 0, line };
            review.row(KeyedRow { place, key: &key, token, is_created }).unwrap();
        }
        review
    }

    fn told(review: KeyReview) -> Vec<String> {
        let warnings = review.finish();
        let told = warnings.groups().into_iter().map(|group| {
            let examples: Vec<String> =
                group.examples.iter().map(|example| format!("{}: {}", example.line, example.found)).collect();
            format!("{} {} {}", group.code, group.count, examples.join(", "))
        });
        told.collect()
    }

    fn known(review: &mut KeyReview, cell: &str) {
        let known = KnownKey { label: &key(cell).label(), token: token(cell), source: "m.csv", line: 7 };
        review.known_key(known).unwrap();
    }

    #[test]
    fn a_row_looks_like_an_earlier_one_of_the_input() {
        let review = reviewed(&["HD-1", "hd-1", "HD-2", "HD-1", "=\"HD-1\"", "HD-3"]);
        assert_eq!(told(review), ["LookAlikeKey 2 3: looks like line 2, 6: looks like line 2"]);
        assert!(told(reviewed(&["HD-1", "HD-1", "HD-2"])).is_empty());
        assert!(told(reviewed(&["*HD-1", "*hd-1"])).is_empty(), "nothing can be done");
        assert_eq!(told(reviewed(&["*HD-1", "hd-1"])), ["LookAlikeKey 1 3: looks like line 2"]);
    }

    #[test]
    fn a_row_looks_like_one_of_the_ledger_that_the_input_does_not_have() {
        let mut review = reviewed(&["HD-1", "*HD-2", "HD-3"]);
        // In the ledger a carriage return is a space.
        for cell in ["hd-1", "HD-1", "hd-2", "HD-4", "HD\r-3"] {
            known(&mut review, cell);
        }
        assert_eq!(
            told(review),
            [
                "LookAlikeKey 2 2: looks like hd-1, line 7 of m.csv, which the ledger has, 4: looks like HD -3, line 7 of \
                 m.csv, which the ledger has"
            ]
        );
    }

    #[test]
    fn a_row_that_looks_like_several_created_ones_is_told_once() {
        let mut review = reviewed(&["*HD-1", "hd-1"]);
        known(&mut review, "HD-1");
        known(&mut review, "Hd-1");
        assert_eq!(told(review), ["LookAlikeKey 1 3: looks like line 2"]);
        let mut review = reviewed(&["HD-1", "x", "*hd-1", "*Hd-1"]);
        known(&mut review, "hD-1");
        known(&mut review, "x ");
        assert_eq!(
            told(review),
            [
                "LookAlikeKey 2 2: looks like hd-1, line 4, 3: looks like x , line 7 of m.csv, which the ledger has"
            ]
        );
    }

    #[test]
    fn spoiled_numbers_are_told_and_those_that_only_their_column_shows_at_the_end() {
        let exponent = "has an exponent, so that digits are lost";
        assert_eq!(
            told(reviewed(&["1.23E+17", "HD-1", "1,2E+17"])),
            [format!("SpoiledKey 2 2: {exponent}, 4: {exponent}")]
        );
        assert!(told(reviewed(&["*1.23E+17"])).is_empty());
        let zero = "is a whole number with a fraction of zero";
        assert_eq!(told(reviewed(&["601.0", "602.0"])), [format!("SpoiledKey 2 2: {zero}, 3: {zero}")]);
        assert!(told(reviewed(&["1.0", "1.1", "2.0"])).is_empty(), "versions");
        assert_eq!(told(reviewed(&["1234567890123450", "1234567890123470"])).len(), 1);
        assert!(told(reviewed(&["1234567890123450", "1234567890123471"])).is_empty());
        assert!(told(reviewed(&["1234567890123450", "7"])).is_empty());
    }

    #[test]
    fn a_job_without_a_key_is_told_once() {
        let mut review = KeyReview::default();
        review.begin("t.csv");
        for line in 2..5 {
            let key = RowKey::Content(crate::digest::Digest([7; 16]));
            let place = RowPlace { file: 0, line };
            let occurrence =
                review.row(KeyedRow { place, key: &key, token: None, is_created: false }).unwrap();
            assert_eq!(u64::from(occurrence.number), line - 1);
        }
        assert_eq!(told(review), ["NoKey 0 "]);
    }

    #[test]
    fn a_place_survives_the_way_through_its_number() {
        let place = RowPlace { file: 2, line: (1 << 40) + 1 };
        assert_eq!(RowPlace::from_number(place.number()), place);
        assert_eq!(RowPlace::from_number(place.number() | IS_CREATED), place);
    }
}
