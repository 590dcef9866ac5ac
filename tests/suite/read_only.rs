//! Commands that only read: ledgers that are incomplete, of another import, or in a read-only folder.

use crate::export::{columns, export, imported};
use crate::support::*;

/// A ledger of a killed run. A part of it is only in the WAL file.
fn killed_run() -> (Folder, SandboxProcess) {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", numbered_csv(9));
    folder.run(&import(&sandbox.url(), &["--crash-at", "after-answer:5", "--concurrency", "1"]));
    assert!(folder.path("t.ledger.db-wal").metadata().unwrap().len() > 0);
    (folder, sandbox)
}

#[test]
fn every_command_refuses_a_ledger_whose_wal_file_was_deleted() {
    let (folder, sandbox) = killed_run();
    let created = columns(&folder.run(&export(&["--state", "created"])).expect(0).stdout, &["key"]);
    assert_eq!(created.len(), 4);
    for suffix in ["", ".lock"] {
        let [from, to] = ["t", "copy"].map(|name| folder.path(&format!("{name}.ledger.db{suffix}")));
        std::fs::copy(from, to).unwrap();
    }
    // The database file alone is valid; only the lock record shows that commits are missing.
    let url = sandbox.url();
    for command in ["export", "status", "check", "run"] {
        let sandbox = ["--sandbox", "--key", "id", "--endpoint-url", &url];
        let more = if matches!(command, "check" | "run") { &sandbox[..] } else { &[] };
        let ended =
            folder.run(&[&[command, "t.csv", "--ledger", "copy.ledger.db"], more].concat()).expect(74);
        assert!(
            ended.stderr.contains("is not the copy that was used last: it lacks commit "),
            "{}",
            ended.stderr
        );
    }
    // Without the lock record the loss cannot be detected.
    std::fs::remove_file(folder.path("copy.ledger.db.lock")).unwrap();
    folder.run(&["status", "--ledger", "copy.ledger.db"]).expect(0);
}

#[test]
fn a_ledger_with_a_hard_link_is_not_read() {
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
fn a_ledger_in_a_read_only_folder_is_read_unless_it_has_a_wal_file() {
    let (folder, _sandbox) = killed_run();
    let killed = folder.run(&export(&[])).expect(0).stdout;
    // A dangling link prevents SQLite from creating the shared-memory file, as a read-only disk does.
    let prevent_index = |name: &str| {
        let index = folder.path(&format!("{name}-shm"));
        let _ = std::fs::remove_file(&index);
        std::os::unix::fs::symlink("no/such/folder/index", index).unwrap();
    };
    prevent_index("t.ledger.db");
    let ended = folder.run(&export(&[])).expect(74);
    assert!(ended.stderr.contains("t.ledger.db-wal; copy both, and"), "{}", ended.stderr);
    for suffix in ["", "-wal", ".lock"] {
        std::fs::copy(
            folder.path(&format!("t.ledger.db{suffix}")),
            folder.path(&format!("a copy?#%.db{suffix}")),
        )
        .unwrap();
    }
    // The remedy of the message: SQLite checkpoints a writable copy.
    folder.execute("a copy?#%.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    assert!(!folder.path("a copy?#%.db-wal").exists());
    prevent_index("a copy?#%.db");
    assert_eq!(folder.run(&["export", "--ledger", "a copy?#%.db"]).expect(0).stdout, killed);
    folder.run(&["status", "--ledger", "a copy?#%.db"]).expect(0);
}

#[test]
fn a_ledger_that_contradicts_the_job_file_is_refused() {
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
        for (job, message) in jobs {
            folder.write("j.toml", job);
            let ended = folder.run(&[command, "--job", "j.toml", "--ledger", "t.ledger.db"]).expect(2);
            assert!(ended.stderr.contains(message), "{}", ended.stderr);
        }
        // Options that the job file does not set are not compared.
        folder.write("j.toml", "[source]\nkey = [\"id\"]\n[connect]\noperation = \"CreateContact\"");
        folder.run(&[command, "--job", "j.toml", "--ledger", "t.ledger.db"]).expect(0);
        // A rehearsal has another instance than its job file.
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
fn help_and_version_fail_on_a_full_disk() {
    let folder = Folder::new();
    for flag in ["--version", "--help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Ended::from(folder.command(&[flag]).stdout(full).output().unwrap()).expect(74);
        assert!(ended.stderr.contains("cannot write to standard output"), "{}", ended.stderr);
    }
}
