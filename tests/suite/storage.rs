//! The ledger file: identity, lock, permissions, damage, and storage that cannot be written.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::*;

#[test]
fn a_second_run_is_refused_while_a_run_holds_the_ledger_and_status_still_works() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("the requests are in flight", || endpoint.requests().len() == 2);
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
fn a_full_disk_ends_in_74_and_the_next_run_completes_the_import() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3000));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let arguments = import(&url, &[]);
    // A limit on the file size, in blocks of 512 or 1024 bytes by the shell. With SIGXFSZ ignored a write
    // fails as on a full disk.
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
fn another_file_or_the_ledger_of_another_import_is_refused_with_2_and_not_changed() {
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
    let ended = folder.run(&import(&url, &["--namespace", "second"])).expect(2);
    assert!(ended.stderr.contains("belongs to namespace '', not 'second'"), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), sent);
}

#[test]
fn only_the_owner_can_read_the_ledger_and_the_rejects() {
    let folder = Folder::new();
    folder.write("t.csv", format!("{}K9,{}\n", numbered_csv(1), "x".repeat(1025)));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(1);
    for name in ["t.ledger.db", "t.ledger.db.lock", "t.ledger.db.rejects.csv"] {
        assert_eq!(folder.permissions(name), 0o600, "{name}");
    }
}

#[test]
fn a_created_row_keeps_its_contact_and_loses_its_record() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let row =
        folder.query("t.ledger.db", "SELECT contact_id, contact_arn, attempts, record IS NULL FROM rows");
    assert_eq!(
        row,
        "contact-0|arn:aws:connect:eu-west-2:111122223333:instance/sandbox/contact/contact-0|1|1"
    );
}

#[test]
fn a_symbolic_link_to_the_ledger_has_its_lock() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Hang);
    let url = endpoint.url();
    let first = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("a request is in flight", || endpoint.requests().len() == 1);
    std::os::unix::fs::symlink(folder.path("t.ledger.db"), folder.path("link.db")).unwrap();
    folder.run(&import(&url, &["--ledger", "link.db"])).expect(11);
    drop(first);
}

#[test]
fn a_ledger_of_another_key_is_refused() {
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
fn the_cells_of_a_created_row_are_erased_from_the_ledger() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,planted-secret\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let bytes = std::fs::read(folder.path("t.ledger.db")).unwrap();
    assert!(!bytes.windows(14).any(|window| window == b"planted-secret"));
    assert!(!folder.path("t.ledger.db-wal").exists());
}

/// Runs an import and changes its folder while requests are in flight. Returns the number of requests after
/// the change, the end of the run, and the folder.
fn run_disturbed(disturb: impl Fn(&Folder)) -> (usize, Ended, Folder) {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    folder.write("t.csv", numbered_csv(200));
    let endpoint = Endpoint::start(|_, _| Reply::Slow(std::time::Duration::from_millis(300)));
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--ledger", "data/t.db", "--concurrency", "4"]));
    until("the requests are in flight", || endpoint.requests().len() >= 4);
    disturb(&folder);
    let before = endpoint.requests().len();
    let ended = running.end();
    (endpoint.requests().len() - before, ended, folder)
}

#[test]
fn a_removed_or_moved_ledger_stops_the_run_before_another_request() {
    let expect_removed = |ended: &Ended| {
        assert_eq!(ended.code, Some(74), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("was removed, moved or replaced during the run"), "{}", ended.stderr);
    };
    let (more, ended, _) = run_disturbed(|folder| std::fs::remove_dir_all(folder.path("data")).unwrap());
    expect_removed(&ended);
    assert!(more <= 4, "{more} requests sent after the folder was removed");
    let (more, ended, folder) =
        run_disturbed(|folder| std::fs::rename(folder.path("data"), folder.path("away")).unwrap());
    expect_removed(&ended);
    assert!(more <= 4, "{more} requests sent after the folder was moved");
    // The moved ledger is complete, and the next run continues with it.
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.run(&import(&sandbox.url(), &["--ledger", "away/t.db"])).expect(0);
    // A removed lock file would admit a second run.
    let (_, ended, _) = run_disturbed(|folder| std::fs::remove_file(folder.path("data/t.db.lock")).unwrap());
    expect_removed(&ended);
}

#[test]
fn a_failed_write_of_an_intent_or_outcome_ends_in_74_and_no_request_lacks_an_intent() {
    let failing_write = |state: &str| {
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
        folder.execute("t.ledger.db", &failing_write(state));
        let ended = folder.run(&import(&url, &["--concurrency", "8"])).expect(74);
        assert!(ended.stderr.contains("disk full"), "{}", ended.stderr);
        let contacts = sandbox.stat("contacts");
        assert!(contacts <= most, "{state}: {contacts} contacts");
        // The ledger has an intent or an outcome for each contact.
        let recorded = "SELECT count(*) FROM rows WHERE state IN ('created', 'in_flight')";
        assert!(folder.query("t.ledger.db", recorded).parse::<u64>().unwrap() >= contacts);
        folder.execute("t.ledger.db", "DROP TRIGGER full");
        folder.run(&import(&url, &[])).expect(0);
        assert_eq!(sandbox.stat("contacts"), 40);
    }
}

