//! Where `export --to` writes, and what it never writes over.

use std::io::Write as _;

use crate::exporting::{columns, export, imported};
use crate::support::*;

#[test]
fn what_is_read_is_never_written_over() {
    let (folder, _sandbox) = imported(&numbered_csv(1), &["--key", "id"]);
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.write(
        "job.toml",
        "request = \"skeleton.json\"\n[source]\nfiles = [\"t.csv\", \"more-*.csv\"]\n[run]\nledger = \"t.ledger.db\"\n",
    );
    folder.write("skeleton.json", "{\"Name\": \"{{ name }}\"}");
    folder.write("u.csv", "id\nK0\n");
    std::os::unix::fs::symlink("t.csv", folder.path("link.csv")).unwrap();
    let before = ["t.csv", "job.toml", "u.csv"].map(|name| folder.read(name));
    for (to, words) in [
        ("t.ledger.db", "--to names a ledger, or what belongs to one"),
        ("t.ledger.db-wal", "--to names a ledger, or what belongs to one"),
        ("t.ledger.db.lock", "--to names a ledger, or what belongs to one"),
        ("./job.toml", "which is the job file, or belongs to it"),
        ("skeleton.json", "which is the job file, or belongs to it"),
        ("t.csv", "which is a CSV of the job"),
        ("link.csv", "which is a CSV of the job"),
        ("u.csv", "which is a CSV of the job"),
        ("more-1.csv", "which is a CSV of the job"),
        ("folder", "which is a folder"),
        ("/dev/null", "which is no ordinary file"),
    ] {
        let arguments = ["export", "--job", "job.toml", "--join", "u.csv", "--to", to];
        let ended = folder.run(&arguments).expect(2);
        assert!(ended.stderr.contains(words), "{to}: {}", ended.stderr);
    }
    assert_eq!(["t.csv", "job.toml", "u.csv"].map(|name| folder.read(name)), before);
    assert_eq!(folder.states("t.ledger.db"), "created 1");
    let none = folder.run(&["export"]).expect(2);
    assert!(none.stderr.contains("nothing says which ledger; name it with --ledger"), "{}", none.stderr);
}

#[test]
fn no_ledger_no_job_file_and_nothing_that_was_imported_is_written_over_whoever_names_it() {
    let (folder, _sandbox) = imported(&numbered_csv(1), &["--key", "id"]);
    folder.write("ca.pem", "certificates");
    folder.write("another.toml", "");
    folder.write("rejects.csv", "id,_file,_line,_key,_state,_code,_message\n");
    folder.write("notes.txt", "of no ledger");
    std::os::unix::fs::symlink("nowhere.csv", folder.path("dangling.csv")).unwrap();
    for name in ["j.ledger.db", "j.2-of-4.sandbox.ledger.db", "with-another-name"] {
        std::fs::copy(folder.path("t.ledger.db"), folder.path(name)).unwrap();
    }
    let before = std::fs::read(folder.path("j.ledger.db")).unwrap();
    for (to, words) in [
        // Of the same job: the other ledger, and those of shards, also where they are not there yet.
        ("j.ledger.db", "a ledger, or what belongs to one"),
        ("j.ledger.db-wal", "a ledger, or what belongs to one"),
        ("j.2-of-4.sandbox.ledger.db", "a ledger, or what belongs to one"),
        ("j.3-of-4.ledger.db", "a ledger, or what belongs to one"),
        // Of some job.
        ("with-another-name", "a ledger, or what belongs to one"),
        ("with-another-name.lock", "a ledger, or what belongs to one"),
        ("with-another-name.rejects.csv", "which is a rejects file"),
        ("rejects.csv", "which is a rejects file"),
        ("another.toml", "which is a job file"),
        ("ca.pem", "belongs to it"),
        // Only the ledger knows that it is an input.
        ("t.csv", "which was imported"),
        ("dangling.csv", "which is a link to nothing that is there"),
        ("/dev/stdout", "leave --to out"),
        ("/dev/fd/1", "leave --to out"),
    ] {
        let arguments =
            ["export", "j.csv", "--sandbox", "--ledger", "t.ledger.db", "--ca-bundle", "ca.pem", "--to", to];
        // Standard output goes into a file that has something in it already.
        let mut log = std::fs::OpenOptions::new().append(true).create(true).open(folder.path("log")).unwrap();
        log.write_all(b"before\n").unwrap();
        let ended = Ended::from(folder.command(&arguments).stdout(log).output().unwrap()).expect(2);
        assert!(ended.stderr.contains(words), "{to}: {}", ended.stderr);
    }
    assert_eq!(std::fs::read(folder.path("j.ledger.db")).unwrap(), before);
    assert_eq!(folder.read("log"), "before\n".repeat(14));
    assert!(folder.path("dangling.csv").is_symlink());
    // What is none of that is written over.
    folder.run(&export(&["--to", "notes.txt"])).expect(0);
    assert!(folder.read("notes.txt").starts_with("file,line,"));
}

/// An export to `out.csv` that waits for the rest of a CSV, and the pipe by which that comes.
fn waiting_export(folder: &Folder) -> (Running, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = folder.command(&export(&["--join", "-", "--to", "out.csv"]));
    let running = Running::of(
        command.stdin(reader).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()),
    );
    // More than is looked at to find out how a CSV is written.
    let rows: String = (2..50_000).map(|row| format!("K{row},of no ledger\n")).collect();
    writer.write_all(format!("id,Name\nK0,a\n{rows}").as_bytes()).unwrap();
    until("it has begun to write", || folder.path("out.csv.connect-import-part").exists());
    (running, writer)
}

#[test]
fn of_two_exports_to_one_file_the_second_is_refused_and_the_first_is_whole() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    let (running, mut writer) = waiting_export(&folder);
    let second = folder.run(&export(&["--to", "out.csv"])).expect(74);
    assert!(second.stderr.contains("another process is writing the same file"), "{}", second.stderr);
    writer.write_all(b"K1,b\n").unwrap();
    drop(writer);
    running.end().expect(0);
    let written = columns(&folder.read("out.csv"), &["id", "_state"]);
    assert_eq!([&*written[0], &written[1], &written[49_999]], ["K0|created", "K2|", "K1|created"]);
    assert!(!folder.path("out.csv.connect-import-part").exists());
}

#[test]
fn an_export_that_is_interrupted_while_it_waits_for_input_leaves_nothing() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    let (running, writer) = waiting_export(&folder);
    running.signal("INT");
    let ended = running.end().expect(130);
    assert!(ended.stderr.contains("the export is not complete"), "{}", ended.stderr);
    drop(writer);
    assert!(!folder.path("out.csv").exists() && !folder.path("out.csv.connect-import-part").exists());
}

#[test]
fn what_ends_an_export_is_told_apart_from_its_rows() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    folder.write("u.csv", b"id,Name\nK0,a\nK1,\xff\n");
    let ended = folder.run(&export(&["--join", "u.csv", "--output", "json"])).expect(2);
    assert!(ended.stderr.contains("u.csv, line 3"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("message_type"), "{}", ended.stdout);
}
