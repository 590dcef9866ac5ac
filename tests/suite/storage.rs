//! The ledger: whose it is, who holds it, and what happens when it cannot be written.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::*;

#[test]
fn a_second_run_is_refused_while_the_first_holds_the_ledger_and_status_answers() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("requests are under way", || endpoint.requests().len() == 2);
    let second = folder.run(&import(&url, &[])).expect(11);
    assert!(second.stderr.contains("another run holds the ledger"), "{}", second.stderr);
    let status = folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&status["running"], &status["rows"]["in_flight"]), (&true.into(), &2.into()));
    first.signal("KILL");
    first.end();
    let status = folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&status["running"], &status["runs"][0]["ending"]), (&false.into(), &"died".into()));
    assert_eq!(endpoint.requests().len(), 2, "the refused run sent something");
}

#[test]
fn a_full_disk_ends_in_74_and_loses_nothing() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3000));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let arguments = import(&url, &[]);
    // Files may not grow beyond so many blocks of 512 or 1024 bytes, whichever the shell counts in;
    // with the signal ignored a write fails as on a full disk.
    for blocks in [50, 300, 900] {
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = std::process::Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_connect-import")])
            .args(&arguments)
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        let ended = Ended::from(output);
        assert!(matches!(ended.code, Some(74 | 0)), "{blocks} blocks: {:?}\n{}", ended.code, ended.stderr);
    }
    folder.run(&arguments).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3000");
    assert_eq!(sandbox.stat("contacts"), 3000);
}

#[test]
fn a_ledger_that_cannot_be_made_ends_in_74_and_nothing_is_sent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let mut arguments = import(&url, &[]);
    let at = arguments.iter().position(|word| *word == "t.ledger.db").unwrap();
    arguments[at] = "missing/t.ledger.db";
    folder.run(&arguments).expect(74);
    assert!(endpoint.requests().is_empty());
}

#[test]
fn what_is_no_ledger_or_anothers_is_refused_with_2_and_left_as_it_was() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let notes = "these are my notes, not a ledger ".repeat(100);
    folder.write("t.ledger.db", &notes);
    let ended = folder.run(&import(&url, &[])).expect(2);
    assert_eq!(
        ended.stderr,
        "error: t.ledger.db is not a ledger of connect-import, or its header is damaged; restore it, or name \
         another file with --ledger\n"
    );
    assert_eq!(folder.read("t.ledger.db"), notes);
    std::fs::remove_file(folder.path("t.ledger.db")).unwrap();

    folder.run(&import(&url, &[])).expect(0);
    let sent = endpoint.requests().len();
    let ended = folder.run(&import(&url, &["--namespace", "again"])).expect(2);
    assert!(ended.stderr.contains("belongs to namespace '', not 'again'"), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), sent);
}

#[test]
fn ledger_and_rejects_are_for_their_owners_eyes() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K9,{}\n", numbered_csv(1), "x".repeat(1025)));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(1);
    for name in ["t.ledger.db", "t.ledger.db.lock", "t.ledger.db.rejects.csv"] {
        let mode = folder.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_created_row_keeps_its_contact_and_loses_its_record() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let row = folder.ask("t.ledger.db", "SELECT contact_id, contact_arn, attempts, record IS NULL FROM rows");
    assert_eq!(row, "contact-0|arn|1|1");
}

#[test]
fn a_link_to_the_ledger_leads_to_the_same_lock() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is under way", || endpoint.requests().len() == 1);
    std::os::unix::fs::symlink(folder.path("t.ledger.db"), folder.path("link.db")).unwrap();
    folder.run(&import(&url, &["--ledger", "link.db"])).expect(11);
    drop(first);
}

