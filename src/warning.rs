//! Warnings of an input: what deserves a look before anything is sent, though no row is rejected for it.
//!
//! [`Warnings`] is the one collection. `check` prints it, and `run` shows what its intake collected before the first
//! request. A warning holds no cell.
//!
//! How to add a warning: add a variant to [`WarningCode`], and call [`Warnings::warn`] where it is seen. Text, JSON,
//! the count and `--strict` follow.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Serialize;

use crate::source::RowKey;

/// Examples kept for each group of warnings.
const EXAMPLES: usize = 3;

/// Maximum number of groups; templates in map keys could produce any number of member names.
const GROUPS: usize = 1000;

/// Kind of a warning. The variant's name is the published code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum WarningCode {
    /// Rows have several lines, each of which looks like a row.
    SwallowedRows,
    /// All letters outside of ASCII are malformed so far: the encoding is probably another.
    SuspectEncoding,
    /// The last row is shorter than the others and has no line end.
    TruncatedFile,
    /// A row looks like a total of the others.
    TotalRow,
    /// A row has words in the first of three or more cells and nothing in the others, as a title or footer has.
    TitleRow,
    /// The job names no key, so the whole row is its key: a cell, column or `null` setting that changes makes a new
    /// contact.
    NoKey,
    /// Without a key: rows equal an earlier row, and each is imported.
    IdenticalRows,
    /// Keys differ from another row's, in the input or in the ledger, only in what is easily overlooked.
    LookAlikeKey,
    /// Keys look like a number that a spreadsheet or a number type rewrote, such as `1.23E+17`, `#####` or `601.0`.
    SpoiledKey,
    /// Cells of a column that is sent are texts that exports write for no value, such as `NULL` or `N/A`, and not among
    /// those under `[source] null`; or are such texts in quotes, and no cell is one of them without.
    LookAlikeNull,
    /// Dates may have the day or the month first.
    DayMonthOrder,
    /// Dates lie after the 30th of June that follows the year of the time-zone data; their offset is a prediction. Update
    /// tzdata or connect-import, or export dates with their offset.
    DateBeyondZoneData,
    /// Contacts have no name.
    NoName,
    /// Texts are cut, by the filter `truncate` or by `on_too_long = "truncate"`.
    TextCut,
    /// Values begin or end with white space, a no-break space or an invisible one.
    PaddedValue,
    /// Values of references of type URL are no URLs.
    InvalidUrl,
    /// Tasks follow a contact that has as many following tasks as Connect allows.
    LongChain,
    /// Tasks are scheduled further ahead than the API reference allows.
    ScheduledFar,
    /// The ledger of a run would be new, and one of the same import lies in its folder, so a run would not start.
    OtherLedger,
    /// More rows have faults than `--max-errors` allows, so a run would not start.
    ErrorBudgetSpent,
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A row that shows a fault or a warning.
// Published in the messages of `check`, as the next type is, with these descriptions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowExample {
    /// Path of the input, or -.
    pub file: String,
    /// Line of the file where the row starts.
    pub line: u64,
    /// Key of the row; may be empty.
    pub key: String,
    /// Size of the value, or how the row differs; may be empty, and is never a cell.
    pub found: String,
}

/// Warnings of one kind about one member or column.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Warning {
    /// Kind of the warning.
    pub code: WarningCode,
    /// Path of the member, or header of the column; empty if the warning concerns whole rows or the run.
    pub subject: String,
    /// Observation, such as `is cut to fit`.
    pub message: String,
    /// Remedy: a key to set or a command; may be empty.
    pub remedy: String,
    /// Number of rows concerned; 0 if the warning concerns the whole run.
    pub count: u64,
    /// First rows of the group.
    pub examples: Vec<RowExample>,
}

impl Warning {
    /// A warning about the whole run. See [`Self::about`], [`Self::at`] and [`Self::times`].
    pub fn new(code: WarningCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (message, remedy) = (message.into(), remedy.into());
        Warning { code, subject: String::new(), message, remedy, count: 0, examples: Vec::new() }
    }

    /// Names the member or column.
    #[must_use]
    pub fn about(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    /// Counts a row and keeps it as an example. `found` may be empty and must not be a cell.
    #[must_use]
    pub fn at(mut self, file: &str, line: u64, key: &str, found: impl Into<String>) -> Self {
        let (file, key) = (file.to_owned(), key.to_owned());
        self.examples.push(RowExample { file, line, key, found: found.into() });
        self.count += 1;
        self
    }

    /// Sets the number of rows, for a warning that is given once for many.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = count;
        self
    }
}

/// A row that is warned of.
#[derive(Clone, Copy, Debug)]
pub struct WarnedRow<'a> {
    /// Path of the input, or `-`.
    pub file: &'a str,
    /// Line of the file where the row starts.
    pub line: u64,
    /// Key of the row.
    pub key: &'a RowKey,
}

/// Warnings grouped by code and subject, with counts and the first examples.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    groups: Vec<Warning>,
    /// Index in `groups` by code and subject.
    index: HashMap<WarningCode, HashMap<String, usize>>,
}

