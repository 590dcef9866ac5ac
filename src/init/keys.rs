//! Headers as keys of attributes and of references: valid, and each only once.

use std::collections::HashSet;

use crate::slug::slug;

/// Keys that were given away.
#[derive(Debug, Default)]
pub(super) struct Keys(HashSet<String>);

impl Keys {
    /// The key of an attribute: the header's slug. `position` counts columns from 1.
    pub(super) fn attribute(&mut self, header: &str, position: usize) -> String {
        let slug = slug(header);
        let key = if slug.is_empty() { format!("column_{position}") } else { slug };
        self.unused(key, '_')
    }

    /// The key of a reference, which an agent reads: the header without what is neither letter, digit,
    /// space, - nor _.
    pub(super) fn reference(&mut self, header: &str, position: usize) -> String {
        let plain = header.replace(|c: char| !c.is_alphanumeric() && !"-_".contains(c), " ");
        let key = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = if key.is_empty() { format!("Column {position}") } else { key };
        self.unused(key, ' ')
    }

    /// `key`, or with the first number from 2 on that makes it new.
    fn unused(&mut self, key: String, joint: char) -> String {
        let mut unused = key.clone();
        let mut number = 2_usize;
        while !self.0.insert(unused.clone()) {
            unused = format!("{key}{joint}{number}");
            number += 1;
        }
        unused
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn no_key_is_given_twice() {
        let mut keys = Keys::default();
        let given = ["A b", "a-b", "a_b", "a b 2", "%", "(a) b"];
        let given: Vec<_> = (1..).zip(given).map(|(at, header)| keys.attribute(header, at)).collect();
        assert_eq!(given, ["a_b", "a-b", "a_b_2", "a_b_2_2", "column_5", "a_b_3"]);
    }

    #[test]
    fn a_reference_keeps_letters_of_any_script() {
        let mut keys = Keys::default();
        assert_eq!(keys.reference(" Größe [cm]. ", 1), "Größe cm");
        assert_eq!(keys.reference("Größe {cm}", 2), "Größe cm 2");
        assert_eq!(keys.reference("作成日", 3), "作成日");
        assert_eq!(keys.reference("{{ }}", 4), "Column 4");
    }
}