#[test]
fn another_key_on_the_same_ledger_is_refused() {
    let folder = Folder::new();
    folder.write("t.csv", "Name,Description\na,b\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let arguments =
        |key| import(&url, &["--key", key]).into_iter().filter(|word| *word != "id").collect::<Vec<_>>();
    let with_key = |key| {
        let mut arguments = arguments(key);
        let first = arguments.iter().position(|word| *word == "--key").unwrap();
        arguments.remove(first);
        arguments
    };
    folder.run(&with_key("Name")).expect(0);
    let ended = folder.run(&with_key("Description")).expect(2);
    assert!(ended.stderr.contains(r#"belongs to key '["Name"]', not '["Description"]'"#), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn rejects_replace_and_remove_only_older_rejects() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    folder.write("precious.txt", "precious");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &["--rejects", "precious.txt"])).expect(2);
    assert!(ended.stderr.contains("is not a rejects file written by connect-import"), "{}", ended.stderr);
    folder.run(&import(&url, &["--rejects", "t.ledger.db", "--force"])).expect(2);
    assert!(endpoint.requests().is_empty());
    folder.run(&import(&url, &[])).expect(0);
    for name in ["t.ledger.db", "./t.ledger.db-wal", "t.ledger.db.lock"] {
        folder.run(&import(&url, &["--rejects", name, "--force"])).expect(2);
    }
    // `--force` replaces a file by rejects, and this run has none.
    folder.run(&import(&url, &["--rejects", "precious.txt", "--force"])).expect(0);
    folder.run(&import(&url, &["--rejects", "no/such/folder.csv"])).expect(74);
    assert_eq!(folder.read("precious.txt"), "precious");
    assert_eq!(folder.states("t.ledger.db"), "created 1");
}

#[test]
fn what_a_created_row_said_is_wiped_from_the_ledger() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,planted-secret\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let bytes = std::fs::read(folder.path("t.ledger.db")).unwrap();
    assert!(!bytes.windows(14).any(|window| window == b"planted-secret"));
    assert!(!folder.path("t.ledger.db-wal").exists());
}

/// Takes the ledger away, or changes it, while requests are under way; what is sent after that, and how the run ends.
fn disturbed(disturb: impl Fn(&Folder)) -> (usize, Ended, Folder) {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("home")).unwrap();
    folder.write("t.csv", numbered_csv(200));
    let endpoint = Endpoint::start(|_, _| Reply::Slow(std::time::Duration::from_millis(300)));
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--ledger", "home/t.db", "--concurrency", "4"]));
    until("requests are under way", || endpoint.requests().len() >= 4);
    disturb(&folder);
    let sent = endpoint.requests().len();
    let ended = running.end();
    (endpoint.requests().len() - sent, ended, folder)
}

#[test]
fn a_ledger_that_is_taken_away_stops_the_run_before_another_request() {
    let gone = |ended: &Ended| {
        assert_eq!(ended.code, Some(74), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("was removed, moved or replaced during the run"), "{}", ended.stderr);
    };
    let (more, ended, _) = disturbed(|folder| std::fs::remove_dir_all(folder.path("home")).unwrap());
    gone(&ended);
    assert!(more <= 4, "{more} requests left after the folder was removed");
    let (more, ended, folder) =
        disturbed(|folder| std::fs::rename(folder.path("home"), folder.path("away")).unwrap());
    gone(&ended);
    assert!(more <= 4, "{more} requests left after the folder was moved");
    // It is whole where it is now, and the next run goes on with it.
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &["--ledger", "away/t.db"])).expect(0);
    // A lock file that is tidied away would let a second run in.
    let (_, ended, _) = disturbed(|folder| std::fs::remove_file(folder.path("home/t.db.lock")).unwrap());
    gone(&ended);
}

