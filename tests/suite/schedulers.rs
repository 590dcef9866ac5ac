//! The samples for schedulers: the tool accepts their commands, and they act on its exit codes as the
//! handbook says.

use std::process::Command;

use clap::Parser as _;
use connect_import::cli::Cli;
use connect_import::exit_code::ExitCode;
use serde_json::Value;

use crate::printed_commands::{paste, printed};
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

/// Action of a scheduler after an exit code.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Action {
    /// The import is complete, was stopped by an option, or needs a person.
    Stop,
    /// Run it again after a pause.
    RetryLater,
    /// The sender of the signal decides.
    DependsOnSignal,
}

fn expected_action(code: ExitCode) -> Action {
    match code {
        ExitCode::Complete
        | ExitCode::RowsNotCreated
        | ExitCode::Usage
        | ExitCode::ErrorBudget
        | ExitCode::Fatal
        | ExitCode::PlannedStop
        | ExitCode::Storage => Action::Stop,
        ExitCode::Locked | ExitCode::TryLater => Action::RetryLater,
        ExitCode::Interrupted | ExitCode::Terminated => Action::DependsOnSignal,
    }
}

/// The values of a key in a systemd unit, in order.
fn unit_values(text: &str, key: &str) -> Vec<String> {
    let of_line = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    text.lines().filter_map(of_line).collect()
}

fn exit_codes(text: &str) -> Vec<u64> {
    text.split_whitespace().map(|code| code.parse().unwrap()).collect()
}

fn yaml(name: &str) -> Value {
    let text = sample(name);
    let last = text.split("\n---\n").last().unwrap();
    serde_saphyr::from_str(last).unwrap()
}

/// The Job specification of a Kubernetes sample.
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

/// The command lines of all samples, after the scheduler's own substitutions.
fn commands() -> Vec<(&'static str, Vec<String>)> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut commands = Vec::new();
    for line in crontab_commands() {
        commands.push(("crontab", words(line.split(" >").next().unwrap())));
    }
    let service = sample("connect-import.service");
    commands.push(("service", words(&unit_values(&service, "ExecStart").concat().replace("%S", "/var/lib"))));
    for name in ["kubernetes-job.yaml", "kubernetes-cronjob.yaml"] {
        let container = &job(name)["template"]["spec"]["containers"][0];
        let all = [texts(&container["command"]), texts(&container["args"])].concat();
        commands.push((name, all.iter().map(|word| word.replace("$(JOB_COMPLETION_INDEX)", "3")).collect()));
    }
    // Batch appends the command to the image's entry point.
    let program = vec!["connect-import".to_owned()];
    let replaced = |word: &String| word.replace("--shard=aws-batch", "--shard=3/4");
    commands.push(("batch", [program, batch_command().iter().map(replaced).collect()].concat()));
    commands
}

fn batch_definition() -> Value {
    serde_json::from_str(&sample("aws-batch-job-definition.json")).unwrap()
}

fn batch_command() -> Vec<String> {
    texts(&batch_definition()["containerProperties"]["command"])
}

fn crontab_commands() -> Vec<String> {
    let text = sample("crontab");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("AWS_"));
    // The first five fields are the time.
    lines.map(|line| line.splitn(6, ' ').nth(5).unwrap().to_owned()).collect()
}

#[test]
fn the_tool_accepts_the_commands_of_all_samples() {
    let commands = commands();
    assert_eq!(commands.len(), 6);
    for (sample, words) in commands {
        assert!(words[0].ends_with("connect-import"), "{sample}: {words:?}");
        Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{sample}: {error}"));
    }
}

#[test]
fn systemd_restarts_after_retryable_exit_codes_and_counts_a_planned_stop_as_success() {
    let text = sample("connect-import.service");
    assert_eq!(unit_values(&text, "Restart"), ["on-failure"]);
    let success = exit_codes(&unit_values(&text, "SuccessExitStatus").concat());
    let prevented = exit_codes(&unit_values(&text, "RestartPreventExitStatus").concat());
    for code in ExitCode::ALL {
        let number = u64::from(code.code());
        let is_success = number == 0 || success.contains(&number);
        let lists = [success.contains(&number), prevented.contains(&number)];
        assert_ne!(lists, [true, true], "{code:?} is in both lists");
        let restarts = !is_success && !prevented.contains(&number);
        assert_eq!(restarts, expected_action(code) == Action::RetryLater, "{code:?}");
        let is_planned = matches!(code, ExitCode::Complete | ExitCode::PlannedStop);
        assert_eq!(is_success, is_planned || expected_action(code) == Action::DependsOnSignal, "{code:?}");
    }
    expect_published(success.into_iter().chain(prevented));
    expect_more_than_grace(unit_values(&text, "TimeoutStopSec").concat().parse().unwrap());
}

