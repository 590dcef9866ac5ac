//! Every printed text and every document is true about the command line: the flags, commands, keys, variables and
//! chapters that it names exist. Texts are the literals of the source outside of its tests, the help, README, handbook and
//! samples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Command;
use connect_import::cli::described;
use connect_import::job::keys;

use crate::support::*;

/// Flags that `run` does not have and answers with another command. The texts name them.
const ANSWERED: [&str; 8] =
    ["--dry", "--dry-run", "--dryrun", "--no-op", "--noop", "--simulate", "--simulation", "--what-if"];

/// Flags of other programs that texts name.
const OF_OTHERS: [&str; 40] = [
    "--against",
    "--batch",
    "--bench",
    "--blanks",
    "--build-arg",
    "--chown",
    "--collector",
    "--convert-to",
    "--csv",
    "--exclude",
    "--from",
    "--generate-cli-skeleton",
    "--headless",
    "--ijson",
    "--include",
    "--infilter",
    "--locked",
    "--long",
    "--no-build",
    "--no-inference",
    "--now",
    "--ocsv",
    "--open",
    "--otsv",
    "--path",
    "--print",
    "--raw",
    "--read-only",
    "--recursive",
    "--release",
    "--rm",
    "--serial-number",
    "--sso-session",
    "--system",
    "--target",
    "--timings",
    "--tmpfs",
    "--token-code",
    "--userns",
    "--version",
];

/// Words of a sentence that may follow a flag or a table.
const OF_SENTENCES: [&str; 16] = [
    "and", "or", "with", "is", "in", "for", "of", "to", "at", "on", "as", "the", "a", "instead", "find",
    "gives",
];

/// A text with the place that a failure names.
struct Text {
    place: String,
    text: String,
}

/// The literals of the source outside of tests and of the command line's own declaration, which the help shows.
fn literals() -> Vec<Text> {
    let mut texts = Vec::new();
    for path in files(&repository("src"), "rs") {
        let name = path.strip_prefix(repository("src")).unwrap().display().to_string();
        if name.starts_with("cli/") || name.contains("tests") || name.ends_with("testing.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        texts.extend(literals_of(source).into_iter().map(|text| Text { place: name.clone(), text }));
    }
    assert!(texts.len() > 1000, "{} literals", texts.len());
    texts
}

/// The string literals of Rust source, without comments and attributes' escapes resolved.
fn literals_of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(start);
        if from.starts_with("//") {
            rest = from.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(quoted) = from.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r') && !before.ends_with("for");
            let (text, after) = if is_raw {
                quoted.split_once(&format!("\"{}", "#".repeat(hashes))).unwrap()
            } else {
                let mut is_escaped = false;
                let end = quoted.find(|c| {
                    let is_end = c == '"' && !is_escaped;
                    is_escaped = c == '\\' && !is_escaped;
                    is_end
                });
                (&quoted[..end.unwrap()], &quoted[end.unwrap() + 1..])
            };
            found.push(if is_raw { text.to_owned() } else { unescaped(text) });
            rest = after;
        } else if from.starts_with("'\"'") || from.starts_with("'\\\"'") {
            rest = &from[from.find("\"'").unwrap() + 2..];
        } else {
            rest = &from[1..];
        }
    }
    found
}

/// A literal with its line continuations, line ends and quotes resolved.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    let joined = parts.fold(first, |text, part| text + part.trim_start());
    joined.replace("\\n", "\n").replace("\\x20", " ").replace("\\\"", "\"").replace("\\\\", "\\")
}

/// The files of a folder and its subfolders with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|path| if path.is_dir() { files(&path, ending) } else { vec![path] });
    nested.filter(|path| ending.is_empty() || path.extension().is_some_and(|found| found == ending)).collect()
}

/// README, handbook, and the comments of the samples.
fn documents() -> Vec<Text> {
    let samples = files(&repository("samples"), "");
    let samples = samples.into_iter().filter(|path| {
        let ending = path.extension().unwrap_or_default();
        // The README's command leaves a ledger there.
        let is_of_rehearsal = path.to_string_lossy().contains(".sandbox.ledger.db");
        ending != "csv" && !path.ends_with("messages.schema.json") && !is_of_rehearsal
    });
    let paths =
        files(&repository("src/handbook"), "md").into_iter().chain([repository("README.md")]).chain(samples);
    let text = |path: PathBuf| {
        let place = path.strip_prefix(repository("")).unwrap().display().to_string();
        Text { place, text: std::fs::read_to_string(&path).unwrap() }
    };
    paths.map(text).collect()
}

/// The help of every command.
fn helps() -> Vec<Text> {
    let command = described();
    let help = |command: &Command| Text {
        place: format!("{} --help", command.get_name()),
        text: command.clone().term_width(1000).render_long_help().to_string(),
    };
    std::iter::once(&command).chain(command.get_subcommands()).map(help).collect()
}

/// All texts.
fn texts() -> Vec<Text> {
    literals().into_iter().chain(documents()).chain(helps()).collect()
}