#[test]
fn an_intent_or_an_outcome_that_cannot_be_written_ends_in_74_and_sends_nothing_without_an_intent() {
    let full = |state: &str| {
        format!(
            "CREATE TRIGGER full BEFORE UPDATE ON rows WHEN new.state = '{state}' AND new.id > 3
             BEGIN SELECT RAISE(FAIL, 'disk full'); END"
        )
    };
    for (state, most) in [("in_flight", 3), ("created", 3 + 8)] {
        let folder = Folder::new();
        folder.write("t.csv", numbered_csv(40));
        let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
        let url = sandbox.url();
        folder.run(&import(&url, &["--limit", "0"])).expect(10);
        folder.execute("t.ledger.db", &full(state));
        let ended = folder.run(&import(&url, &["--concurrency", "8"])).expect(74);
        assert!(ended.stderr.contains("disk full"), "{}", ended.stderr);
        let contacts = sandbox.stat("contacts");
        assert!(contacts <= most, "{state}: {contacts} contacts");
        // Every one of them is known to the ledger, if not what came of it.
        let known = "SELECT count(*) FROM rows WHERE state IN ('created', 'in_flight')";
        assert!(folder.ask("t.ledger.db", known).parse::<u64>().unwrap() >= contacts);
        folder.execute("t.ledger.db", "DROP TRIGGER full");
        folder.run(&import(&url, &[])).expect(0);
        assert_eq!(sandbox.stat("contacts"), 40);
    }
}

#[test]
fn a_damaged_ledger_is_refused_with_advice_and_nothing_is_sent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(500));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "50"])).expect(10);
    let whole = std::fs::read(folder.path("t.ledger.db")).unwrap();
    let requests = sandbox.stat("requests");
    let mut refused = 0;
    let lengths = (0..whole.len()).step_by(4096).chain([1, 99, 512, whole.len() - 1]);
    let cut: Vec<Vec<u8>> = lengths.map(|length| whole[..length].to_vec()).collect();
    let flipped = (0..whole.len()).step_by(997).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        bytes
    });
    let limited = import(&url, &["--limit", "0"]);
    for (number, bytes) in cut.iter().cloned().chain(flipped).enumerate() {
        for suffix in ["-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(folder.path(&format!("t.ledger.db{suffix}")));
        }
        std::fs::write(folder.path("t.ledger.db"), &bytes).unwrap();
        let ended = folder.run(&limited);
        // A bit inside of a text or an id is nobody's to notice; whatever is noticed is refused.
        assert!(matches!(ended.code, Some(74 | 2 | 10)), "{number}: {:?} {}", ended.code, ended.stderr);
        if number < cut.len() {
            assert!(matches!(ended.code, Some(74 | 2)), "cut {number}: {:?} {}", ended.code, ended.stderr);
        }
        if ended.code == Some(74) {
            refused += 1;
            assert!(ended.stderr.contains("damaged"), "{number}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("internal error"), "{number}: {}", ended.stderr);
    }
    assert!(refused > 50, "{refused}");
    assert_eq!(sandbox.stat("requests"), requests);
    folder.write("t.ledger.db", "");
    let empty = folder.run(&import(&url, &[])).expect(74);
    assert!(empty.stderr.contains("it is empty") && empty.stderr.contains("Restore it from a backup"));
}

#[test]
fn a_ledger_is_examined_unless_its_last_run_closed_it_and_nobody_wrote_to_it_since() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(500));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "20"])).expect(10);
    assert!(folder.read("t.ledger.db.lock").contains("\nclosed with "));
    let crashing = import(&url, &["--crash-at", "after-answer:20"]);
    assert_eq!(folder.run(&crashing).code, None);
    assert!(!folder.read("t.ledger.db.lock").contains("closed"));
    folder.run(&import(&url, &[])).expect(0);
    assert!(folder.read("t.ledger.db.lock").contains("\nclosed with "));
    // A page that no run reads which finds every row where it was.
    let rootpage =
        folder.ask("t.ledger.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'rows_by_cause'");
    let mut bytes = std::fs::read(folder.path("t.ledger.db")).unwrap();
    bytes[(rootpage.parse::<usize>().unwrap() - 1) * 4096] = 0xff;
    std::fs::write(folder.path("t.ledger.db"), bytes).unwrap();
    let ended = folder.run(&import(&url, &[])).expect(74);
    assert!(ended.stderr.contains("damaged"), "{}", ended.stderr);
}