impl Warnings {
    /// Adds a warning to the group of its code and subject, whose first message and remedy stay.
    pub fn warn(&mut self, mut warning: Warning) {
        let is_full = self.groups.len() >= GROUPS;
        let subjects = self.index.entry(warning.code).or_default();
        if is_full && !subjects.contains_key(&warning.subject) {
            warning.subject = "(others)".to_owned();
        }
        match subjects.get(&warning.subject) {
            Some(index) => {
                let group = &mut self.groups[*index];
                group.count += warning.count;
                let free = EXAMPLES.saturating_sub(group.examples.len());
                group.examples.extend(warning.examples.into_iter().take(free));
            }
            None => {
                subjects.insert(warning.subject.clone(), self.groups.len());
                warning.examples.truncate(EXAMPLES);
                self.groups.push(warning);
            }
        }
    }

    /// Warns of a row. `text` makes message and remedy; it is called only while the group needs examples, so that a
    /// warning about every row costs little.
    pub fn warn_of_row(
        &mut self,
        code: WarningCode,
        subject: &str,
        row: WarnedRow<'_>,
        text: impl FnOnce() -> [String; 2],
    ) {
        if !self.count_known(code, subject) {
            let [message, remedy] = text();
            let warning = Warning::new(code, message, remedy).about(subject);
            self.warn(warning.at(row.file, row.line, &row.key.label(), ""));
        }
    }

    /// Counts one more row of a group that needs no further example, without an allocation. Returns whether it did; if
    /// not, the caller makes the warning.
    pub fn count_known(&mut self, code: WarningCode, subject: &str) -> bool {
        let index = self.index.get(&code).and_then(|subjects| subjects.get(subject));
        match index.and_then(|index| self.groups.get_mut(*index)) {
            Some(group) if group.examples.len() >= EXAMPLES => {
                group.count += 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Adds every group of `other`.
    pub fn extend(&mut self, other: Warnings) {
        for group in other.groups {
            self.warn(group);
        }
    }

    /// Groups in the order of their codes; those of one code in the order of their first warning.
    pub fn groups(&self) -> Vec<&Warning> {
        let mut groups: Vec<&Warning> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.code as usize);
        groups
    }

    /// Number of rows warned of under this code, over all subjects.
    pub fn count(&self, code: WarningCode) -> u64 {
        self.groups.iter().filter(|group| group.code == code).map(|group| group.count).sum()
    }

    /// Rows warned of under this code, by subject.
    pub fn by_subject(&self, code: WarningCode) -> BTreeMap<&str, u64> {
        let groups = self.groups.iter().filter(|group| group.code == code);
        groups.map(|group| (&*group.subject, group.count)).collect()
    }

    /// Whether there is no warning.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(member: &str, line: u64) -> Warning {
        Warning::new(WarningCode::TextCut, "is cut", "shorten it").about(member).at("t.csv", line, "", "")
    }

    #[test]
    fn warnings_of_a_code_and_subject_are_one_group_with_three_examples() {
        let mut warnings = Warnings::default();
        assert!(!warnings.count_known(WarningCode::TextCut, "Name"));
        for line in 2..5 {
            assert!(!warnings.count_known(WarningCode::TextCut, "Name"), "an example is needed");
            warnings.warn(cut("Name", line));
        }
        assert!(warnings.count_known(WarningCode::TextCut, "Name"));
        warnings.warn(cut("Name", 9));
        warnings.warn(cut("Description", 3));
        let groups = warnings.groups();
        let [name, description] = &groups[..] else { panic!("{groups:?}") };
        assert_eq!((name.count, description.count, warnings.count(WarningCode::TextCut)), (5, 1, 6));
        let lines: Vec<u64> = name.examples.iter().map(|example| example.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }

    #[test]
    fn groups_are_listed_by_code_and_limited_in_number() {
        let mut warnings = Warnings::default();
        warnings.warn(Warning::new(WarningCode::ErrorBudgetSpent, "m", "r"));
        for member in 0..GROUPS + 5 {
            warnings.warn(cut(&member.to_string(), 2));
        }
        let groups = warnings.groups();
        assert_eq!(groups.len(), GROUPS + 1);
        assert_eq!(warnings.by_subject(WarningCode::TextCut)["(others)"], 6);
        assert_eq!((&*groups[GROUPS - 1].subject, groups[GROUPS - 1].count), ("(others)", 6));
        assert_eq!((groups[GROUPS].code, groups[GROUPS].count), (WarningCode::ErrorBudgetSpent, 0));
    }

    #[test]
    fn collections_are_joined_group_by_group() {
        let (mut left, mut right) = (Warnings::default(), Warnings::default());
        left.warn(cut("Name", 2));
        right.warn(cut("Name", 3).times(10));
        left.extend(right);
        assert_eq!((left.groups()[0].count, left.groups()[0].examples.len()), (11, 2));
        assert!(!left.is_empty() && Warnings::default().is_empty());
    }
}