/// The words of a text that begin with `--`, as flags: without a value, and not those of regular dashes.
fn flags(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("--") {
        let is_start = !text[..at].ends_with(|c: char| c == '-' || c.is_alphanumeric());
        let flag = &text[at..];
        let length = flag[2..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .map_or(flag.len(), |end| end + 2);
        let flag = flag[..length].trim_end_matches('-');
        if is_start && flag.len() > 3 && flag[2..].starts_with(|c: char| c.is_ascii_lowercase()) {
            found.insert(flag);
        }
    }
    found
}

/// The flags of a command, with the global ones.
fn flags_of(command: &Command) -> BTreeSet<String> {
    let global = described();
    let args = command.get_arguments().chain(global.get_arguments());
    args.filter_map(|arg| arg.get_long()).chain(["help"]).map(|long| format!("--{long}")).collect()
}

#[test]
fn every_flag_that_a_text_names_exists() {
    let command = described();
    let mut known: BTreeSet<String> = command.get_subcommands().flat_map(flags_of).collect();
    known.extend(OF_OTHERS.into_iter().chain(ANSWERED).map(str::to_owned));
    let mut wrong = Vec::new();
    for Text { place, text } in texts() {
        let unknown = flags(&text).into_iter().filter(|flag| !known.contains(*flag)).map(str::to_owned);
        wrong.extend(unknown.map(|flag| format!("{place}: {flag}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let texts: String = texts().into_iter().map(|Text { text, .. }| text + "\n").collect();
    let named = flags(&texts);
    let unused: Vec<&str> =
        OF_OTHERS.into_iter().chain(ANSWERED).filter(|flag| !named.contains(flag)).collect();
    assert!(unused.is_empty(), "no text names {unused:?}");
}

#[test]
fn a_value_after_a_flag_is_one_of_its_values() {
    let described = described();
    let commands = std::iter::once(&described).chain(described.get_subcommands());
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut free = BTreeSet::new();
    for arg in commands.flat_map(Command::get_arguments) {
        let Some(flag) = arg.get_long().map(|long| format!("--{long} ")) else { continue };
        let names =
            arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect::<Vec<_>>();
        if names.is_empty() {
            // Of the commands with this flag one takes any value.
            free.insert(flag.clone());
        }
        values.entry(flag).or_default().extend(names);
    }
    values.retain(|flag, names| !free.contains(flag) && !names.contains("true"));
    let mut wrong = Vec::new();
    for Text { place, text } in texts() {
        for (flag, known) in &values {
            for (at, start) in text.match_indices(flag) {
                let value = text[at + start.len()..].split(|c: char| !c.is_ascii_lowercase()).next().unwrap();
                if !value.is_empty() && !known.contains(value) && !OF_SENTENCES.contains(&value) {
                    wrong.push(format!("{place}: {flag}{value}"));
                }
            }
        }
    }
    assert!(values.len() > 10 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_flag_after_a_command_is_one_of_that_command() {
    let described = described();
    let commands = described.get_subcommands().map(|command| (command.get_name(), flags_of(command)));
    let commands: Vec<(&str, BTreeSet<String>)> = commands.collect();
    let mut wrong = Vec::new();
    for Text { place, text } in texts() {
        for (name, known) in &commands {
            for (at, _) in text.match_indices(&format!("{name} --")) {
                let before = &text[..at];
                // The flags after `docker run` are Docker's.
                if before.ends_with(|c: char| c.is_alphanumeric() || "-_/.".contains(c))
                    || before.ends_with("docker ")
                {
                    continue;
                }
                // Up to what ends the command in a sentence or in a line.
                let words =
                    text[at + name.len()..].split(['\n', ',', ';', '`', ')', '|', '>', '"']).next().unwrap();
                let words = words.split(" and ").next().unwrap();
                let is_unknown = |flag: &&str| !known.contains(*flag) && !ANSWERED.contains(flag);
                let unknown = flags(words).into_iter().filter(is_unknown);
                wrong.extend(unknown.map(|flag| format!("{place}: {name}{words} ({flag})")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The words of a command line as a shell splits them, up to a redirection, a pipe or a comment; none if a quote is open.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '>' | '<' | ';' | '&') => break,
            (None, '#') if word.is_none() => break,
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    // `2` of `2>&1` would be a CSV.
    let is_descriptor = words.last().is_some_and(|word| word == "2") && line.contains(" 2>");
    words.truncate(words.len() - usize::from(is_descriptor));
    quote.is_none().then_some(words)
}

/// The command lines of a document: of code blocks, of code within a line, and of indented examples in the help.
fn command_lines(text: &str) -> Vec<String> {
    const PROGRAM: &str = "connect-import ";
    let text = text.replace("\\\n", " ");
    let mut found = Vec::new();
    for (at, _) in text.match_indices(PROGRAM) {
        let before = text[..at].rsplit('\n').next().unwrap();
        let line = text[at..].split('\n').next().unwrap();
        let is_of_block = ["", "$", "exec", "&&", "|", "#"].contains(&before.trim_matches([' ', '"']))
            || before.trim_end().ends_with("&&")
            || before.trim_end().ends_with('|');
        if let Some(inline) = before.strip_suffix('`').map(|_| text[at..].split('`').next().unwrap()) {
            found.push(inline.replace('\n', " "));
        } else if is_of_block {
            // An explanation stands far to the right.
            found.push(line.split("   ").next().unwrap().trim_end_matches(['\\', '"']).to_owned());
        }
    }
    found
}

#[test]
fn every_command_in_a_document_can_be_parsed() {
    let commands: BTreeSet<String> =
        described().get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let (mut parsed, mut wrong) = (0, Vec::new());
    for Text { place, text } in documents().into_iter().chain(helps()) {
        for line in command_lines(&text) {
            let Some(words) = words(&line) else {
                wrong.push(format!("{place}: {line}: a quote is open"));
                continue;
            };
            // In sentences "connect-import COMMAND".
            if words.get(1).is_some_and(|word| word.chars().all(|c| c.is_ascii_uppercase())) {
                continue;
            }
            if words.get(1).is_none_or(|word| !commands.contains(word) && !word.starts_with('-')) {
                wrong.push(format!("{place}: {line}: no such command"));
                continue;
            }
            parsed += 1;
            if let Err(error) = described().try_get_matches_from(&words)
                && error.use_stderr()
            {
                wrong.push(format!("{place}: {line}: {error}"));
            }
        }
    }
    assert!(parsed > 60, "{parsed}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_key_that_a_text_names_with_its_table_exists() {
    let mut wrong = Vec::new();
    for Text { place, text } in texts() {
        for (table, keys) in keys().filter(|(_, keys)| !keys.is_empty()) {
            for (at, start) in text.match_indices(&format!("[{table}] ")) {
                let key = &text[at + start.len()..];
                let key = key.split(|c: char| !(c.is_ascii_lowercase() || c == '_')).next().unwrap();
                if !key.is_empty() && !keys.contains(&key) && !OF_SENTENCES.contains(&key) {
                    wrong.push(format!("{place}: [{table}] {key}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_variable_that_a_text_names_exists() {
    let command = described();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let known: BTreeSet<String> = commands
        .flat_map(Command::get_arguments)
        .filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()))
        .collect();
    const PREFIX: &str = "CONNECT_IMPORT_";
    let mut wrong = Vec::new();
    for Text { place, text } in texts() {
        for (at, _) in text.match_indices(PREFIX) {
            let name = text[at..].split(|c: char| !(c.is_ascii_uppercase() || c == '_')).next().unwrap();
            // The version is one of the build, and `CONNECT_IMPORT_…` stands for all of them.
            if name != PREFIX
                && name != "CONNECT_IMPORT_VERSION"
                && name != "CONNECT_IMPORT_SANDBOX_"
                && !known.contains(name)
            {
                wrong.push(format!("{place}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_chapter_and_heading_that_a_text_names_exists() {
    let chapters: Vec<String> = files(&repository("src/handbook"), "md")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let chapter = |title: &str| chapters.iter().find(|text| text.starts_with(&format!("# {title}\n")));
    let (mut named, mut wrong) = (0, Vec::new());
    for Text { place, text } in literals().into_iter().chain(documents()) {
        for (at, start) in text.match_indices("chapter ") {
            let rest = &text[at + start.len()..];
            if !rest.starts_with(|c: char| c.is_ascii_uppercase()) {
                continue;
            }
            named += 1;
            let mut names = rest.split(['.', '\n', ';', ')', '"']).next().unwrap().splitn(2, ", ");
            let (title, after) = (names.next().unwrap(), names.next());
            // "Heading" in the handbook's chapter Title.
            let before =
                text[..at].rsplit('"').nth(1).filter(|_| text[..at].ends_with("\" in the handbook's "));
            let Some(found) = chapter(title) else {
                wrong.push(format!("{place}: chapter {title}"));
                continue;
            };
            let missing = before
                .into_iter()
                .chain(after)
                .filter(|heading| !found.contains(&format!("\n## {heading}\n")));
            wrong.extend(missing.map(|heading| format!("{place}: {heading} in {title}")));
        }
    }
    assert!(named >= 2, "{named}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn texts_are_taken_apart_as_meant() {
    let source = "let a = \"one --flag\\\n    two\"; // \"no\"\nlet b = '\"'; let c = r#\"raw \"q\" --x-y\"#; let d = \"\\\"e\";";
    assert_eq!(literals_of(source), ["one --flagtwo", "raw \"q\" --x-y", "\"e"]);
    assert_eq!(flags("--a, --bc=1 a--no ---- `--de-f` --"), BTreeSet::from(["--bc", "--de-f"]));
    assert_eq!(words("a 'b c' \"d\" >x").unwrap(), ["a", "b c", "d"]);
    assert!(words("a 'b").is_none());
    assert_eq!(
        command_lines("$ connect-import run   it runs\nwith `connect-import man` it\n"),
        ["connect-import run", "connect-import man"]
    );
}