#[test]
fn kubernetes_retries_ignores_or_fails_by_the_exit_code() {
    for name in ["kubernetes-job.yaml", "kubernetes-cronjob.yaml"] {
        let job = job(name);
        let pod = &job["template"]["spec"];
        // A pod failure policy requires it.
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
            let of_code: Vec<&Value> =
                rules.iter().filter(|rule| values(rule).contains(&u64::from(code.code()))).collect();
            let [rule] = of_code[..] else { panic!("{name}: {code:?} has {} rules", of_code.len()) };
            let action = rule["action"].as_str().unwrap();
            match expected_action(code) {
                Action::Stop => assert!(["FailJob", "FailIndex"].contains(&action), "{name}: {code:?}"),
                Action::RetryLater => assert_eq!(action, "Count", "{name}: {code:?}"),
                Action::DependsOnSignal => assert_eq!(action, "Ignore", "{name}: {code:?}"),
            }
        }
        expect_published(rules.iter().flat_map(values));
        // Before Kubernetes 1.35 a condition without a status is refused, and an unquoted True is no text.
        let conditions = rules.iter().filter_map(|rule| rule["onPodConditions"].as_array()).flatten();
        let conditions: Vec<&Value> = conditions.collect();
        assert_eq!(
            conditions,
            [&serde_json::json!({ "type": "DisruptionTarget", "status": "True" })],
            "{name}"
        );
    }
    let job = job("kubernetes-job.yaml");
    let shards = format!("--shard=$(JOB_COMPLETION_INDEX)/{}", job["completions"]);
    assert!(texts(&job["template"]["spec"]["containers"][0]["args"]).contains(&shards));
    assert_eq!((&job["completionMode"], &job["completions"]), (&"Indexed".into(), &job["parallelism"]));
}

#[test]
fn aws_batch_retries_after_retryable_exit_codes() {
    let batch = batch_definition();
    let rules = batch["retryStrategy"]["evaluateOnExit"].as_array().unwrap();
    assert!(rules.len() <= 5, "AWS Batch allows five rules");
    for code in ExitCode::ALL.into_iter().filter(|code| *code != ExitCode::Complete) {
        let number = code.code().to_string();
        let named = rules.iter().filter(|rule| rule["onExitCode"] == *number).count();
        assert!(named <= 1, "{code:?} has {named} rules");
        // The first matching rule counts.
        let rule =
            rules.iter().find(|rule| rule["onExitCode"] == *number || rule["onReason"] == "*").unwrap();
        let retries = expected_action(code) == Action::RetryLater || code == ExitCode::Terminated;
        assert_eq!(rule["action"], if retries { "RETRY" } else { "EXIT" }, "{code:?}");
    }
    expect_published(rules.iter().filter_map(|rule| rule["onExitCode"].as_str()?.parse().ok()));
}

#[test]
fn the_command_of_aws_batch_imports_the_shard_of_its_array_index() {
    let folder = Folder::new();
    write_job(&folder);
    let arguments = batch_command().iter().map(|word| word.replace("/data/", "")).collect::<Vec<_>>();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = |variables: &[(&str, &str)]| {
        let mut command = folder.command(&arguments);
        command.env("CONNECT_IMPORT_SANDBOX", "true").env("CONNECT_IMPORT_LIMIT", "1");
        Ended::from(command.envs(variables.iter().copied()).output().unwrap())
    };
    let (index, size) = ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE");
    for child in ["0", "1"] {
        let ended = run(&[(index, child), (size, "2")]).expect(10);
        // A pasted command has no variables of the array job.
        let resume = printed(&ended.stdout, "To send the rows that wait or failed:\n  ");
        assert!(resume.contains(&format!(" --shard {child}/2 ")), "{resume}");
        paste(&folder, resume).expect(0);
        let rows = "SELECT count(*) FROM rows WHERE state = 'created'";
        assert_ne!(folder.query(&format!("tickets.{child}-of-2.sandbox.ledger.db"), rows), "0");
    }
    let status = folder.run(&["status", "--job", "tickets.toml", "--sandbox"]).expect(0).stdout;
    assert!(status.contains("       20  created\n"), "{status}");
    // A single job would import all rows in every attempt of a child.
    let alone = run(&[]).expect(2).stderr;
    assert!(
        alone.contains("AWS_BATCH_JOB_ARRAY_INDEX and AWS_BATCH_JOB_ARRAY_SIZE are not both set"),
        "{alone}"
    );
    let beyond = run(&[(index, "2"), (size, "2")]).expect(2).stderr;
    assert!(beyond.contains("AWS_BATCH_JOB_ARRAY_INDEX is '2'"), "{beyond}");
    let mut command = folder.command(&["check", "--job", "tickets.toml"]);
    command.envs([("CONNECT_IMPORT_SHARD", "aws-batch"), (index, "1"), (size, "2")]);
    let checked = Ended::from(command.output().unwrap()).expect(0).stdout;
    assert!(checked.contains("leave to other shards"), "{checked}");
}

