//! The criterion on a contact's name.

use super::Match;

/// Words or phrases to look for in a name.
///
/// A text is in a name if its words follow each other there; letters are compared whatever their
/// case. With [`Match::Exact`] a text must be the whole name, to the letter. The service's own
/// reading of words, case and exactness is not documented.
#[derive(Debug)]
pub(in crate::sandbox) struct Name<'a> {
    pub(in crate::sandbox) texts: Vec<&'a str>,
    pub(in crate::sandbox) matching: Match,
}

impl Name<'_> {
    pub(super) fn matches(&self, name: &str) -> bool {
        let words = words(name);
        let held = |text: &&str| match self.matching {
            Match::Exact => *text == name,
            Match::All | Match::Any | Match::None => has_phrase(&words, text),
        };
        self.matching.combine(self.texts.iter().map(held))
    }
}

/// A text without a word is in no name.
fn has_phrase(name: &[String], text: &str) -> bool {
    let phrase = words(text);
    !phrase.is_empty() && name.windows(phrase.len()).any(|words| words == phrase)
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(matching: Match, texts: &[&str]) -> bool {
        Name { texts: texts.to_vec(), matching }.matches("Ticket #4711: Kein Ton, Müller")
    }

    #[test]
    fn a_text_is_words_that_follow_each_other_in_any_case() {
        for text in ["ticket", "4711", "#4711", "kein ton", "TON (müller)"] {
            assert!(found(Match::Any, &[text]), "{text}");
        }
        for text in ["tick", "471", "ton kein", "ticket ton", "", "#"] {
            assert!(!found(Match::Any, &[text]), "{text}");
        }
    }

    #[test]
    fn texts_are_combined_as_the_match_type_says() {
        for (matching, both, one, none) in [
            (Match::All, true, false, false),
            (Match::Any, true, true, false),
            (Match::None, false, false, true),
        ] {
            assert_eq!(found(matching, &["ticket", "ton"]), both, "{matching:?}");
            assert_eq!(found(matching, &["ticket", "x"]), one, "{matching:?}");
            assert_eq!(found(matching, &["x", "y"]), none, "{matching:?}");
        }
    }

    #[test]
    fn exactly_is_the_whole_name_to_the_letter() {
        assert!(found(Match::Exact, &["x", "Ticket #4711: Kein Ton, Müller"]));
        assert!(!found(Match::Exact, &["ticket #4711: kein ton, müller"]));
        assert!(!found(Match::Exact, &["Ticket"]));
    }
}
