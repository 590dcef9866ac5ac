//! Whether there is colour, and which: a little, and nothing that the words do not say.

use std::ffi::{OsStr, OsString};
use std::io;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum as _};

/// The flag and its variable.
const FLAG: &str = "--color";
const VARIABLE: &str = "CONNECT_IMPORT_COLOR";

/// What has gone wrong for good; as clap paints it.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// What needs attention.
const ATTENTION: Style = AnsiColor::Yellow.on_default();

/// What is done already.
const DONE: Style = AnsiColor::Green.on_default();

/// Sets it for the whole process, clap's own messages included. `Auto` heeds NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM
/// and whether there is a terminal.
pub fn set_colour(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// What the command line and the environment ask for, found without parsing either: for the errors of parsing. What it
/// overlooks is not told in colour, and no more.
pub fn foreseen_colour() -> ColorChoice {
    foreseen(std::env::args_os().skip(1), std::env::var_os(VARIABLE))
}

fn foreseen(words: impl Iterator<Item = OsString>, variable: Option<OsString>) -> ColorChoice {
    let mut asked = variable;
    let mut words = words.take_while(|word| word != "--");
    while let Some(word) = words.next() {
        let Some(word) = word.to_str() else { continue };
        match word.strip_prefix(FLAG) {
            Some("") => asked = words.next(),
            Some(value) => asked = value.strip_prefix('=').map(OsString::from).or(asked),
            None => {}
        }
    }
    let asked = asked.as_deref().and_then(OsStr::to_str);
    asked.and_then(|asked| ColorChoice::from_str(asked, false).ok()).unwrap_or_default()
}

/// The colours of standard error, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Paint {
    is_on: bool,
}

impl Paint {
    /// Those that are asked for.
    pub(super) fn of_stderr() -> Self {
        Paint { is_on: AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never }
    }

    #[cfg(test)]
    pub(super) fn new(is_on: bool) -> Self {
        Paint { is_on }
    }

    /// The word that an error begins with.
    pub(super) fn error(self, text: &str) -> String {
        self.painted(ERROR, text)
    }

    /// What needs attention.
    pub(super) fn attention(self, text: &str) -> String {
        self.painted(ATTENTION, text)
    }

    /// The part of the bar that is done.
    pub(super) fn done(self, text: &str) -> String {
        self.painted(DONE, text)
    }

    fn painted(self, style: Style, text: &str) -> String {
        if self.is_on && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], variable: Option<&str>) -> ColorChoice {
        foreseen(words.iter().map(OsString::from), variable.map(OsString::from))
    }

    #[test]
    fn the_choice_is_known_before_the_flags_are_parsed() {
        assert_eq!(of(&["run", "--color", "never", "--rat"], Some("always")), ColorChoice::Never);
        assert_eq!(of(&["--color=never", "run", "--color=always"], None), ColorChoice::Always);
        assert_eq!(of(&["run", "--colour=never"], Some("always")), ColorChoice::Always);
        assert_eq!(of(&["run", "--", "--color=never"], None), ColorChoice::Auto);
        assert_eq!(of(&["run", "--color"], None), ColorChoice::Auto);
        assert_eq!(of(&["run", "--color", "pink"], None), ColorChoice::Auto);
    }

    #[test]
    fn without_colour_the_text_is_as_it_was() {
        assert_eq!(Paint::new(false).error("error:"), "error:");
        assert_eq!(Paint::new(true).error("error:"), "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m");
    }
}
