//! Cells of rows and credentials are in no output, log or error, and the service's reasons are. The rejects file has both.
//! The ledger has the cells only until a row is created.

use crate::export::columns;
use crate::support::*;

/// Beginnings of names, descriptions, values and secrets that no output may contain, in any case. The tool's own texts
/// have none of them.
const PLANTED: [&str; 8] = [
    "quxley-za",
    "vorbelli",
    "plaintive",
    "0044-5550",
    "https://secret",
    "narwhal",
    "secretkey",
    "sessionto",
];

const JOB: &str = r#"
[source]
files = ["t.csv"]
key = ["id"]
[request]
Name = "{{ name }}"
Description = "{{ description | required('it has no description') }}"
[request.Attributes]
phone = "{{ phone }}"
note = "{{ note }}"
[request.References.Link]
Type = "URL"
Value = "{{ link }}"
"#;

/// Rows for every outcome: created, refused with a quotation, unanswered, throttled, too long, ragged and
/// without a required cell.
fn csv() -> String {
    let mut text = "id,name,description,phone,note,link\n".to_owned();
    let row = |id: &str, name: &str| {
        format!(
            "{id},{name} Quxley-Zanzibar,Vorbelline,0044-5550-1234,plaintive-wombat,https://secret.example/quokka\n"
        )
    };
    for id in 0..12 {
        text.push_str(&row(&format!("K{id}"), "Task"));
    }
    text.push_str(&row("long", &"Narwhal-Overlong ".repeat(100)));
    text.push_str("ragged,Quxley-Zanzibar,Vorbelline\n");
    text.push_str("empty,Quxley-Zanzibar,,0044-5550-1234,plaintive-wombat,https://secret.example/quokka\n");
    text.push_str(&row("K1", "Repeated"));
    text
}

/// An endpoint whose error messages quote the request.
fn quoting() -> Endpoint {
    Endpoint::start(|number, body| {
        let quoted = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let message = format!("bad: {} / {} / {}", quoted("Name"), quoted("Description"), body["Attributes"]);
        if body["ClientToken"].is_null() {
            // Searches and probes have no client token.
            return Reply::Quoted(400, "InvalidRequestException", body.to_string());
        }
        match number % 12 {
            0 => Reply::Quoted(400, "InvalidRequestException", message),
            1 => Reply::Quoted(409, "IdempotencyException", message),
            2 => Reply::Quoted(409, "ConflictException", message),
            3 => Reply::Quoted(429, "ThrottlingException", message),
            4 => Reply::Quoted(500, "InternalServiceException", message),
            5 => Reply::Close,
            6 => Reply::Body("{\"Quxley-Zanzibar\": "),
            _ => Reply::Created,
        }
    })
}

#[track_caller]
fn expect_nothing_planted(source: &str, text: &str) {
    let lower = text.to_lowercase();
    for planted in PLANTED {
        assert!(!lower.contains(planted), "{source} shows {planted}:\n{text}");
    }
}

const INSTANCE: [&str; 6] =
    ["--instance-id", "11111111-2222-3333-4444-555555555555", "--region", "eu-west-2", "--job", "job.toml"];

fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = folder.command(arguments);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    command.env("AWS_SECRET_ACCESS_KEY", "SeCrEtKeYqUaGgA").env("AWS_SESSION_TOKEN", "SeSsIoNtOkEnZeBu");
    // These make the SDK and a panic print the most.
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    Ended::from(command.output().unwrap())
}