#[test]
fn a_ledger_that_may_not_be_written_to_ends_in_74_and_nothing_is_sent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    let mode = |name: &str, mode| {
        std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut command = folder.command(&import(&url, &[]));
    mode("t.ledger.db", 0o444);
    if rustix::process::getuid().is_root() {
        // The superuser, who runs many a test, may write to anything.
        mode("", 0o777);
        mode("t.ledger.db.lock", 0o666);
        std::os::unix::process::CommandExt::uid(&mut command, 65_534);
    }
    let ended = Ended::from(command.output().unwrap()).expect(74);
    assert!(ended.stderr.contains("readonly"), "{}", ended.stderr);
    assert_eq!(sandbox.stat("contacts"), 1);
}

#[test]
fn rejects_that_find_no_room_end_in_74_and_the_next_run_writes_them() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("tiny")).unwrap();
    let long = "x".repeat(1025);
    let rows: String = (0..200).map(|number| format!("K{number},{long}\n")).collect();
    folder.write("t.csv", format!("id,Name\n{rows}"));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    // A disk of 64 KiB in a name space of its own, where the system lets anybody have one.
    let tiny = |words: &[&str]| {
        let mount = "mount -t tmpfs -o size=64k tmpfs tiny && exec \"$0\" \"$@\"";
        let mut command = std::process::Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", mount]).args(words);
        command.current_dir(folder.path("")).output()
    };
    if !tiny(&["true"]).is_ok_and(|output| output.status.success()) {
        return skip_outside_of_the_gate("a test needs unshare and mount to make a small disk");
    }
    let rejects = import(&url, &["--rejects", "tiny/r.csv"]);
    let words = [&[env!("CARGO_BIN_EXE_connect-import")], &rejects[..]].concat();
    let ended = Ended::from(tiny(&words).unwrap()).expect(74);
    assert!(ended.stderr.contains("the next run writes them again"), "{}", ended.stderr);
    folder.run(&rejects).expect(1);
    assert_eq!(folder.read("tiny/r.csv").lines().count(), 201);
}

#[test]
fn a_link_to_a_disk_that_is_not_there_is_no_new_ledger() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("mnt")).unwrap();
    folder.write("t.csv", numbered_csv(3));
    std::os::unix::fs::symlink("mnt/real.db", folder.path("t.ledger.db")).unwrap();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let ended = folder.run(&import(&url, &[])).expect(74);
    assert!(ended.stderr.contains("it is a link to mnt/real.db, which is not there"), "{}", ended.stderr);
    folder.run(&import(&url, &["--ledger", "mnt/real.db"])).expect(0);
    folder.run(&import(&url, &[])).expect(0);
    std::fs::rename(folder.path("mnt"), folder.path("unmounted")).unwrap();
    for command in [import(&url, &[]), vec!["status", "--ledger", "t.ledger.db"]] {
        folder.run(&command).expect(74);
    }
    assert!(folder.path("t.ledger.db").is_symlink());
    assert_eq!(sandbox.stat("requests"), 3);
}

#[test]
fn a_ledger_of_two_names_is_refused() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    std::fs::hard_link(folder.path("t.ledger.db"), folder.path("other.db")).unwrap();
    for name in ["t.ledger.db", "other.db"] {
        let ended = folder.run(&import(&url, &["--ledger", name])).expect(2);
        assert!(ended.stderr.contains("has a second name"), "{}", ended.stderr);
    }
    std::fs::remove_file(folder.path("other.db")).unwrap();
    folder.run(&import(&url, &[])).expect(0);
}

