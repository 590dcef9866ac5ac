//! What commands that only read make of a ledger that is not whole, not theirs, or lies where nothing can be written.

use crate::export::{columns, export, imported};
use crate::support::*;

/// A ledger whose run was killed, with a log that has what its file has not.
fn killed() -> (Folder, SandboxProcess) {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", numbered_csv(9));
    folder.run(&import(&sandbox.url(), &["--crash-at", "after-answer:5", "--concurrency", "1"]));
    assert!(folder.path("t.ledger.db-wal").metadata().unwrap().len() > 0);
    (folder, sandbox)
}

#[test]
fn a_ledger_that_has_lost_its_log_is_told_of_by_every_command() {
    let (folder, sandbox) = killed();
    let whole = columns(&folder.run(&export(&["--state", "created"])).expect(0).stdout, &["key"]);
    assert_eq!(whole.len(), 4);
    for suffix in ["", ".lock"] {
        let [from, to] = ["t", "copy"].map(|name| folder.path(&format!("{name}.ledger.db{suffix}")));
        std::fs::copy(from, to).unwrap();
    }
    // The file alone is a sound database, and has the schema already.
    let url = sandbox.url();
    for command in ["export", "status", "check", "run"] {
        let sandbox = ["--sandbox", "--key", "id", "--endpoint-url", &url];
        let more = if matches!(command, "check" | "run") { &sandbox[..] } else { &[] };
        let ended =
            folder.run(&[&[command, "t.csv", "--ledger", "copy.ledger.db"], more].concat()).expect(74);
        assert!(ended.stderr.contains("is damaged (it lacks run 1, commit "), "{}", ended.stderr);
    }
    // Without a word of what there was, nobody can know.
    std::fs::remove_file(folder.path("copy.ledger.db.lock")).unwrap();
    folder.run(&["status", "--ledger", "copy.ledger.db"]).expect(0);
}

#[test]
fn a_ledger_of_two_names_is_not_read_under_either() {
    let (folder, _sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    std::fs::hard_link(folder.path("t.ledger.db"), folder.path("other.db")).unwrap();
    for name in ["t.ledger.db", "other.db"] {
        for command in ["export", "status"] {
            let ended = folder.run(&[command, "--ledger", name]).expect(2);
            assert!(ended.stderr.contains("has a second name (a hard link)"), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_ledger_is_read_where_nothing_can_be_written_beside_it_unless_a_part_is_in_its_log() {
    let (folder, _sandbox) = killed();
    let killed = folder.run(&export(&[])).expect(0).stdout;
    // Where the index of the log would be is a link to nowhere: as on a disk that is read-only, it cannot be made.
    let no_index = |name: &str| {
        let index = folder.path(&format!("{name}-shm"));
        let _ = std::fs::remove_file(&index);
        std::os::unix::fs::symlink("no/such/folder/index", index).unwrap();
    };
    no_index("t.ledger.db");
    let ended = folder.run(&export(&[])).expect(74);
    assert!(ended.stderr.contains("t.ledger.db-wal; copy both, and"), "{}", ended.stderr);
    for suffix in ["", "-wal", ".lock"] {
        std::fs::copy(
            folder.path(&format!("t.ledger.db{suffix}")),
            folder.path(&format!("a copy?#%.db{suffix}")),
        )
        .unwrap();
    }
    // As it advises; SQLite folds the log back when its last writer goes.
    folder.execute("a copy?#%.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    assert!(!folder.path("a copy?#%.db-wal").exists());
    no_index("a copy?#%.db");
    assert_eq!(folder.run(&["export", "--ledger", "a copy?#%.db"]).expect(0).stdout, killed);
    folder.run(&["status", "--ledger", "a copy?#%.db"]).expect(0);
}

#[test]
fn a_ledger_of_another_import_than_the_job_names_is_refused_and_what_it_does_not_name_is_not_compared() {
    let (folder, _sandbox) = imported(&numbered_csv(1), &["--key", "id"]);
    let jobs = [
        (
            "[connect]\ninstance_id = \"11111111-2222-3333-4444-555555555555\"",
            "instance 'sandbox', not '1111",
        ),
        ("[connect]\nnamespace = \"second\"", "namespace '', not 'second'"),
        ("[connect]\noperation = \"StartTaskContact\"", "operation 'CreateContact', not 'StartTaskContact'"),
        ("[source]\nkey = [\"Name\"]", "key '[\"id\"]', not '[\"Name\"]'"),
    ];
    for command in ["export", "status"] {
        for (job, words) in jobs {
            folder.write("j.toml", job);
            let ended = folder.run(&[command, "--job", "j.toml", "--ledger", "t.ledger.db"]).expect(2);
            assert!(ended.stderr.contains(words), "{}", ended.stderr);
        }
        folder.write("j.toml", "[source]\nkey = [\"id\"]\n[connect]\noperation = \"CreateContact\"");
        folder.run(&[command, "--job", "j.toml", "--ledger", "t.ledger.db"]).expect(0);
        // The job's instance is not that of its rehearsals.
        folder.write("j.toml", jobs[0].0);
        folder.run(&[command, "--job", "j.toml", "--sandbox", "--ledger", "t.ledger.db"]).expect(0);
        folder.execute("t.ledger.db", "UPDATE identity SET instance_id = 'real'");
        let ended = folder.run(&[command, "--sandbox", "--ledger", "t.ledger.db"]).expect(2);
        assert!(ended.stderr.contains("instance 'real', not 'sandbox'"), "{}", ended.stderr);
        folder.execute("t.ledger.db", "UPDATE identity SET instance_id = 'sandbox'");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_and_the_version_are_not_said_to_be_shown_when_they_are_not() {
    let folder = Folder::new();
    for flag in ["--version", "--help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Ended::from(folder.command(&[flag]).stdout(full).output().unwrap()).expect(74);
        assert!(ended.stderr.contains("cannot write to standard output"), "{}", ended.stderr);
    }
}
