//! The commands that `run` and `status` print can be pasted into a shell.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::support::*;

const RESUME: &str = "To send the rows that wait or failed:\n  ";
const FIX: &str = "Fix the rejected rows in that file, then:\n  ";

/// The command printed after an introduction.
#[track_caller]
pub fn printed<'a>(text: &'a str, introduction: &str) -> &'a str {
    let found = text.split_once(introduction);
    let (_, command) = found.ok_or_else(|| format!("{introduction:?} is not in\n{text}")).unwrap();
    command.lines().next().unwrap()
}

/// Runs a command in a shell without the tool's environment variables.
pub fn paste(folder: &Folder, command: &str) -> Ended {
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).current_dir(folder.path("")).env_clear();
    Ended::from(shell.env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap())
}

#[test]
fn the_resume_command_has_the_options_of_variables_except_those_for_one_run() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(9));
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let variables = [
        ("SANDBOX", "true".to_owned()),
        ("ENDPOINT_URL", sandbox.url()),
        ("LEDGER", "the ledger.db".to_owned()),
        ("KEY", "id".to_owned()),
        ("NAMESPACE", "-second".to_owned()),
        ("SHARD", "0/1".to_owned()),
        ("RATE", "100000".to_owned()),
        ("NO_CHECK", "yes".to_owned()),
        ("DEBUG", "false".to_owned()),
        ("PROGRESS", "plain".to_owned()),
        ("LIMIT", "1".to_owned()),
        ("RETRY", "unknown".to_owned()),
    ];
    let mut command = folder.command(&["run", "t.csv", "--progress", "none", "--retry", "rejected"]);
    command.envs(variables.iter().map(|(name, value)| (format!("CONNECT_IMPORT_{name}"), value)));
    let stopped = Ended::from(command.output().unwrap()).expect(10).stdout;
    let command = printed(&stopped, RESUME);
    let expected = format!(
        "run t.csv --progress none --ledger 'the ledger.db' --shard 0/1 --sandbox --key id --namespace=-second \
         --rate 100000 --no-check=yes --endpoint-url {}",
        sandbox.url()
    );
    assert!(command.ends_with(&expected), "{command}\n{expected}");
    let status = folder.run(&["status", "--ledger", "the ledger.db"]).expect(0).stdout;
    assert_eq!(printed(&status, RESUME), command);
    paste(&folder, command).expect(0);
    assert_eq!((folder.states("the ledger.db"), sandbox.stat("created")), ("created 9".to_owned(), 9));
}

const LOOK: &str = "To look for the contacts of the unknown rows, which may exist; verify searches by the attribute\n\
    under [verify] search_attribute, or by name:\n  ";
const SEND_AGAIN: &str =
    "Then, to send the rows again that are still unknown, with the same client tokens:\n  ";

#[test]
fn unknown_rows_are_looked_for_and_then_sent_again_by_the_printed_commands() {
    let folder = Folder::new();
    folder.write("it's t.csv", numbered_csv(3));
    let losing = SandboxProcess::start(&folder, &["--rate", "0", "--lose", "1", "--state", "s.jsonl"]);
    let (port, url) = (losing.port.to_string(), losing.url());
    let run = import_file("it's t.csv", &url, &["--on-unknown", "hold"]);
    let mut command = folder.command(&run);
    command.env("CONNECT_IMPORT_LIMIT", "9").env("CONNECT_IMPORT_RETRY", "rejected");
    let ended = Ended::from(command.output().unwrap()).expect(1).stdout;
    assert!(!ended.contains("rows not created"), "{ended}");
    let (look, send) = (printed(&ended, LOOK), printed(&ended, SEND_AGAIN));
    assert!(ended.find(LOOK) < ended.find(SEND_AGAIN), "{ended}");
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    assert_eq!((printed(&status, LOOK), printed(&status, SEND_AGAIN)), (look, send));
    let json = folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0).stdout;
    let json = &messages(&json)["status"];
    assert_eq!((&json["next_step"], &json["later_steps"][0]), (&look.into(), &send.into()));
    drop(losing);
    // The service has forgotten one of the contacts.
    let state = folder.read("s.jsonl");
    let kept: Vec<&str> = state.lines().filter(|line| !line.contains("Task 1")).collect();
    folder.write("s.jsonl", kept.join("\n") + "\n");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0", "--state", "s.jsonl", "--port", &port]);
    let looked = paste(&folder, look).expect(1).stdout;
    assert_eq!(folder.states("t.ledger.db"), "created 2, unknown 1");
    assert_eq!(printed(&looked, "send the unknown rows again, with the\nsame client tokens:\n  "), send);
    paste(&folder, send).expect(0);
    assert_eq!((folder.states("t.ledger.db"), sandbox.stat("contacts")), ("created 3".to_owned(), 3));
}

