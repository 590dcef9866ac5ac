//! Invalid command lines, job files and inputs: one message, exit code 2, and no request.

use std::fmt::Write as _;

use crate::support::*;

#[test]
fn invalid_arguments_and_inputs_are_refused_before_anything_is_sent() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", "Ticket ID,Subject\n1,a\n");
    folder.write("empty.csv", "");
    folder.write("latin1.csv", b"N\xE4me\nM\xFCller\n");
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.write("column.toml", "[request]\nName = \"{{ row['Subjekt'] }}\"\n");
    folder.write("identifier.toml", "[request]\nName = \"{{ subjct | upper }}\"\n");
    folder.write("filter.toml", "[request]\nName = \"{{ subject | uper }}\"\n");
    folder.write("syntax.toml", "[request]\nName = \"{{ subject\"\n");
    folder.write("member.toml", "[request]\nNmae = \"{{ subject }}\"\n");
    folder.write("key.toml", "[source]\nfiles = [\"t.csv\"]\nkeys = [\"Ticket ID\"]\n");
    folder.write("broken.toml", "[request\n");
    folder.write("operation.toml", "[connect]\noperation = \"StartTaskContact\"\n");
    folder.write("quote.csv", "Name\nx\n\"y\nz\n");
    folder.write("twice.csv", "Name,Name\nx,y\n");
    folder.write("zone.toml", "[request]\nName = \"{{ subject | epoch(tz='Europe/Londn') }}\"\n");
    let cases: [&[&str]; 24] = [
        &["--job", "t.csv"],
        &["tt.csv"],
        &["t.csv", "--job", "zone.toml"],
        &["quote.csv"],
        &["twice.csv"],
        &["twice.csv", "--key", "Name"],
        &["t.csv", "--rejects", "t.csv.old", "--rate", "1e-300"],
        &["t.csv", "--job", "column.toml"],
        &["t.csv", "--job", "identifier.toml"],
        &["t.csv", "--job", "filter.toml"],
        &["t.csv", "--job", "syntax.toml"],
        &["t.csv", "--job", "member.toml"],
        &["t.csv", "--job", "key.toml"],
        &["t.csv", "--job", "broken.toml"],
        &["t.csv", "--job", "operation.toml"],
        &["t.csv", "--job", "missing.toml"],
        &["t.csv", "--key", "Ticket Id"],
        &["t.csv"],
        &["missing.csv"],
        &["folder"],
        &["empty.csv"],
        &["latin1.csv"],
        &["t.csv", "t.csv"],
        &[],
    ];
    let has_valid_header = [Some(&"quote.csv")];
    let mut refusals = String::new();
    for case in cases {
        let mut arguments = vec!["run"];
        arguments.extend(case);
        arguments.extend(["--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url]);
        let ended = folder.run(&arguments).expect(2);
        writeln!(refusals, "run {}\n{}", case.join(" "), ended.stderr).unwrap();
        // The run creates the ledger between reading the header and reading the rows.
        let has_ledger = folder.path("t.ledger.db").exists();
        assert_eq!(has_ledger, has_valid_header.contains(&case[..].first()), "{case:?}");
        let _ = std::fs::remove_file(folder.path("t.ledger.db"));
    }
    insta::assert_snapshot!(steady(&refusals, &folder));
    assert!(endpoint.requests().is_empty());
}

#[test]
fn a_misspelt_variable_is_refused_by_every_command() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    for arguments in [
        &["run", "t.csv", "--sandbox"][..],
        &["check", "t.csv", "--sandbox"],
        &["status", "--ledger", "t.ledger.db"],
        &["completions", "bash"],
        &["run", "t.csv", "--sandbox", "--output", "json"],
    ] {
        let mut command = folder.command(arguments);
        // Variables of other commands are known.
        command.env("CONNECT_IMPORT_RTE", "5").env("CONNECT_IMPORT_SANDBOX_PORT", "8080");
        let ended = Ended::from(command.output().unwrap()).expect(2);
        let message = "variable CONNECT_IMPORT_RTE; did you mean 'CONNECT_IMPORT_RATE'?";
        assert!(ended.stderr.contains(message), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout.contains(message), arguments.contains(&"json"), "{}", ended.stdout);
    }
    assert!(!folder.path("t.sandbox.ledger.db").exists());
    let mut known = folder.command(&["check", "t.csv", "--key", "id", "--sandbox"]);
    known.env("CONNECT_IMPORT_SANDBOX_PORT", "8080");
    Ended::from(known.output().unwrap()).expect(0);
}