#[test]
fn a_damaged_ledger_is_refused_with_a_remedy_and_nothing_is_sent() {
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
        // No check covers a bit within a text or an id, so such a run may continue.
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
    assert!(empty.stderr.contains("it is empty") && empty.stderr.contains("Restore the latest backup"));
}

#[test]
fn a_ledger_is_examined_unless_it_is_as_its_last_run_closed_it() {
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
    // A run over unchanged rows does not read this page, so only an examination finds the damage.
    let rootpage =
        folder.query("t.ledger.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'rows_by_cause'");
    let mut bytes = std::fs::read(folder.path("t.ledger.db")).unwrap();
    bytes[(rootpage.parse::<usize>().unwrap() - 1) * 4096] = 0xff;
    std::fs::write(folder.path("t.ledger.db"), bytes).unwrap();
    let ended = folder.run(&import(&url, &[])).expect(74);
    assert!(ended.stderr.contains("damaged"), "{}", ended.stderr);
}

#[test]
fn a_read_only_ledger_ends_in_74_and_nothing_is_sent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(5));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    let set_permissions = |name: &str, mode| {
        std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut command = folder.command(&import(&url, &[]));
    set_permissions("t.ledger.db", 0o444);
    if rustix::process::getuid().is_root() {
        // Permissions do not restrict the superuser, so the run gets another user.
        set_permissions("", 0o777);
        set_permissions("t.ledger.db.lock", 0o666);
        std::os::unix::process::CommandExt::uid(&mut command, 65_534);
    }
    let ended = Ended::from(command.output().unwrap()).expect(74);
    assert!(ended.stderr.contains("readonly"), "{}", ended.stderr);
    assert_eq!(sandbox.stat("contacts"), 1);
}

#[test]
fn a_dangling_link_does_not_become_a_new_ledger() {
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
fn a_ledger_with_a_hard_link_is_refused() {
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
fn a_flipped_bit_in_a_token_or_record_is_detected_before_a_request() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(12));
    let state = ["--rate", "0", "--state", "s.jsonl"];
    let losing = SandboxProcess::start(&folder, &[&state[..], &["--lose", "1"]].concat());
    folder.run(&import(&losing.url(), &["--max-attempts", "1"])).expect(75);
    drop(losing);
    let sandbox = SandboxProcess::start(&folder, &state);
    let url = sandbox.url();
    let whole = std::fs::read(folder.path("t.ledger.db")).unwrap();
    // With another input the run takes these rows from the ledger.
    folder.write("other.csv", "id,Name\nX,Other\n");
    let mut other = import(&url, &[]);
    other[1] = "other.csv";
    let offsets = |text: &[u8]| -> Vec<usize> {
        (0..whole.len() - text.len()).filter(|at| whole[*at..].starts_with(text)).collect()
    };
    let token = folder.query("t.ledger.db", "SELECT hex(token) FROM rows WHERE key = 'K7'");
    let bytes: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&token[2 * at..2 * at + 2], 16).unwrap()).collect();
    // The table and its index each have the token; only the table has the cells.
    let mut damaged = offsets(&bytes);
    assert_eq!(damaged.len(), 2);
    damaged.extend(offsets(b"[\"K7\",\"Task 7\"]").into_iter().map(|at| at + 8));
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
fn a_new_ledger_is_reported_and_a_recreated_one_is_warned_of() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let first = folder.run(&import(&url, &[])).expect(0);
    assert!(first.stderr.contains("t.ledger.db is a new ledger\n"), "{}", first.stderr);
    let second = folder.run(&import(&url, &[])).expect(0);
    assert!(!second.stderr.contains("new ledger"), "{}", second.stderr);
    // A reader leaves an empty WAL file, which must not count as an existing ledger.
    folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    std::fs::rename(folder.path("t.ledger.db"), folder.path("away.db")).unwrap();
    let third = folder.run(&import(&url, &[])).expect(0);
    assert!(third.stderr.contains("is a new ledger where there was one before"), "{}", third.stderr);
    assert_eq!(sandbox.stat("contacts"), 3);
}

#[test]
fn a_deleted_wal_file_and_an_older_copy_of_the_ledger_are_detected() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(40));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--forget-completed"]);
    let url = sandbox.url();
    folder.run(&import(&url, &["--limit", "5"])).expect(10);
    std::fs::copy(folder.path("t.ledger.db"), folder.path("copy.db")).unwrap();
    let crashing = import(&url, &["--concurrency", "1", "--crash-at", "after-commit:20"]);
    assert_eq!(folder.run(&crashing).code, None);
    let with_wal =
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
    // With its WAL file the ledger is complete. Another tool that opens it checkpoints the WAL file, which is
    // harmless.
    for (suffix, bytes) in ["", "-wal"].iter().zip(&with_wal) {
        std::fs::write(folder.path(&format!("t.ledger.db{suffix}")), bytes).unwrap();
    }
    folder.states("t.ledger.db");
    assert!(!folder.path("t.ledger.db-wal").exists());
    folder.run(&import(&url, &["--on-unknown", "hold"]));
    assert_eq!(
        folder.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state IN ('created', 'unknown')"),
        "40"
    );
    // Without the lock record an older copy is accepted: the operator has removed it on purpose.
    std::fs::copy(folder.path("copy.db"), folder.path("t.ledger.db")).unwrap();
    std::fs::remove_file(folder.path("t.ledger.db.lock")).unwrap();
    folder.run(&import(&url, &["--limit", "0"])).expect(10);
}