#[test]
fn a_sandbox_that_ended_with_the_run_is_not_verified() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let run = ["run", "t.csv", "--key", "id", "--sandbox", "--rate", "1000", "--ledger", "t.ledger.db"];
    folder.run(&run).expect(0);
    let status = || folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    assert!(status().contains("not verified: the sandbox ended with the run"), "{}", status());
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET state = 'unknown', may_exist = 1, contact_id = NULL, contact_arn = NULL, code = 'NoAnswer',
                record = '[\"K0\",\"Task 0\"]', doubt_ms = last_sent_ms WHERE key = 'K0';
         UPDATE row_counts SET rows = (state = 'created'); INSERT INTO row_counts VALUES (1, 'unknown', 'NoAnswer', 1)",
    );
    let again = "To send them again, with the same client tokens:\n  ";
    let status = status();
    assert!(!status.contains(LOOK), "{status}");
    paste(&folder, printed(&status, again)).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 2");
}

#[test]
fn commands_with_names_that_look_like_options_can_be_pasted() {
    let folder = Folder::new();
    folder.write("-t.csv", format!("{}K999,{}\n", numbered_csv(2), "x".repeat(1025)));
    let arguments = ["run", "--sandbox", "--rate", "1000", "--key=id", "--ledger=-y.db", "--", "-t.csv"];
    let ended = folder.run(&arguments).expect(1).stdout;
    let rejects = folder.read("-y.db.rejects.csv");
    folder.write("-y.db.rejects.csv", rejects.replace(&"x".repeat(1025), "x"));
    let status = folder.run(&["status", "--ledger=-y.db"]).expect(0).stdout;
    let export = paste(&folder, printed(&status, "To see the rejected rows:\n  "));
    assert!(export.expect(0).stdout.contains(",rejected,"));
    paste(&folder, printed(&ended, FIX)).expect(0);
    assert_eq!(folder.states("-y.db"), "created 3");
}

#[test]
fn the_resume_command_of_standard_input_fails_until_a_file_is_named() {
    let folder = Folder::new();
    let input = folder.write("in.csv", numbered_csv(3));
    let mut command =
        folder.command(&["run", "-", "--ledger", "in.db", "--sandbox", "--key", "id", "--limit", "1"]);
    let ended = command.stdin(std::fs::File::open(input).unwrap()).output().unwrap();
    let ended = Ended::from(ended).expect(10).stdout;
    let command = printed(&ended, RESUME);
    assert!(command.ends_with("run - --ledger in.db --sandbox --key id <THE-SAME-INPUT"), "{command}");
    assert!(paste(&folder, command).stderr.contains("THE-SAME-INPUT"));
    assert_eq!(folder.states("in.db"), "created 1, pending 2");
    paste(&folder, &command.replace("<THE-SAME-INPUT", "<in.csv")).expect(0);
    assert_eq!(folder.states("in.db"), "created 3");
}

#[cfg(target_os = "linux")]
#[test]
fn control_characters_and_invalid_utf8_in_names_are_escaped_and_can_be_pasted() {
    use std::os::unix::ffi::OsStrExt as _;
    for name in [&b"b\xffd"[..], b"b\x1b[31m\rd"] {
        let folder = Folder::new();
        let file = |suffix: &str| {
            let mut file = OsStr::from_bytes(name).to_owned();
            file.push(suffix);
            file
        };
        let rows = format!("{}K999,{}\n", numbered_csv(3), "x".repeat(1025));
        std::fs::write(folder.path("").join(file(".csv")), rows).unwrap();
        let run = |words: &[&str], more: &[OsString]| {
            Ended::from(folder.command(words).args(more).output().unwrap())
        };
        let csv = [file(".csv")];
        let stopped = run(
            &["run", "--key=id", "--sandbox", "--rate", "1000", "--progress", "plain", "--limit", "1"],
            &csv,
        )
        .expect(10);
        let status = run(&["status", "--sandbox"], &csv).expect(0);
        let json = run(&["status", "--sandbox", "--output", "json"], &csv).expect(0);
        let missing = run(&["run", "--sandbox"], &[file(".txt")]).expect(2);
        for text in [&stopped.stdout, &stopped.stderr, &status.stdout, &missing.stderr] {
            assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
        }
        let command = printed(&stopped.stdout, RESUME);
        assert!(command.contains(" $'b\\x"), "{command}");
        assert_eq!(printed(&status.stdout, RESUME), command);
        assert_eq!(messages(&json.stdout)["status"]["next_step"], command);
        paste(&folder, command).expect(1);
        let state = messages(&run(&["status", "--sandbox", "--output", "json"], &csv).expect(0).stdout);
        assert_eq!(state["status"]["rows"]["created"], 3);
    }
}
