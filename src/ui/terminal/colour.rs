//! Colours on standard error. They repeat what the words say.

use std::ffi::{OsStr, OsString};
use std::io;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum as _};

/// Flag, and its environment variable, that choose when to use colour.
const FLAG: &str = "--color";
const VARIABLE: &str = "CONNECT_IMPORT_COLOR";

/// The word `error:`, styled as clap styles it.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Problems.
const ATTENTION: Style = AnsiColor::Yellow.on_default();

/// The bar.
const BAR: Style = AnsiColor::Green.on_default();

/// Sets when the process uses colour, in clap's messages too. `Auto` honours NO_COLOR, CLICOLOR, CLICOLOR_FORCE and
/// TERM, and requires a terminal.
pub fn set_colour(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// The choice of colour on the command line or in the environment, found without parsing them, since errors of the
/// parser are printed in colour too. A form that this function misses is printed without colour.
pub fn foreseen_colour() -> ColorChoice {
    foreseen(std::env::args_os().skip(1), std::env::var_os(VARIABLE))
}

fn foreseen(words: impl Iterator<Item = OsString>, variable: Option<OsString>) -> ColorChoice {
    let mut choice = variable;
    let mut words = words.take_while(|word| word != "--");
    while let Some(word) = words.next() {
        let Some(word) = word.to_str() else { continue };
        match word.strip_prefix(FLAG) {
            Some("") => choice = words.next(),
            Some(value) => choice = value.strip_prefix('=').map(OsString::from).or(choice),
            None => {}
        }
    }
    let choice = choice.as_deref().and_then(OsStr::to_str);
    choice.and_then(|choice| ColorChoice::from_str(choice, false).ok()).unwrap_or_default()
}

/// Colours of standard error, if they are enabled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TerminalColours {
    is_enabled: bool,
}

impl TerminalColours {
    /// Colours as [`set_colour`] and the terminal determine them.
    pub(crate) fn of_stderr() -> Self {
        TerminalColours { is_enabled: AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never }
    }

    #[cfg(test)]
    pub(super) fn new(is_enabled: bool) -> Self {
        TerminalColours { is_enabled }
    }

    /// Styles the word `error:`.
    pub(crate) fn error(self, text: &str) -> String {
        self.styled(ERROR, text)
    }

    /// Styles a problem.
    pub(crate) fn attention(self, text: &str) -> String {
        self.styled(ATTENTION, text)
    }

    /// Styles the bar.
    pub(super) fn bar(self, text: &str) -> String {
        self.styled(BAR, text)
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.is_enabled && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
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
        assert_eq!(TerminalColours::new(false).error("error:"), "error:");
        assert_eq!(TerminalColours::new(true).error("error:"), "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m");
    }
}
