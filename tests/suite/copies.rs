//! Copies of a ledger: one that was used elsewhere is refused over its brother that was used meanwhile, by every command;
//! a copy that is newer is accepted.

use crate::support::*;

/// A ledger with two created rows, and its copy in the folder `away`. Contacts that are created again are new ones, so
/// that no token hides a row that is sent twice.
fn copied() -> (Folder, SandboxProcess) {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(30));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed"]);
    folder.run(&import(&sandbox.url(), &["--limit", "2"])).expect(10);
    std::fs::create_dir(folder.path("away")).unwrap();
    std::fs::copy(folder.path("t.ledger.db"), folder.path("away/t.ledger.db")).unwrap();
    (folder, sandbox)
}

/// Runs the import with the ledger here, or with the copy.
fn run_on(folder: &Folder, sandbox: &SandboxProcess, ledger: &str, more: &[&str]) -> Ended {
    let url = sandbox.url();
    let mut arguments = import(&url, &["--concurrency", "1"]);
    arguments.extend(more);
    for word in &mut arguments {
        if *word == "t.ledger.db" {
            *word = ledger;
        }
    }
    folder.run(&arguments)
}

/// Copies the ledger in `away` over its brother, with its log or without one. The log of the brother is removed.
fn copy_back(folder: &Folder, with_log: bool) {
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path(&format!("t.ledger.db{suffix}")));
    }
    std::fs::copy(folder.path("away/t.ledger.db"), folder.path("t.ledger.db")).unwrap();
    if with_log {
        std::fs::copy(folder.path("away/t.ledger.db-wal"), folder.path("t.ledger.db-wal")).unwrap();
    }
}

/// Every command that reads the ledger, with arguments that suit `url`.
fn commands(url: &str) -> [Vec<&str>; 7] {
    let named = ["--sandbox", "--ledger", "t.ledger.db"];
    [
        import(url, &[]),
        vec!["status", "--ledger", "t.ledger.db"],
        vec!["export", "--ledger", "t.ledger.db"],
        [&["verify", "--key", "id", "--endpoint-url", url], &named[..]].concat(),
        vec!["report", "--ledger", "t.ledger.db", "--to", "r.html"],
        [&["doctor", "t.csv", "--key", "id", "--endpoint-url", url], &named[..]].concat(),
        [&["check", "t.csv", "--key", "id"], &named[..]].concat(),
    ]
}

#[track_caller]
fn expect_refused(folder: &Folder, sandbox: &SandboxProcess, says: &str) {
    let before = std::fs::read(folder.path("t.ledger.db")).unwrap();
    let contacts = sandbox.stat("contacts");
    for command in commands(&sandbox.url()) {
        let ended = folder.run(&command);
        let told = ended.stdout + &ended.stderr;
        assert!(ended.code == Some(74) && told.contains(says), "{command:?}: {:?}\n{told}", ended.code);
    }
    assert_eq!(sandbox.stat("contacts"), contacts, "a row was sent");
    assert!(std::fs::read(folder.path("t.ledger.db")).unwrap() == before, "the ledger was changed");
}

const CRASH: &str = "after-commit:9";

#[test]
fn a_copy_that_was_used_elsewhere_is_refused_over_its_brother_that_was_used_meanwhile() {
    // Arguments of the brother's run and of the copy's, and whether the copy has a log of its own.
    let both_ran: [([&str; 2], [&str; 2], bool); 6] = [
        (["--limit", "3"], ["--limit", "3"], false),
        (["--limit", "1"], ["--limit", "9"], false),
        (["--limit", "9"], ["--limit", "1"], false),
        (["--crash-at", CRASH], ["--limit", "9"], false),
        (["--limit", "3"], ["--crash-at", CRASH], true),
        (["--crash-at", CRASH], ["--crash-at", "after-commit:12"], true),
    ];
    for (here, away, with_log) in both_ran {
        let (folder, sandbox) = copied();
        run_on(&folder, &sandbox, "t.ledger.db", &here);
        run_on(&folder, &sandbox, "away/t.ledger.db", &away);
        copy_back(&folder, with_log);
        expect_refused(&folder, &sandbox, "it has another run 2 (since ");
    }
}

#[test]
fn a_copy_whose_log_was_left_away_and_a_copy_behind_its_brother_are_refused() {
    let (folder, sandbox) = copied();
    run_on(&folder, &sandbox, "t.ledger.db", &["--limit", "3"]);
    run_on(&folder, &sandbox, "t.ledger.db", &["--limit", "3"]);
    run_on(&folder, &sandbox, "away/t.ledger.db", &["--crash-at", CRASH]);
    copy_back(&folder, false);
    expect_refused(&folder, &sandbox, "it lacks commit ");
    let told = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(74).stderr;
    assert!(told.contains(" of run 3 (process ") && told.contains("its last is run 1 (since "), "{told}");
    assert!(
        told.contains("connect-import run t.csv --key id") || told.contains(" run t.csv --key id"),
        "{told}"
    );
}

