//! Generated parts of the handbook and the README agree with the code.

use clap::{Arg, Command};
use connect_import::cli::described;
use connect_import::exit_code::ExitCode;
use connect_import::job::keys;

use crate::support::*;

/// Keys without a flag: table, key, meaning, default.
const WITHOUT_FLAG: [(&str, &str, &str, &str); 6] = [
    (
        "source",
        "files",
        "CSV files, or glob patterns such as \"export-*.csv.gz\", which never match a rejects file; - is standard input. \
         Arguments on the command line",
        "required",
    ),
    ("request", "", "The operation's members, or `request = \"skeleton.json\"`", "the header"),
    ("lookup", "", "User-defined tables, such as `[lookup.status]`", "none"),
    ("sandbox", "rate", "Quota of the built-in sandbox, requests per second", "as in `[pacing]`"),
    ("sandbox", "burst", "Burst of that quota", "as in `[pacing]`"),
    ("sandbox", "latency", "Latency of its answers", "40ms"),
];

#[test]
fn the_job_files_keys() {
    let command = described();
    let mut lines = "| table | key | flag | meaning | default |\n|---|---|---|---|---|\n".to_owned();
    for (table, keys) in keys() {
        let mut first = format!("`[{table}]`");
        for key in if keys.is_empty() { &[""] } else { *keys } {
            let (flag, what, default) = of_key(&command, table, key);
            let name = if key.is_empty() { String::new() } else { format!("`{key}`") };
            lines.push_str(&format!("| {first} | {name} | {flag} | {what} | {default} |\n"));
            first.clear();
        }
    }
    expect_written("src/handbook/job_file.md", "keys", &lines);
}

/// Flag, meaning and default of a key.
fn of_key(command: &Command, table: &str, key: &str) -> (String, String, String) {
    if let Some((.., what, default)) = WITHOUT_FLAG.iter().find(|(of, name, ..)| (*of, *name) == (table, key))
    {
        return (String::new(), (*what).to_owned(), (*default).to_owned());
    }
    let long = key.replace('_', "-");
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let arg = commands.flat_map(Command::get_arguments).find(|arg| arg.get_long() == Some(&long));
    let arg = arg.ok_or_else(|| format!("[{table}] {key} has no flag and is not described")).unwrap();
    let help = arg.get_help().unwrap().to_string();
    let none = if is_switch(arg) { "no]" } else { "none]" };
    let (what, default) = help.split_once(" [default: ").unwrap_or((&help, none));
    let default = default.strip_suffix(']').unwrap();
    (format!("`--{long}`"), format!("{what}{}", choices(arg)), default.to_owned())
}

fn is_switch(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == std::any::TypeId::of::<bool>()
}

fn choices(arg: &Arg) -> String {
    let values = arg.get_possible_values();
    let names: Vec<String> = values.iter().map(|value| format!("`\"{}\"`", value.get_name())).collect();
    match names.as_slice() {
        [] => String::new(),
        _ if is_switch(arg) => String::new(),
        names => format!(": {}", names.join(", ")),
    }
}

#[test]
fn the_exit_codes() {
    let mut lines = "| code | meaning | run again? |\n|---|---|---|\n".to_owned();
    for code in ExitCode::ALL {
        lines.push_str(&format!("| {} | {} | {} |\n", code.code(), code.meaning(), code.run_again()));
    }
    expect_written("README.md", "exit codes", &lines);
}

#[test]
fn the_ledgers_schema() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\n");
    folder.run(&["run", "t.csv", "--sandbox"]).expect(0);
    let made = "SELECT group_concat(sql || ';', char(10, 10)) FROM
                (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid)";
    let made = folder.ask("t.sandbox.ledger.db", made);
    expect_written("src/handbook/ledger.md", "schema", &format!("```sql\n{made}\n```\n"));
}

/// Compares the text between two marks of a file with `generated`; with UPDATE_EXPECTED set, writes it there.
fn expect_written(file: &str, mark: &str, generated: &str) {
    let path = repository(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- begin {mark} -->\n"), format!("<!-- end {mark} -->"));
    let (before, rest) = text.split_once(&begin).ok_or_else(|| format!("{file} has no {begin}")).unwrap();
    let (written, after) = rest.split_once(&end).ok_or_else(|| format!("{file} has no {end}")).unwrap();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, [before, &begin, generated, &end, after].concat()).unwrap();
    } else {
        assert_eq!(written, generated, "{file}: set UPDATE_EXPECTED=1 to update it");
    }
}
