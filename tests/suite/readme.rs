//! README.md, CONTRIBUTING.md and the handbook agree with the files and flags that they name.

use std::path::PathBuf;

use crate::support::*;

/// README.md, CONTRIBUTING.md and the chapters of the handbook.
fn chapters() -> Vec<PathBuf> {
    let handbook = std::fs::read_dir(repository("src/handbook")).unwrap();
    let chapters = handbook.map(|entry| entry.unwrap().path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    chapters.chain(["README.md", "CONTRIBUTING.md"].map(repository)).collect()
}

fn contributing() -> String {
    std::fs::read_to_string(repository("CONTRIBUTING.md")).unwrap()
}

#[test]
fn the_map_names_every_module_and_nothing_else() {
    let contributing = contributing();
    let map = contributing.split("```text\nsrc/").nth(1).unwrap().split("```").next().unwrap();
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
fn a_rows_way_names_at_most_25_existing_files() {
    let contributing = contributing();
    let way =
        contributing.split("<!-- begin row -->").nth(1).unwrap().split("<!-- end row -->").next().unwrap();
    let files: Vec<&str> = way.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs")).collect();
    assert!((1..=25).contains(&files.len()), "{} files", files.len());
    for file in files {
        assert!(repository(&format!("src/{file}")).is_file(), "{file}");
    }
}

#[test]
fn every_link_leads_to_an_existing_file_and_heading() {
    for chapter in chapters() {
        let text = std::fs::read_to_string(&chapter).unwrap();
        // In a code block "](" may be of a regular expression.
        let text: String = text.split("```").step_by(2).collect();
        let links = text.replace("]\n(", "](").split("](").skip(1).map(str::to_owned).collect::<Vec<_>>();
        for target in links.iter().filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { chapter.clone() } else { chapter.parent().unwrap().join(file) };
            let linked =
                std::fs::read_to_string(&file).map_err(|error| format!("{target}: {error}")).unwrap();
            let slug = |line: &str| line.trim_start_matches(['#', ' ']).to_lowercase().replace(' ', "-");
            assert!(
                heading.is_empty()
                    || linked.lines().any(|line| line.starts_with('#') && slug(line) == heading),
                "{target}"
            );
        }
    }
}

#[test]
fn every_flag_is_documented() {
    let folder = Folder::new();
    let help = ["run", "check", "export", "report"]
        .map(|command| folder.run(&[command, "--help"]).expect(0).stdout)
        .concat();
    let text: String = chapters().iter().map(|chapter| std::fs::read_to_string(chapter).unwrap()).collect();
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 3);
    for flag in flags.map(|flag| flag.trim_end_matches([',', '.', ';', ':']).split('[').next().unwrap()) {
        assert!(text.contains(flag), "{flag}");
    }
}
