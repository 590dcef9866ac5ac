//! The samples for schedulers fit the tool: their commands are ones that it takes, and they treat its exit codes as
//! the README says.

use std::process::Command;

use clap::Parser as _;
use connect_import::cli::Cli;
use connect_import::exit_code::ExitCode;
use serde_json::Value;

use crate::support::*;

const SAMPLES: [&str; 6] = [
    "crontab",
    "connect-import.service",
    "connect-import.timer",
    "kubernetes-job.yaml",
    "kubernetes-cronjob.yaml",
    "aws-batch-job-definition.json",
];

fn sample(name: &str) -> String {
    std::fs::read_to_string(repository("samples/schedulers").join(name)).unwrap()
}

/// What a scheduler is to do by itself.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Then {
    /// Nothing: it is done, or somebody has to mend something first, or it was told to stop here.
    Rest,
    /// Run it again after a while.
    RunLater,
    /// Whoever sent the signal knows whether it is to go on.
    AsTheSignalSays,
}

fn then(code: ExitCode) -> Then {
    match code {
        ExitCode::Complete
        | ExitCode::RowsNotCreated
        | ExitCode::Usage
        | ExitCode::ErrorBudget
        | ExitCode::Fatal
        | ExitCode::PlannedStop
        | ExitCode::Storage => Then::Rest,
        ExitCode::Locked | ExitCode::TryLater => Then::RunLater,
        ExitCode::Interrupted | ExitCode::Terminated => Then::AsTheSignalSays,
    }
}

/// The values of a key in a unit, in order.
fn unit(text: &str, key: &str) -> Vec<String> {
    let of_line = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    text.lines().filter_map(of_line).collect()
}

fn codes(text: &str) -> Vec<u64> {
    text.split_whitespace().map(|code| code.parse().unwrap()).collect()
}

fn yaml(name: &str) -> Value {
    let text = sample(name);
    let last = text.split("\n---\n").last().unwrap();
    serde_saphyr::from_str(last).unwrap()
}

