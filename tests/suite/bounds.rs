//! Bounds: templates, large job files and headers, the time of a run, open files and the folder for temporary files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::*;

const JOB: &str = "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n";

/// A folder with a job file of this request and a CSV.
fn folder_with(request: &str, csv: &str) -> Folder {
    let folder = Folder::new();
    folder.write("job.toml", format!("{JOB}{request}"));
    folder.write("t.csv", csv);
    folder
}

#[test]
fn a_row_that_makes_a_template_too_expensive_is_rejected_with_the_reason_and_the_others_are_sent() {
    let request = "[request]\nName = \"{{ Name }}\"\nDescription = \"{{ 'x' * (n | int) }}\"\n";
    let request = request.replace("{{ Name }}", "{{ name }}");
    let folder = folder_with(&request, "id,Name,n\n1,a,5\n2,b,70000000\n3,c,6\n");
    let checked = folder.run(&["check", "--job", "job.toml", "--output", "csv"]).expect(1);
    assert!(checked.stdout.contains("TemplateTooExpensive"), "{}", checked.stdout);
    assert!(
        checked.stdout.contains("takes more than 1048576 steps or makes more than 64 MiB"),
        "{}",
        checked.stdout
    );
    let shown = folder.run(&["check", "--job", "job.toml", "--show", "3"]).expect(1);
    assert!(shown.stdout.contains("xxxxxx"), "{}", shown.stdout);
    let run = ["run", "--job", "job.toml", "--sandbox", "--ledger", "t.ledger.db", "--rejects", "r.csv"];
    folder.run(&run).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 1");
    assert!(folder.read("r.csv").contains("TemplateTooExpensive"));
}

#[test]
fn a_template_that_is_too_expensive_for_any_row_is_refused_with_its_line() {
    let request = "[request]\nName = \"{{ name }}{{ 'x' * 70000000 }}\"\n";
    let folder = folder_with(request, "id,Name\n1,a\n");
    let refused = folder.run(&["run", "--job", "job.toml", "--sandbox", "--ledger", "t.ledger.db"]).expect(2);
    let problem = "job.toml, line 5, [request] Name: its template takes more than 1048576 steps";
    assert!(refused.stderr.contains(problem), "{}", refused.stderr);
    assert!(!folder.path("t.ledger.db").exists());
}

/// Twenty thousand of each: seconds where the time is linear, and many minutes where every pair is compared.
#[test]
fn thousands_of_members_columns_and_table_entries_are_read_in_linear_time() {
    const MANY: usize = 20_000;
    let (mut request, mut table) =
        ("[request]\nName = \"{{ name }}\"\n[request.Attributes]\n".to_owned(), String::new());
    for number in 0..MANY {
        let template = if number % 2 == 0 { "{{ c1 }}" } else { "{{ c1 if c1 else c1 }}" };
        writeln!(request, "a{number} = \"{template}\"").unwrap();
        writeln!(table, "k{number} = \"v\"").unwrap();
    }
    let request = format!("{request}[lookup.t]\n{table}");
    let columns =
        |prefix: &str| (0..MANY).fold(String::new(), |text, number| format!("{text},{prefix}{number}"));
    let csv = |prefix: &str| format!("id,Name{}\n1,a{}\n", columns(prefix), ",".repeat(MANY));
    let folder = folder_with(&request, &csv("c"));
    folder.run(&["check", "--job", "job.toml"]).expect(0);
    folder.write("paths.csv", csv("Attributes.c"));
    folder.run(&["check", "paths.csv", "--key", "id"]).expect(0);
    folder.write("same.csv", csv("Name").replace(|c: char| c.is_ascii_digit(), ""));
    folder.write(
        "all.toml",
        "[source]\nfiles = [\"same.csv\"]\n[request]\nName = \"{{ id }}\"\nAttributes = \"*\"\n",
    );
    folder.run(&["check", "--job", "all.toml"]).expect(0);
}

#[test]
fn a_header_of_more_columns_than_any_sheet_and_an_endless_job_file_are_refused() {
    let folder = Folder::new();
    folder.write("wide.csv", format!("id{}\n1\n", ",c".repeat(70_000)));
    for command in ["check", "init"] {
        let refused = folder.run(&[command, "wide.csv"]).expect(2);
        let problem = "wide.csv has a header of 70001 columns, at most 65536 are allowed";
        assert!(refused.stderr.contains(problem), "{}", refused.stderr);
    }
    std::fs::File::create(folder.path("job.toml")).unwrap().set_len((16 << 20) + 1).unwrap();
    let refused = folder.run(&["check", "--job", "job.toml"]).expect(2);
    assert!(refused.stderr.contains("it is larger than 16 MiB"), "{}", refused.stderr);
    let nulls: Vec<String> = (0..1001).map(|number| format!("\"n{number}\"")).collect();
    folder.write("job.toml", format!("{JOB}null = [{}]\n[request]\nName = \"x\"\n", nulls.join(", ")));
    let refused = folder.run(&["check", "--job", "job.toml"]).expect(2);
    assert!(refused.stderr.contains("[source] null has 1001 texts, at most 1000"), "{}", refused.stderr);
}

const TIME_IS_OVER: &str =
    "the time that --max-duration allows was over before the input was read to its end; nothing was sent";