#[test]
fn no_bit_that_is_lost_makes_a_second_contact_or_another_one() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(12));
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let losing = SandboxProcess::start(&folder, &[&state[..], &["--lose", "1"]].concat());
    folder.run(&import(&losing.url(), &["--max-attempts", "1"])).expect(75);
    drop(losing);
    let sandbox = SandboxProcess::start(&folder, &state);
    let url = sandbox.url();
    let whole = std::fs::read(folder.path("t.ledger.db")).unwrap();
    // Another file, so that the rows are taken from the ledger as they are.
    folder.write("other.csv", "id,Name\nX,Other\n");
    let mut other = import(&url, &[]);
    other[1] = "other.csv";
    let places = |text: &[u8]| -> Vec<usize> {
        (0..whole.len() - text.len()).filter(|at| whole[*at..].starts_with(text)).collect()
    };
    let token = folder.ask("t.ledger.db", "SELECT hex(token) FROM rows WHERE key = 'K7'");
    let bytes: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&token[2 * at..2 * at + 2], 16).unwrap()).collect();
    // The table and the index have the token; the table has the cells.
    let mut damaged = places(&bytes);
    assert_eq!(damaged.len(), 2);
    damaged.extend(places(b"[\"K7\",\"Task 7\"]").into_iter().map(|at| at + 8));
    assert_eq!(damaged.len(), 3);
    let put = |bytes: &[u8]| {
        for suffix in ["-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(folder.path(&format!("t.ledger.db{suffix}")));
        }
        std::fs::write(folder.path("t.ledger.db"), bytes).unwrap();
    };
    for at in damaged {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        put(&flipped);
        let ended = folder.run(&other).expect(74);
        assert!(ended.stderr.contains("damaged"), "{}", ended.stderr);
    }
    put(&whole);
    folder.run(&other).expect(0);
    let names = sandbox.get("/_sandbox/contacts");
    assert_eq!((sandbox.stat("contacts"), names.matches("Task 7").count()), (13, 1));
}

#[test]
fn a_start_from_zero_is_never_silent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let first = folder.run(&import(&url, &[])).expect(0);
    assert!(first.stderr.contains("t.ledger.db is a new ledger\n"), "{}", first.stderr);
    let second = folder.run(&import(&url, &[])).expect(0);
    assert!(!second.stderr.contains("new ledger"), "{}", second.stderr);
    // A reader leaves an empty log behind, which says nothing.
    folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    std::fs::rename(folder.path("t.ledger.db"), folder.path("away.db")).unwrap();
    let again = folder.run(&import(&url, &[])).expect(0);
    assert!(again.stderr.contains("is a new ledger where there was one before"), "{}", again.stderr);
    assert_eq!(sandbox.stat("contacts"), 3);
}

#[test]
fn a_log_that_is_removed_after_a_crash_and_an_older_copy_are_noticed() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(40));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "5"])).expect(10);
    std::fs::copy(folder.path("t.ledger.db"), folder.path("copy.db")).unwrap();
    let crashing = import(&url, &["--concurrency", "1", "--crash-at", "after-commit:20"]);
    assert_eq!(folder.run(&crashing).code, None);
    let with_log =
        ["", "-wal"].map(|suffix| std::fs::read(folder.path(&format!("t.ledger.db{suffix}"))).unwrap());
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(folder.path(&format!("t.ledger.db{suffix}"))).unwrap();
    }
    let contacts = sandbox.stat("contacts");
    for _ in 0..2 {
        let ended = folder.run(&import(&url, &[])).expect(74);
        assert!(ended.stderr.contains("its log was deleted after a crash"), "{}", ended.stderr);
    }
    std::fs::copy(folder.path("copy.db"), folder.path("t.ledger.db")).unwrap();
    folder.run(&import(&url, &[])).expect(74);
    assert_eq!(sandbox.stat("contacts"), contacts);
    // With its log it is whole; whoever looks into it with another tool folds the log in, which is all the same.
    for (suffix, bytes) in ["", "-wal"].iter().zip(&with_log) {
        std::fs::write(folder.path(&format!("t.ledger.db{suffix}")), bytes).unwrap();
    }
    folder.states("t.ledger.db");
    assert!(!folder.path("t.ledger.db-wal").exists());
    folder.run(&import(&url, &["--on-unknown", "hold"]));
    assert_eq!(
        folder.ask("t.ledger.db", "SELECT count(*) FROM rows WHERE state IN ('created', 'unknown')"),
        "40"
    );
    // An older copy that is meant.
    std::fs::copy(folder.path("copy.db"), folder.path("t.ledger.db")).unwrap();
    std::fs::remove_file(folder.path("t.ledger.db.lock")).unwrap();
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
}