fn write_job(folder: &Folder) {
    folder.write("tickets.csv", numbered_csv(20));
    folder.write(
        "tickets.toml",
        "[source]\nfiles = [\"tickets.csv\"]\nkey = [\"id\"]\n[request]\nName = \"{{ name }}\"\n\
         [pacing]\nrate = 1000.0\nburst = 100\n",
    );
}

fn expect_published(codes: impl IntoIterator<Item = u64>) {
    for code in codes {
        assert!(ExitCode::ALL.iter().any(|known| u64::from(known.code()) == code), "{code} is no exit code");
    }
}

/// A stop takes the default of `--grace`, and then the time to write the rejects.
fn expect_more_than_grace(seconds: u64) {
    const DEFAULT_GRACE_SECONDS: u64 = 30;
    assert!(seconds > DEFAULT_GRACE_SECONDS, "{seconds}");
}

#[test]
fn the_crontab_commands_work_in_the_environment_of_cron() {
    let folder = Folder::new();
    write_job(&folder);
    let tool = env!("CARGO_BIN_EXE_connect-import");
    let here = folder.path("").display().to_string();
    for (times, command) in crontab_commands().into_iter().enumerate() {
        let command = command.replace("/usr/local/bin/connect-import", tool).replace("/srv/tickets/", &here);
        let mut cron = Command::new("/bin/sh");
        cron.args(["-c", &command]).env_clear().current_dir("/").stdin(std::process::Stdio::null());
        cron.envs([("HOME", "/"), ("LOGNAME", "nobody"), ("SHELL", "/bin/sh"), ("PATH", "/usr/bin:/bin")]);
        // The sample imports into a real instance.
        cron.env("CONNECT_IMPORT_SANDBOX", "true");
        let ended = Ended::from(cron.output().unwrap()).expect(0);
        assert_eq!((&*ended.stdout, &*ended.stderr), ("", ""), "cron would mail this output");
        assert_eq!(folder.read("import.log").matches(" Done: ").count(), 1, "run {times}");
        assert_eq!(folder.states("tickets.sandbox.ledger.db"), "created 20");
    }
    assert_eq!(folder.read("import.log").matches("Nothing to send: all 20 rows").count(), 1);
}

#[test]
fn the_containers_of_the_samples_fit_the_image_of_the_containerfile() {
    let file = std::fs::read_to_string(repository("samples/Containerfile")).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    for line in [
        "ENTRYPOINT [\"connect-import\"]",
        "USER 10001:10001",
        "WORKDIR /data",
        "VOLUME /data",
        &format!("LABEL org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(lines.contains(&line), "samples/Containerfile has no line {line}");
    }
    let toolchain = std::fs::read_to_string(repository("Cargo.toml")).unwrap();
    let oldest = toolchain.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let image = format!("ARG BUILD_IMAGE=docker.io/library/rust:{}-", oldest.trim_matches('"'));
    assert!(file.contains(&image), "samples/Containerfile does not build with {image}");
    let name = concat!("registry.example.com/connect-import:", env!("CARGO_PKG_VERSION"));
    let mut containers = vec![batch_definition()["containerProperties"].clone()];
    assert_eq!(containers[0]["user"], "10001");
    for name in ["kubernetes-job.yaml", "kubernetes-cronjob.yaml"] {
        let pod = job(name)["template"]["spec"].clone();
        assert_eq!(
            (&pod["securityContext"]["runAsUser"], &pod["securityContext"]["runAsGroup"]),
            (&10001.into(), &10001.into())
        );
        containers.push(pod["containers"][0].clone());
    }
    for container in containers {
        assert_eq!(container["image"], name);
        let command = [&container["command"], &container["args"]].map(|words| words.to_string()).concat();
        assert!(
            !command.contains("\"sh\"") && command.contains("--job=/data/"),
            "the image has no shell: {command}"
        );
        // The folder, since a ledger that is a mount of its own is refused.
        let mounts = [&container["mountPoints"], &container["volumeMounts"]];
        let mounts = mounts.iter().filter_map(|mounts| mounts.as_array()).flatten();
        let paths =
            mounts.filter_map(|mount| mount["containerPath"].as_str().or(mount["mountPath"].as_str()));
        assert!(paths.clone().all(|path| ["/data", "/tmp"].contains(&path)), "{container}");
        assert!(paths.clone().any(|path| path == "/data"), "{container}");
    }
}

#[test]
fn the_containerfile_compiles_as_the_handbook_says() {
    let handbook = std::fs::read_to_string(repository("src/handbook/operations.md")).unwrap();
    let mut recipes = handbook.lines().filter(|line| line.contains("crt-static"));
    let (recipe, second) = (recipes.next().unwrap(), recipes.next());
    assert_eq!(second, None, "a second copy of the recipe");
    let file = std::fs::read_to_string(repository("samples/Containerfile")).unwrap();
    assert!(file.contains(recipe), "samples/Containerfile has no {recipe}");
    assert!(handbook.contains("(../../samples/Containerfile)") && !handbook.contains("FROM "));
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
