//! The README says what is true.

use connect_import::exit_code::ExitCode;
use connect_import::job::keys;

use crate::support::*;

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).unwrap()
}

#[test]
fn the_file_map_names_every_module_and_nothing_else() {
    let readme = readme();
    let map = readme.split("```text\nsrc/").nth(1).unwrap().split("```").next().unwrap();
    let named: Vec<&str> = map
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| !name.is_empty())
        .collect();
    let mut present: Vec<String> = std::fs::read_dir(repository("src"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() { format!("{name}/") } else { name }
        })
        .collect();
    present.sort();
    let mut named: Vec<String> = named.into_iter().map(str::to_owned).collect();
    named.sort();
    assert_eq!(named, present);
}

#[test]
fn the_exit_codes_are_all_there() {
    let readme = readme();
    let codes = [
        ExitCode::Complete,
        ExitCode::RowsLeftBehind,
        ExitCode::Usage,
        ExitCode::ErrorBudget,
        ExitCode::Fatal,
        ExitCode::Budget,
        ExitCode::Locked,
        ExitCode::Storage,
        ExitCode::TryLater,
        ExitCode::Interrupted,
        ExitCode::Terminated,
    ];
    for code in codes {
        assert!(readme.contains(&format!("| {} |", code.code())), "{code:?}");
    }
}

#[test]
fn the_job_file_reference_has_every_key() {
    let readme = readme();
    for (table, keys) in keys() {
        assert!(readme.contains(&format!("`[{table}]`")), "{table}");
        for key in *keys {
            assert!(readme.contains(&format!("`{key}`")), "{table}.{key}");
        }
    }
}

#[test]
fn every_file_that_the_readme_links_to_exists() {
    for target in readme().split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !target.contains("://") && !target.starts_with('#') {
            assert!(repository(target).exists(), "{target}");
        }
    }
}

#[test]
fn the_readme_names_every_flag_of_run_export_and_report() {
    let folder = Folder::new();
    let help =
        ["run", "export", "report"].map(|command| folder.run(&[command, "--help"]).expect(0).stdout).concat();
    let readme = readme();
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 3);
    for flag in flags.map(|flag| flag.trim_end_matches([',', '.', ';', ':']).split('[').next().unwrap()) {
        assert!(readme.contains(flag), "{flag}");
    }
}