#[test]
fn a_run_shows_no_cell_and_no_credential_at_any_verbosity() {
    let verbosities: [&[&str]; 10] = [
        &[],
        &["--progress", "none"],
        &["--progress", "bar"],
        &["--progress", "plain", "--report-every", "0s"],
        &["--output", "json", "--report-every", "0s", "--debug"],
        &["--debug"],
        &["--log-format", "json", "--metrics-file", "m.prom"],
        &["--log-format", "json", "--report-every", "0s", "--debug"],
        &["--verbose", "--log-file", "x.log", "--report-every", "0s"],
        &["--quiet", "--debug", "--log-file", "x.log"],
    ];
    for verbosity in verbosities {
        let folder = Folder::new();
        folder.write("t.csv", csv());
        folder.write("job.toml", JOB);
        let endpoint = quoting();
        let url = endpoint.url();
        let to = ["--endpoint-url", &url, "--max-attempts", "2", "--rate", "100000", "--burst", "100"];
        let arguments = [&["run"], &INSTANCE[..], &to, verbosity].concat();
        for round in 0..2 {
            let ended = run(&folder, &arguments);
            assert!(matches!(ended.code, Some(1 | 75)), "{:?}\n{}{}", ended.code, ended.stdout, ended.stderr);
            expect_nothing_planted(&format!("{verbosity:?}, run {round}"), &(ended.stdout + &ended.stderr));
        }
        if verbosity.contains(&"--log-file") {
            let log = folder.read("x.log");
            assert!(log.contains("is tried again: ") || log.contains("DEBUG"), "{log}");
            expect_nothing_planted("the log file", &log);
        }
        if verbosity.contains(&"--metrics-file") {
            expect_nothing_planted("the metrics", &folder.read("m.prom"));
        }
        if verbosity.contains(&"--debug") {
            let status = run(
                &folder,
                &[&["status", "--job", "job.toml"], &verbosity[..2.min(verbosity.len())]].concat(),
            );
            expect_nothing_planted("status", &(status.stdout + &status.stderr));
        }
    }
}

#[test]
fn check_verify_doctor_and_status_show_no_cell_and_no_credential() {
    let folder = Folder::new();
    folder.write("t.csv", csv());
    folder.write("job.toml", JOB);
    let endpoint = quoting();
    let url = endpoint.url();
    let to = ["--endpoint-url", &url, "--debug"];
    for output in ["text", "csv", "json"] {
        let ended = run(&folder, &["check", "--job", "job.toml", "--output", output, "--debug"]);
        expect_nothing_planted("check", &(ended.stdout + &ended.stderr));
    }
    run(&folder, &[&["run"], &INSTANCE[..], &to, &["--rate", "1000", "--max-attempts", "1"]].concat());
    for output in ["text", "json"] {
        let commands: [&[&str]; 3] = [
            &["verify", "--describe-rate", "1000", "--search-rate", "1000"],
            &["doctor", "--probe-token"],
            &["status", "--job", "job.toml"],
        ];
        for command in commands {
            let rest = if command[0] == "status" { vec![] } else { [&INSTANCE[..], &to].concat() };
            let ended = run(&folder, &[command, &rest, &["--output", output]].concat());
            expect_nothing_planted(command[0], &(ended.stdout + &ended.stderr));
        }
    }
}

#[test]
fn a_panic_shows_its_location_without_its_message() {
    let folder = Folder::new();
    folder.write("t.csv", csv());
    folder.write("job.toml", JOB);
    let endpoint = quoting();
    let url = endpoint.url();
    let arguments = [&["run"], &INSTANCE[..], &["--endpoint-url", &url, "--debug"]].concat();
    let mut command = folder.command(&arguments);
    // The SDK panics on an address without a scheme.
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "localhost");
    command.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "SeCrEtKeYqUaGgA");
    command.env("RUST_BACKTRACE", "full");
    let ended = Ended::from(command.output().unwrap()).expect(7);
    let output = ended.stdout + &ended.stderr;
    assert!(output.contains("internal error in connect-import ") && output.contains(" at "), "{output}");
    expect_nothing_planted("the panic", &output);
}

