//! How many rows fill each member, and the longest text of each.

use std::collections::HashMap;

use crate::mapping::{FilledValue, MappedMember};

/// How often a member is filled, over all inputs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberCount {
    /// Path of the member.
    pub member: String,
    /// Rows whose request has it.
    pub filled: u64,
    /// Rows whose request does not have it.
    pub left_out: u64,
    /// Maximum length of its text, characters; none for numbers and structures.
    pub limit: Option<usize>,
    /// Its longest text, as it is sent; none if it has no text.
    pub longest: Option<LongestText>,
}

/// The longest text of a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongestText {
    /// Length, characters.
    pub chars: usize,
    /// Name of the input.
    pub file: String,
    /// Line on which the row starts.
    pub line: u64,
}

/// Counts the members that rows fill, by the index of the member in the mapping of the current header.
#[derive(Debug, Default)]
pub(super) struct MemberTally {
    rows: u64,
    /// Position in `counts` of each member of the current mapping.
    current: Vec<Position>,
    is_begun: bool,
    counts: Vec<MemberCount>,
    by_path: HashMap<String, usize>,
}

/// Where a member of the current mapping is counted.
#[derive(Clone, Copy, Debug)]
enum Position {
    /// Index in the counts.
    At(usize),
    /// Nowhere: every row has the same text.
    Constant,
}

impl MemberTally {
    /// Begins an input, whose mapping may differ.
    pub(super) fn begin(&mut self) {
        self.is_begun = false;
    }

    /// Counts a row whose mapping has these members.
    #[inline]
    pub(super) fn row(&mut self, members: &[MappedMember]) {
        if !self.is_begun {
            self.set_members(members);
        }
        self.rows += 1;
    }

    #[cold]
    fn set_members(&mut self, members: &[MappedMember]) {
        self.is_begun = true;
        let MemberTally { counts, by_path, .. } = self;
        let positions = members.iter().map(|MappedMember { path, limit, is_constant }| {
            if *is_constant && !by_path.contains_key(path) {
                return Position::Constant;
            }
            Position::At(*by_path.entry(path.clone()).or_insert_with(|| {
                let (member, limit) = (path.clone(), *limit);
                counts.push(MemberCount { member, filled: 0, left_out: 0, limit, longest: None });
                counts.len() - 1
            }))
        });
        self.current = positions.collect();
    }

    /// Counts a filled member of the row.
    #[inline]
    pub(super) fn fill(&mut self, index: usize, value: FilledValue<'_>, file: &str, line: u64) {
        let Some(Position::At(at)) = self.current.get(index) else { return };
        let count = &mut self.counts[*at];
        count.filled += 1;
        if let FilledValue::Text(text) | FilledValue::Url(text) = value {
            // A text has at most as many characters as bytes.
            if count.longest.as_ref().is_none_or(|longest| text.len() > longest.chars) {
                count.lengthen(text, file, line);
            }
        }
    }

    /// The counts, in the order of the first mapping.
    pub(super) fn finish(mut self) -> Vec<MemberCount> {
        for count in &mut self.counts {
            // Entries with keys that cells decide may fill their member more than once in a row.
            count.left_out = self.rows.saturating_sub(count.filled);
        }
        self.counts
    }
}

impl MemberCount {
    fn lengthen(&mut self, text: &str, file: &str, line: u64) {
        let chars = text.chars().count();
        match &mut self.longest {
            Some(longest) if longest.chars >= chars => {}
            Some(longest) => {
                (longest.chars, longest.line) = (chars, line);
                file.clone_into(&mut longest.file);
            }
            None => self.longest = Some(LongestText { chars, file: file.to_owned(), line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, is_constant: bool) -> MappedMember {
        MappedMember { path: path.to_owned(), limit: Some(9), is_constant }
    }

    #[test]
    fn counts_are_joined_over_mappings_by_path() {
        let mut tally = MemberTally::default();
        tally.begin();
        let first = [member("Channel", true), member("Name", false), member("Attributes.a", false)];
        tally.row(&first);
        tally.fill(0, FilledValue::Text("TASK"), "a.csv", 2);
        tally.fill(1, FilledValue::Text("äöü"), "a.csv", 2);
        tally.row(&first);
        tally.fill(1, FilledValue::Text("four"), "a.csv", 3);
        tally.fill(2, FilledValue::Other, "a.csv", 3);
        tally.begin();
        tally.row(&[member("Name", false)]);
        tally.fill(0, FilledValue::Text("four"), "b.csv", 2);
        let counts = tally.finish();
        let found: Vec<_> =
            counts.iter().map(|count| (&*count.member, count.filled, count.left_out)).collect();
        assert_eq!(found, [("Name", 3, 0), ("Attributes.a", 1, 2)]);
        let longest = counts[0].longest.as_ref().unwrap();
        assert_eq!(
            (longest.chars, &*longest.file, longest.line),
            (4, "a.csv", 3),
            "the first of the longest"
        );
        assert_eq!(counts[1].longest, None);
    }
}