#[test]
fn max_duration_ends_the_reading_of_a_pipe_whose_writer_pauses_and_the_next_run_sends_all() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let arguments = [&["run", "-", "--key", "id"], &into(&url)[..], &["--max-duration", "1s"]].concat();
    // The pause begins before the header, within it, and after the first batches.
    let text = numbered_csv(2000);
    for written in [0, 4, text.len() - 3] {
        let mut child = folder
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A run that ended already reads nothing.
        let _ = pipe.write_all(&text.as_bytes()[..written]);
        let ended = Ended::from(child.wait_with_output().unwrap()).expect(10);
        drop(pipe);
        assert!(ended.stderr.contains(TIME_IS_OVER), "{written}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("run the same command again, with a longer --max-duration"),
            "{}",
            ended.stderr
        );
        assert_eq!(endpoint.requests().len(), 0, "{written}");
    }
    folder.write("t.csv", text);
    folder.run(&import(&url, &["--max-duration", "1h"])).expect(0);
    assert_eq!(endpoint.requests().len(), 2000);
}

#[test]
fn max_duration_ends_the_wait_for_a_named_pipe_and_for_the_lock() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    assert!(Command::new("mkfifo").arg(folder.path("pipe.csv")).status().unwrap().success());
    let ended = folder.run(&import_file("pipe.csv", &url, &["--max-duration", "1s"])).expect(10);
    assert!(ended.stderr.contains(TIME_IS_OVER), "{}", ended.stderr);

    folder.write("t.csv", numbered_csv(2));
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
    let lock = std::fs::File::open(folder.path("t.ledger.db.lock")).unwrap();
    lock.lock().unwrap();
    let ended = folder.run(&import(&url, &["--lock-wait", "1d", "--max-duration", "1s"])).expect(11);
    assert!(ended.stderr.contains("t.ledger.db"), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn a_run_needs_forty_open_files_and_says_so_before_anything_else() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(300));
    let run = ["run", "t.csv", "--key", "id", "--sandbox", "--rate", "100000", "--burst", "1000"];
    for limit in [8, 12, 20, 39] {
        let ended = folder.run_with_open_files(limit, 3..3, &run).expect(2);
        let problem =
            format!("the limit on open files is {limit}, and this command needs at least 40; raise it");
        assert!(
            ended.stderr.contains(&problem) && ended.stderr.contains("ulimit -n 256"),
            "{}",
            ended.stderr
        );
        assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1, "{limit}");
    }
    let outputs = ["--metrics-file", "m.prom", "--log-file", "x.log"];
    folder.run_with_open_files(40, 3..3, &[&run[..], &outputs].concat()).expect(0);
    let status = ["status", "--ledger", "t.sandbox.ledger.db"];
    let ended = folder.run_with_open_files(20, 3..3, &status).expect(2);
    assert!(ended.stderr.contains("this command needs at least 24"), "{}", ended.stderr);
    folder.run_with_open_files(24, 3..3, &status).expect(0);
    folder.run_with_open_files(24, 3..3, &["check", "t.csv", "--key", "id"]).expect(0);
}

#[test]
fn inherited_files_are_not_among_those_that_a_command_needs() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let run = ["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000"];
    for limit in [12, 20, 40, 46] {
        let ended = folder.run_with_open_files(limit, 3..10, &run).expect(2);
        let problem = format!(
            "the limit on open files is {limit}, 7 files are inherited from the process that started this one, and this \
             command needs at least 40; raise it, for example by ulimit -n 263"
        );
        assert!(ended.stderr.contains(&problem), "{limit}: {}", ended.stderr);
        assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1, "{limit}");
    }
    folder.run_with_open_files(47, 3..10, &run).expect(0);
    folder.run_with_open_files(30, 3..10, &["check", "t.csv", "--key", "id"]).expect(2);
    folder.run_with_open_files(31, 3..10, &["check", "t.csv", "--key", "id"]).expect(0);
}

#[test]
fn no_limit_on_open_files_makes_a_command_panic() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    // The loader of the program itself needs file 3.
    for limit in 4..=24 {
        let ended =
            folder.run_with_open_files(limit, 3..3, &["run", "t.csv", "--key", "id", "--sandbox"]).expect(2);
        assert!(ended.stderr.contains("the limit on open files is"), "{limit}: {}", ended.stderr);
        folder.run_with_open_files(limit, 3..3, &["--help"]).expect(0);
    }
}

#[test]
fn a_folder_for_temporary_files_that_cannot_be_used_is_named_before_anything_is_made() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let run = ["run", "t.csv", "--key", "id", "--sandbox"];
    for (variable, value, problem) in [
        ("TMPDIR", folder.path("none"), "does not exist"),
        ("SQLITE_TMPDIR", folder.path("t.csv"), "is not a folder"),
        ("TMPDIR", "/proc/self".into(), "is not writable"),
    ] {
        let ended = Ended::from(folder.command(&run).env(variable, &value).output().unwrap()).expect(2);
        let told = format!("the variable {variable} names {} as the folder", value.display());
        assert!(ended.stderr.contains(&told) && ended.stderr.contains(problem), "{}", ended.stderr);
        assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1);
    }
    Ended::from(folder.command(&run).env("TMPDIR", folder.path("")).output().unwrap()).expect(0);
}