#[test]
fn a_misspelt_flag_is_refused_with_a_suggestion() {
    let ended = Folder::new().run(&["run", "t.csv", "--concurency", "3"]).expect(2);
    assert!(ended.stderr.contains("--concurrency"), "{}", ended.stderr);
}

#[test]
fn a_run_without_an_instance_is_refused_with_the_flag_to_add() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    let ended = folder.run(&["run", "t.csv"]).expect(2);
    assert!(ended.stderr.contains("--instance-id"), "{}", ended.stderr);
}

#[test]
fn a_run_without_credentials_stops_and_rejects_no_row() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let id = "11111111-2222-3333-4444-555555555555";
    let arguments = ["run", "t.csv", "--instance-id", id, "--region", "eu-west-2", "--endpoint-url", &url];
    let ended = folder.run(&arguments).expect(7);
    assert!(ended.stdout.contains("NoCredentials"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "pending 1");
    assert!(endpoint.requests().is_empty());
    let unsigned: Vec<&str> = arguments.into_iter().chain(["--no-sign-request"]).collect();
    folder.run(&unsigned).expect(0);
    assert_eq!(endpoint.requests()[0]["InstanceId"], id);
}

#[test]
fn an_invalid_ca_bundle_is_refused() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    folder.write("bundle.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    let arguments =
        ["run", "t.csv", "--instance-id", "x", "--region", "eu-west-2", "--ca-bundle", "bundle.pem"];
    let ended = folder.run(&arguments).expect(2);
    assert!(
        ended.stderr.contains("the CA bundle bundle.pem (--ca-bundle) has no certificate that can be read"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_csv_without_rows_is_reported_and_succeeds() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\n");
    let ended = folder.run(&["run", "t.csv", "--sandbox"]).expect(0);
    assert!(
        ended.stdout.starts_with("Nothing to import: there is a header and no row under it."),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_request_that_cannot_be_signed_rejects_no_row() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    folder.write("config", "[profile process]\ncredential_process = sh -c \"echo planted-secret; exit 1\"\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let arguments =
        ["run", "t.csv", "--instance-id", "x", "--region", "eu-west-2", "--endpoint-url", &url, "--profile"];
    let mut command = folder.command(&[&arguments[..], &["process"]].concat());
    command.env("AWS_CONFIG_FILE", folder.path("config")).env("PATH", "/usr/bin:/bin");
    let ended = Ended::from(command.output().unwrap()).expect(7);
    assert_eq!(folder.states("t.ledger.db"), "pending 1");
    for text in [ended.stdout, ended.stderr, folder.query("t.ledger.db", "SELECT message FROM rows")] {
        assert!(!text.contains("planted-secret"), "{text}");
    }
    assert!(endpoint.requests().is_empty());
}

#[test]
fn a_rehearsal_ignores_environment_variables_that_name_another_endpoint() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    let mut command = folder.command(&["run", "t.csv", "--sandbox"]);
    for (name, value) in [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_ENDPOINT_URL", "http://192.0.2.1"),
        ("HTTP_PROXY", "http://192.0.2.1:3128"),
        ("AWS_PROFILE", "missing"),
    ] {
        command.env(name, value);
    }
    Ended::from(command.output().unwrap()).expect(0);
}