#[test]
fn the_log_of_a_run_that_died_is_not_applied_to_another_copy() {
    let (folder, sandbox) = copied();
    run_on(&folder, &sandbox, "t.ledger.db", &["--crash-at", CRASH]);
    assert!(folder.path("t.ledger.db-wal").metadata().unwrap().len() > 0);
    let put_back = || {
        std::fs::copy(folder.path("away/t.ledger.db"), folder.path("t.ledger.db")).unwrap();
        let _ = std::fs::remove_file(folder.path("t.ledger.db-shm"));
    };
    run_on(&folder, &sandbox, "away/t.ledger.db", &["--limit", "5"]).expect(10);
    put_back();
    let says = "the log beside it is of another copy, in which run 2 (since ";
    expect_refused(&folder, &sandbox, says);
    // The printed command is safe: without that log the copy is refused all the same.
    let told = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(74).stderr;
    pasted(&folder, told.trim_end().rsplit_once("keep it: ").unwrap().1);
    assert!(!folder.path("t.ledger.db-wal").exists() && folder.path("t.ledger.db-wal.other").exists());
    expect_refused(&folder, &sandbox, "it has another run 2 (since ");
    // Of a copy with more pages than the log counts SQLite can read nothing.
    run_on(&folder, &sandbox, "away/t.ledger.db", &["--limit", "20"]).expect(10);
    put_back();
    std::fs::rename(folder.path("t.ledger.db-wal.other"), folder.path("t.ledger.db-wal")).unwrap();
    expect_refused(&folder, &sandbox, "is damaged (database disk image is malformed) and is not used");
}

#[test]
fn a_run_that_died_continues_with_its_own_log() {
    let (folder, sandbox) = copied();
    for _ in 0..3 {
        run_on(&folder, &sandbox, "t.ledger.db", &["--crash-at", CRASH]);
    }
    for command in [&["status"], &["export"]] {
        folder.run(&[command[0], "--ledger", "t.ledger.db"]).expect(0);
    }
    run_on(&folder, &sandbox, "t.ledger.db", &["--limit", "1"]).expect(10);
}

#[test]
fn a_copy_that_was_used_elsewhere_while_its_brother_was_not_is_accepted() {
    let (folder, sandbox) = copied();
    run_on(&folder, &sandbox, "away/t.ledger.db", &["--limit", "9"]).expect(10);
    copy_back(&folder, false);
    for command in commands(&sandbox.url()).into_iter().skip(1) {
        let ended = folder.run(&command);
        assert!(matches!(ended.code, Some(0 | 1)), "{command:?}\n{}{}", ended.stdout, ended.stderr);
    }
    run_on(&folder, &sandbox, "t.ledger.db", &[]).expect(0);
    assert_eq!(sandbox.stat("contacts"), 30);
}

#[test]
fn a_newer_copy_with_a_log_of_its_own_is_accepted_over_a_brother_that_died() {
    let (folder, sandbox) = copied();
    run_on(&folder, &sandbox, "t.ledger.db", &["--crash-at", CRASH]);
    for suffix in ["", "-wal"] {
        let (from, to) = (format!("t.ledger.db{suffix}"), format!("away/t.ledger.db{suffix}"));
        std::fs::copy(folder.path(&from), folder.path(&to)).unwrap();
    }
    run_on(&folder, &sandbox, "away/t.ledger.db", &["--crash-at", "after-commit:12"]);
    copy_back(&folder, true);
    let created = folder.run(&["export", "--ledger", "t.ledger.db"]).expect(0).stdout;
    let away = folder.run(&["export", "--ledger", "away/t.ledger.db"]).expect(0).stdout;
    assert_eq!(created, away);
    run_on(&folder, &sandbox, "t.ledger.db", &["--limit", "1"]).expect(10);
}

#[test]
fn a_copy_is_refused_over_a_brother_that_was_verified_meanwhile_and_a_verified_copy_over_one_that_ran() {
    for (here, away) in [("verify", "run"), ("run", "verify"), ("verify", "verify")] {
        let (folder, sandbox) = copied();
        let url = sandbox.url();
        for (ledger, what) in [("t.ledger.db", here), ("away/t.ledger.db", away)] {
            if what == "run" {
                run_on(&folder, &sandbox, ledger, &["--limit", "1"]).expect(10);
            } else {
                let verify =
                    ["verify", "--key", "id", "--sandbox", "--ledger", ledger, "--endpoint-url", &url];
                folder.run(&verify).expect(0);
            }
        }
        copy_back(&folder, false);
        expect_refused(&folder, &sandbox, "it lacks commit ");
    }
}

#[test]
fn the_printed_command_exports_the_refused_copy_and_the_ledger_stays_refused() {
    let (folder, sandbox) = copied();
    run_on(&folder, &sandbox, "t.ledger.db", &["--limit", "3"]);
    run_on(&folder, &sandbox, "away/t.ledger.db", &["--crash-at", CRASH]);
    copy_back(&folder, true);
    let told = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(74).stderr;
    let command = told.split_once("without its lock file: ").unwrap().1.split_once(". Only").unwrap().0;
    let exported = pasted(&folder, command);
    assert!(exported.contains("created"), "{exported}");
    folder.run(&["status", "--ledger", "t.ledger.db"]).expect(74);
}

/// Output of a printed command, in the folder.
#[track_caller]
fn pasted(folder: &Folder, command: &str) -> String {
    let command = command.replace("connect-import", env!("CARGO_BIN_EXE_connect-import"));
    let mut shell = std::process::Command::new("sh");
    let ended = Ended::from(shell.args(["-ec", &command]).current_dir(folder.path("")).output().unwrap());
    ended.expect(0).stdout
}