/// The Job of a sample.
fn job(name: &str) -> Value {
    let document = yaml(name);
    match document["kind"].as_str().unwrap() {
        "Job" => document["spec"].clone(),
        _ => document["spec"]["jobTemplate"]["spec"].clone(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The commands of all samples, as the tool gets them.
fn commands() -> Vec<(&'static str, Vec<String>)> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut commands = Vec::new();
    for line in crontab_commands() {
        commands.push(("crontab", words(line.split(" >>").next().unwrap())));
    }
    let service = sample("connect-import.service");
    commands.push(("service", words(&unit(&service, "ExecStart").concat().replace("%S", "/var/lib"))));
    for name in ["kubernetes-job.yaml", "kubernetes-cronjob.yaml"] {
        let container = &job(name)["template"]["spec"]["containers"][0];
        let all = [texts(&container["command"]), texts(&container["args"])].concat();
        // Kubernetes puts the index there.
        commands.push((name, all.iter().map(|word| word.replace("$(JOB_COMPLETION_INDEX)", "3")).collect()));
    }
    let batch: Value = serde_json::from_str(&sample("aws-batch-job-definition.json")).unwrap();
    let shell = texts(&batch["containerProperties"]["command"]);
    assert_eq!(shell[..2], ["sh", "-c"]);
    let line = shell[2].replace("$AWS_BATCH_JOB_ARRAY_INDEX", "3").replace("$AWS_BATCH_JOB_ARRAY_SIZE", "4");
    commands.push(("batch", words(line.strip_prefix("exec ").unwrap())));
    commands
}

fn crontab_commands() -> Vec<String> {
    let text = sample("crontab");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("AWS_"));
    // Five fields of time come first.
    lines.map(|line| line.splitn(6, ' ').nth(5).unwrap().to_owned()).collect()
}

#[test]
fn the_commands_in_the_samples_are_ones_that_the_tool_takes() {
    let commands = commands();
    assert_eq!(commands.len(), 6);
    for (sample, words) in commands {
        assert!(words[0].ends_with("connect-import"), "{sample}: {words:?}");
        Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{sample}: {error}"));
    }
}

#[test]
fn systemd_runs_it_again_when_that_helps_and_takes_a_planned_stop_for_a_success() {
    let text = sample("connect-import.service");
    assert_eq!(unit(&text, "Restart"), ["on-failure"]);
    let success = codes(&unit(&text, "SuccessExitStatus").concat());
    let prevented = codes(&unit(&text, "RestartPreventExitStatus").concat());
    for code in ExitCode::ALL {
        let number = u64::from(code.code());
        let is_success = number == 0 || success.contains(&number);
        let restarts = !is_success && !prevented.contains(&number);
        assert_eq!(restarts, then(code) == Then::RunLater, "{code:?}");
        let is_planned = matches!(code, ExitCode::Complete | ExitCode::PlannedStop);
        assert_eq!(is_success, is_planned || then(code) == Then::AsTheSignalSays, "{code:?}");
    }
    expect_published(success.into_iter().chain(prevented));
    expect_more_than_grace(unit(&text, "TimeoutStopSec").concat().parse().unwrap());
}

#[test]
fn kubernetes_counts_ignores_and_gives_up_by_the_exit_code() {
    for name in ["kubernetes-job.yaml", "kubernetes-cronjob.yaml"] {
        let job = job(name);
        let pod = &job["template"]["spec"];
        // What the policy asks for.
        assert_eq!(pod["restartPolicy"], "Never");
        expect_more_than_grace(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
        let rules = job["podFailurePolicy"]["rules"].as_array().unwrap();
        let values = |rule: &Value| -> Vec<u64> {
            let values = rule["onExitCodes"]["values"].as_array();
            values.into_iter().flatten().map(|code| code.as_u64().unwrap()).collect()
        };
        for rule in rules.iter().filter(|rule| !rule["onExitCodes"].is_null()) {
            assert_eq!(rule["onExitCodes"]["containerName"], pod["containers"][0]["name"]);
            assert!(values(rule).is_sorted(), "Kubernetes refuses {rule}");
        }
        for code in ExitCode::ALL.into_iter().filter(|code| *code != ExitCode::Complete) {
            let met = rules.iter().find(|rule| values(rule).contains(&u64::from(code.code()))).unwrap();
            let action = met["action"].as_str().unwrap();
            match then(code) {
                Then::Rest => assert!(["FailJob", "FailIndex"].contains(&action), "{name}: {code:?}"),
                Then::RunLater => assert_eq!(action, "Count", "{name}: {code:?}"),
                Then::AsTheSignalSays => assert_eq!(action, "Ignore", "{name}: {code:?}"),
            }
        }
        expect_published(rules.iter().flat_map(values));
    }
    let job = job("kubernetes-job.yaml");
    let shards = format!("--shard=$(JOB_COMPLETION_INDEX)/{}", job["completions"]);
    assert!(texts(&job["template"]["spec"]["containers"][0]["args"]).contains(&shards));
    assert_eq!((&job["completionMode"], &job["completions"]), (&"Indexed".into(), &job["parallelism"]));
}

#[test]
fn aws_batch_runs_it_again_when_that_helps() {
    let batch: Value = serde_json::from_str(&sample("aws-batch-job-definition.json")).unwrap();
    let rules = batch["retryStrategy"]["evaluateOnExit"].as_array().unwrap();
    assert!(rules.len() <= 5, "Batch takes no more");
    for code in ExitCode::ALL.into_iter().filter(|code| *code != ExitCode::Complete) {
        let number = code.code().to_string();
        // The first rule counts; the one for every reason is the last.
        let met = rules.iter().find(|rule| rule["onExitCode"] == *number || rule["onReason"] == "*").unwrap();
        let retries = then(code) == Then::RunLater || code == ExitCode::Terminated;
        assert_eq!(met["action"], if retries { "RETRY" } else { "EXIT" }, "{code:?}");
    }
    expect_published(rules.iter().filter_map(|rule| rule["onExitCode"].as_str()?.parse().ok()));
}

fn expect_published(codes: impl IntoIterator<Item = u64>) {
    for code in codes {
        assert!(ExitCode::ALL.iter().any(|known| u64::from(known.code()) == code), "{code} is no exit code");
    }
}

/// A stop waits for the requests under way, and then the rejects are written.
fn expect_more_than_grace(seconds: u64) {
    const GRACE: u64 = 30;
    assert!(seconds > GRACE, "{seconds}");
}

#[test]
fn what_cron_runs_works_in_crons_environment() {
    let folder = Folder::new();
    folder.write("tickets.csv", numbered_csv(20));
    folder.write(
        "tickets.toml",
        "[source]\nfiles = [\"tickets.csv\"]\nkey = [\"id\"]\n[request]\nName = \"{{ name }}\"\n\
         [pacing]\nrate = 1000.0\nburst = 100\n",
    );
    let tool = env!("CARGO_BIN_EXE_connect-import");
    let here = folder.path("").display().to_string();
    for (times, command) in crontab_commands().into_iter().enumerate() {
        let command = command.replace("/usr/local/bin/connect-import", tool).replace("/srv/tickets/", &here);
        let mut cron = Command::new("/bin/sh");
        cron.args(["-c", &command]).env_clear().current_dir("/").stdin(std::process::Stdio::null());
        cron.envs([("HOME", "/"), ("LOGNAME", "nobody"), ("SHELL", "/bin/sh"), ("PATH", "/usr/bin:/bin")]);
        // As a line of the crontab might; the sample is for a real account.
        cron.env("CONNECT_IMPORT_SANDBOX", "true");
        let ended = Ended::from(cron.output().unwrap()).expect(0);
        assert_eq!((&*ended.stdout, &*ended.stderr), ("", ""), "it went where cron would mail it");
        assert_eq!(folder.read("import.log").matches("\nDone: ").count(), 1, "run {times}");
        assert_eq!(folder.states("tickets.sandbox.ledger.db"), "created 20");
    }
    assert_eq!(folder.read("import.log").matches("Nothing to send: all 20 rows").count(), 1);
}

#[test]
fn the_handbook_links_every_sample_for_a_scheduler() {
    let handbook = std::fs::read_to_string(repository("src/handbook/operations.md")).unwrap();
    let present = std::fs::read_dir(repository("samples/schedulers")).unwrap();
    let mut present: Vec<String> =
        present.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut named = SAMPLES.map(str::to_owned).to_vec();
    present.sort();
    named.sort();
    assert_eq!(present, named);
    for name in SAMPLES {
        assert!(handbook.contains(&format!("(../../samples/schedulers/{name})")), "{name}");
    }
}