#[test]
fn the_ledger_has_cells_only_in_two_columns_and_only_until_a_row_is_created() {
    let folder = Folder::new();
    folder.write("t.csv", csv());
    folder.write("job.toml", JOB);
    let endpoint = quoting();
    let url = endpoint.url();
    let arguments =
        [&["run"], &INSTANCE[..], &["--endpoint-url", &url, "--rate", "1000", "--on-unknown", "hold"]]
            .concat();
    run(&folder, &arguments).expect(1);
    let tables = folder.query("job.ledger.db", "SELECT name FROM sqlite_schema WHERE type = 'table'");
    for table in tables.lines() {
        let columns =
            folder.query("job.ledger.db", &format!("SELECT name FROM pragma_table_info('{table}')"));
        let has_cells = |column: &str| table == "rows" && ["record", "full_message"].contains(&column);
        for column in columns.lines().filter(|column| !has_cells(column)) {
            let values =
                folder.query("job.ledger.db", &format!("SELECT CAST({column} AS TEXT) FROM {table}"));
            expect_nothing_planted(&format!("{table}.{column}"), &values);
        }
    }
    let wrong = "SELECT count(*) FROM rows WHERE (state = 'created') = (record IS NOT NULL)
        OR state = 'created' AND full_message IS NOT NULL";
    assert_eq!(folder.query("job.ledger.db", wrong), "0");
    assert_ne!(folder.query("job.ledger.db", "SELECT count(full_message) FROM rows"), "0");
    for name in ["job.ledger.db", "job.ledger.db.lock", "job.ledger.db.rejects.csv"] {
        assert_eq!(folder.permissions(name), 0o600, "{name}");
    }

    // Once every row is created, no byte of the ledger contains a cell.
    let folder = Folder::new();
    folder.write("t.csv", csv().lines().take(13).map(|line| format!("{line}\n")).collect::<String>());
    folder.write("job.toml", JOB);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    run(&folder, &[&["run"], &INSTANCE[..], &["--endpoint-url", &url, "--rate", "1000"]].concat()).expect(0);
    let bytes = std::fs::read(folder.path("job.ledger.db")).unwrap();
    expect_nothing_planted("the ledger", &String::from_utf8_lossy(&bytes));
    assert!(!folder.path("job.ledger.db-wal").exists());
}

/// Reasons in the words of Connect and other AWS services. Tickets speak of the same things.
const REASONS: [&str; 8] = [
    "Contact flow is not published",
    "Contact flow is not of the right type for a task",
    "Invalid reference value. A reference of type URL must be a valid URL",
    "Attribute key contains characters that are not allowed",
    "You do not have access to the contact flow of this reference",
    "The quick connect is not associated with the instance",
    "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must have length less than or equal \
     to 512",
    "Customer name or description is not valid, see the documentation",
];

/// Forms in which a service quotes a value.
const QUOTATIONS: [fn(&str) -> String; 7] = [
    |value| format!("'{value}'"),
    |value| value.to_uppercase(),
    |value| serde_json::Value::from(value).to_string(),
    |value| value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
    |value| value.split_whitespace().collect::<Vec<_>>().join(" "),
    |value| format!("{}...", value.chars().take(20).collect::<String>()),
    |value| format!("\"{}\"", value.chars().take(20).collect::<String>()),
];

