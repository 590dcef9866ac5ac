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
    (
        "sandbox",
        "rate",
        "Quota of the built-in sandbox, requests per second. 0 is no quota: a rehearsal sends as fast as it can, unless \
         `--rate` is given",
        "as in `[pacing]`",
    ),
    ("sandbox", "burst", "Burst of that quota", "as in `[pacing]`"),
    ("sandbox", "latency", "Latency of its answers", "40ms"),
];

#[test]
fn the_handbook_lists_the_keys_of_the_job_file() {
    let command = described();
    let mut lines = "| table | key | flag | meaning | default |\n|---|---|---|---|---|\n".to_owned();
    for (table, keys) in keys() {
        let mut first = format!("`[{table}]`");
        for key in if keys.is_empty() { vec![""] } else { keys } {
            let (flag, meaning, default) = describe_key(&command, table, key);
            let name = if key.is_empty() { String::new() } else { format!("`{key}`") };
            lines.push_str(&format!("| {first} | {name} | {flag} | {meaning} | {default} |\n"));
            first.clear();
        }
    }
    expect_section("src/handbook/job_file.md", "keys", &lines);
}

/// Flag, meaning and default of a key.
fn describe_key(command: &Command, table: &str, key: &str) -> (String, String, String) {
    let described = WITHOUT_FLAG.iter().find(|described| (described.0, described.1) == (table, key));
    if let Some((.., meaning, default)) = described {
        return (String::new(), (*meaning).to_owned(), (*default).to_owned());
    }
    let long = key.replace('_', "-");
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let arg = commands.flat_map(Command::get_arguments).find(|arg| arg.get_long() == Some(&long));
    let arg = arg.ok_or_else(|| format!("[{table}] {key} has no flag and is not described")).unwrap();
    let help = arg.get_help().unwrap().to_string();
    let none = if is_switch(arg) { "no]" } else { "none]" };
    let (meaning, default) = help.split_once(" [default: ").unwrap_or((&help, none));
    let default = default.strip_suffix(']').unwrap();
    (format!("`--{long}`"), format!("{meaning}{}", choices(arg)), default.to_owned())
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
fn the_readme_lists_the_exit_codes() {
    let mut lines = "| code | meaning | run again? |\n|---|---|---|\n".to_owned();
    for code in ExitCode::ALL {
        let (meaning, run_again) = code.meaning();
        lines.push_str(&format!("| {} | {meaning} | {run_again} |\n", code.code()));
    }
    expect_section("README.md", "exit codes", &lines);
}

#[test]
fn the_handbook_has_the_schema_of_the_ledger() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\n");
    folder.run(&["run", "t.csv", "--sandbox"]).expect(0);
    let schema = "SELECT group_concat(sql || ';', char(10, 10)) FROM
                (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid)";
    let schema = folder.query("t.sandbox.ledger.db", schema);
    expect_section("src/handbook/ledger.md", "schema", &format!("```sql\n{schema}\n```\n"));
}

#[test]
fn the_handbook_explains_every_warning() {
    let schema = std::fs::read_to_string(repository("samples/messages.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let mut lines = "| warning | meaning |\n|---|---|\n".to_owned();
    for code in schema["$defs"]["WarningCode"]["oneOf"].as_array().unwrap() {
        let [name, meaning] = ["const", "description"].map(|member| code[member].as_str().unwrap());
        lines.push_str(&format!("| `{name}` | {} |\n", meaning.replace('\n', " ")));
    }
    expect_section("src/handbook/operations.md", "warnings", &lines);
}

/// Compares a section of a file, between its begin and end marks, with `generated`. UPDATE_EXPECTED writes it instead.
pub fn expect_section(file: &str, mark: &str, generated: &str) {
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