#[test]
fn the_services_reason_survives_in_every_output_and_the_rejects_file_has_its_whole_message() {
    let folder = Folder::new();
    let mut csv = "id,name,description,phone,note,link\n".to_owned();
    let rows = REASONS.len() * QUOTATIONS.len();
    for id in 0..rows {
        csv.push_str(&format!(
            "K{id},Quxley-Zanzibar & <customer> of row {id},\"Vorbelline:\n  \"\"contact flow\"\" is not published\",\
             0044-5550-1234,plaintive-wombat is not valid,https://secret.example/quokka?contact=flow\n"
        ));
    }
    folder.write("t.csv", csv);
    folder.write("job.toml", JOB);
    let message = |id: usize, body: &serde_json::Value| {
        let quotation = QUOTATIONS[id / REASONS.len()];
        let pointers =
            ["/Name", "/Description", "/Attributes/phone", "/Attributes/note", "/References/Link/Value"];
        let quoted =
            pointers.iter().map(|pointer| quotation(body.pointer(pointer).unwrap().as_str().unwrap()));
        let message = quoted
            .fold(REASONS[id % REASONS.len()].to_owned(), |message, value| format!("{message}; {value}"));
        message.replace('\n', " ")
    };
    let id_of = |name: &str| name.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
    let endpoint = Endpoint::start(move |_, body| {
        let id = id_of(body["Name"].as_str().unwrap());
        Reply::Quoted(400, "InvalidRequestException", message(id, body))
    });
    let url = endpoint.url();
    let to = ["--endpoint-url", &url, "--rate", "100000", "--burst", "1000"];
    let run_with = |more: &[&str]| run(&folder, &[&["run"], &INSTANCE[..], &to, more].concat()).expect(1);
    let text = run_with(&["--progress", "plain", "--metrics-file", "m.prom"]);
    let again = ["--retry", "rejected"];
    let json = run_with(&[&["--output", "json"], &again[..]].concat());
    let log = run_with(&[&["--log-format", "json", "--debug"], &again[..]].concat());
    let ledger =
        |arguments: &[&str]| run(&folder, &[arguments, &["--job", "job.toml"]].concat()).expect(0).stdout;
    run(&folder, &["report", "--job", "job.toml"]).expect(0);
    // Every row is in these outputs.
    let outputs = [
        ("json", json.stdout),
        ("log", log.stderr),
        ("export as CSV", ledger(&["export"])),
        ("export as JSON", ledger(&["export", "--output", "json"])),
        ("message", folder.query("job.ledger.db", "SELECT message FROM rows")),
    ];
    for (output, text) in &outputs {
        expect_nothing_planted(output, text);
        for reason in REASONS {
            let found = text.matches(reason).count();
            assert!(found >= QUOTATIONS.len(), "{output} has {found} times {reason}:\n{text}");
        }
    }
    // These have one row of each cause.
    let outputs = [
        ("text", text.stdout + &text.stderr),
        ("status", ledger(&["status"])),
        ("status as JSON", ledger(&["status", "--output", "json"])),
        ("report", folder.read("job.ledger.db.report.html")),
    ];
    for (output, text) in &outputs {
        expect_nothing_planted(output, text);
        assert!(REASONS.iter().any(|reason| text.contains(reason)), "{output}:\n{text}");
    }
    expect_nothing_planted("metrics", &folder.read("m.prom"));
    let mut requests = endpoint.requests();
    requests.truncate(rows);
    let rejects = columns(&folder.read("job.ledger.db.rejects.csv"), &["_message"]);
    assert_eq!(rejects.len(), rows);
    for body in requests {
        let id = id_of(body["Name"].as_str().unwrap());
        assert_eq!(rejects[id], message(id, &body));
    }
}

#[test]
fn short_values_and_ids_stay_in_a_message() {
    let folder = Folder::new();
    folder.write("t.csv", "id,flow\n4711,11111111-2222-3333-4444-555555555555\n");
    let job = "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[connect]\noperation = \"StartTaskContact\"\n[request]\n\
        Name = \"{{ id }}\"\nContactFlowId = \"{{ flow }}\"\n";
    folder.write("job.toml", job);
    let message = "Task 4711: flow 11111111-2222-3333-4444-555555555555 is not published";
    let endpoint = Endpoint::start(move |_, _| Reply::Quoted(400, "InvalidRequestException", message.into()));
    let url = endpoint.url();
    run(&folder, &[&["run"], &INSTANCE[..], &["--endpoint-url", &url]].concat()).expect(1);
    assert_eq!(
        folder.query("job.ledger.db", "SELECT message, full_message FROM rows"),
        format!("{message}|")
    );
}
