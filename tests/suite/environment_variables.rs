//! Environment variables: which ones are unset, what of their values counts, and which values are refused.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use crate::aws_services::*;
use crate::support::*;

const INSTANCE: &str = "11111111-2222-3333-4444-555555555555";

/// Commands that call Connect.
const COMMANDS: [&[&str]; 3] = [
    &["run", "t.csv", "--key", "id", "--ledger", "t.ledger.db", "--instance-id", INSTANCE],
    &["verify", "--ledger", "t.ledger.db", "--key", "id", "--instance-id", INSTANCE],
    &["doctor", "--ledger", "t.ledger.db", "--instance-id", INSTANCE],
];

/// Runs the command with `HOME`, `PATH` and these variables only.
fn with(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = home.command(arguments);
    command.env("PATH", "/usr/bin:/bin").envs(variables.iter().copied());
    Ended::from(command.output().unwrap())
}

#[test]
fn an_empty_variable_is_unset_and_white_space_at_the_ends_is_no_part_of_a_value() {
    let home = Home::new();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = format!(" {}\n", connect.url());
    let set = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE\r\n"),
        ("AWS_SECRET_ACCESS_KEY", "secret\n"),
        ("AWS_SESSION_TOKEN", "a-token\n"),
        ("AWS_DEFAULT_REGION", "\teu-west-2 "),
        ("AWS_ENDPOINT_URL_CONNECT", &url),
        ("AWS_EC2_METADATA_DISABLED", "true\n"),
    ];
    let empty = [
        "AWS_REGION",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CA_BUNDLE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_SDK_UA_APP_ID",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "HTTP_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "no_proxy",
        "CONNECT_IMPORT_RATE",
        "CONNECT_IMPORT_PROFILE",
        "CONNECT_IMPORT_QUIET",
    ];
    for nothing in ["", " \n"] {
        // A value of this tool's own is taken as it is, since white space can be meant.
        let empty = empty.map(|name| (name, if name.starts_with("CONNECT_") { "" } else { nothing }));
        with(&home, COMMANDS[0], &[&set[..], &empty].concat()).expect(0);
        std::fs::remove_file(home.0.path("t.ledger.db")).unwrap();
    }
    let received = connect.received();
    assert_eq!(received.len(), 2);
    for request in received {
        assert_eq!(request.headers["x-amz-security-token"], "a-token");
        let signature = &request.headers["authorization"];
        assert!(signature.contains("Credential=AKIDEXAMPLE/"), "{signature}");
        assert!(signature.contains("/eu-west-2/connect/"), "{signature}");
    }
}

#[test]
fn empty_keys_leave_the_next_source_and_a_credential_process_inherits_what_is_corrected() {
    let home = Home::new();
    let credentials = r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "secret"}"#;
    let program = home.program(&format!("env > seen\necho '{credentials}'"));
    home.config(&format!("[default]\ncredential_process = {program}\nregion = eu-west-2\n"));
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let arguments = [COMMANDS[0], &["--endpoint-url", &url]].concat();
    let variables = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_CUSTOM", " value "),
        ("OTHER", " value "),
    ];
    with(&home, &arguments, &variables).expect(0);
    assert_eq!(signers(&connect), ["AKIDPROCESS"]);
    let seen = home.0.read("seen");
    let lines: Vec<&str> = seen.lines().collect();
    assert!(lines.contains(&"AWS_CUSTOM=value") && lines.contains(&"OTHER= value "), "{seen}");
    assert!(!seen.contains("AWS_ACCESS_KEY_ID") && !seen.contains("AWS_SESSION_TOKEN"), "{seen}");
}

#[test]
fn the_process_its_arguments_and_its_standard_input_stay_the_same() {
    let folder = Folder::new();
    folder.write("in.csv", numbered_csv(3));
    let arguments =
        ["run", "-", "--key", "id", "--sandbox", "--ledger", "a b.db", "--limit", "1", "--log-file", "log"];
    let mut command = folder.command(&arguments);
    command.env("AWS_REGION", "").stdin(std::fs::File::open(folder.path("in.csv")).unwrap());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let ended = Ended::from(child.wait_with_output().unwrap());
    let log = folder.read("log");
    assert_eq!(folder.states("a b.db"), "created 1, pending 2", "{}", ended.stderr);
    assert!(log.contains(&format!(", process {id}\n")), "{log}");
    // The printed command has the name that was typed.
    assert!(ended.stdout.contains(env!("CARGO_BIN_EXE_connect-import")), "{}", ended.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_cannot_start_itself_again_names_the_variables() {
    let folder = Folder::new();
    let copy = folder.path("copy");
    let original = env!("CARGO_BIN_EXE_connect-import");
    if std::fs::hard_link(original, &copy).is_err() {
        std::fs::copy(original, &copy).unwrap();
    }
    // A program without a file, and with a name that leads nowhere.
    let script = "exec 3<copy && rm copy && exec -a nowhere /proc/self/fd/3 --version";
    let mut command = Command::new("/bin/bash");
    command.args(["-c", script]).current_dir(folder.path("")).env_clear();
    let run = |command: &mut Command| Ended::from(command.output().unwrap());
    let ended =
        run(command.env("AWS_PROFILE", "").env("AWS_SESSION_TOKEN", "planted\n").env("NO_PROXY", "x"));
    let ended = ended.expect(2);
    let end = "unset these variables, or set them without white space at their ends: AWS_PROFILE, AWS_SESSION_TOKEN\n";
    assert!(ended.stderr.ends_with(end) && !ended.stderr.contains("planted"), "{}", ended.stderr);
}

#[test]
fn a_value_that_cannot_be_used_is_refused_by_its_variable_before_anything_is_sent() {
    let home = Home::new();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let given = ["--region", "eu-west-2", "--endpoint-url", &url];
    for (name, value, problem) in [
        ("AWS_SESSION_TOKEN", "planted\nplanted", "has a line break as its character 8 of 15; copy it again"),
        ("AWS_ACCESS_KEY_ID", "planted planted", "has white space or an unusual character"),
        ("AWS_SECRET_ACCESS_KEY", "planted\r\nplanted", "has a line break"),
        ("AWS_EXECUTION_ENV", "planted\nplanted", "has a line break"),
        ("AWS_ENDPOINT_URL", "planted", "must be a URL such as https://host"),
        ("AWS_ENDPOINT_URL_STS", "https://me:planted@127.0.0.1:9", "must name no user and no password"),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "planted", "must be a URL such as https://host"),
        ("AWS_USE_FIPS_ENDPOINT", "planted", "must be true or false"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "1", "must be true or false"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "yes", "must be true or false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "planted", "must be a URL such as https://host"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5", "must be IPv4 or IPv6"),
        // Without the options.
        ("AWS_REGION", "planted planted", "must be a Region such as eu-west-2"),
        ("AWS_DEFAULT_REGION", "planted/planted", "must be a Region such as eu-west-2"),
        ("AWS_ENDPOINT_URL_CONNECT", "planted", "must be a URL such as https://host"),
    ] {
        let options = match name {
            "AWS_REGION" | "AWS_DEFAULT_REGION" => &given[2..],
            "AWS_ENDPOINT_URL_CONNECT" => &given[..2],
            _ => &given[..],
        };
        for command in COMMANDS {
            let disabled = if name.starts_with("AWS_EC2_METADATA") { "false" } else { "true" };
            let variables =
                [&USER_KEYS[..], &[(name, value), ("AWS_EC2_METADATA_DISABLED", disabled)]].concat();
            let ended = with(&home, &[command, options].concat(), &variables).expect(2);
            assert!(ended.stderr.starts_with(&format!("error: {name} {problem}")), "{}", ended.stderr);
            assert!(!ended.stderr.contains("planted"), "{}", ended.stderr);
        }
    }
    assert!(connect.received().is_empty());
    assert!(!home.0.path("t.ledger.db").exists());
}

#[test]
fn a_value_that_cannot_be_used_is_refused_by_its_option_or_its_key_of_the_profile() {
    let home = Home::new();
    home.0.write("job.toml", "[connect]\nregion = \"eu west 2\"\n");
    for (setting, name) in [
        ("region = eu west 2", "region of profile import must be a Region"),
        ("region =", "region of profile import must be a Region"),
        (
            "region = eu-west-2\nendpoint_url = connect.example",
            "endpoint_url of profile import must be a URL",
        ),
        ("region = eu-west-2\nuse_fips_endpoint = maybe", "use_fips_endpoint of profile import must be true"),
        (
            "region = eu-west-2\nservices = own\n[services own]\nconnect =\n  endpoint_url = connect.example",
            "endpoint_url of profile import must be a URL",
        ),
    ] {
        home.config(&format!("[profile import]\n{setting}\n"));
        for command in COMMANDS {
            let ended = with(&home, &[command, &["--profile", "import"]].concat(), &USER_KEYS).expect(2);
            assert!(ended.stderr.starts_with(&format!("error: {name}")), "{}", ended.stderr);
        }
    }
    let arn = "arn:aws:connect:eu west 2:111122223333:instance/x";
    for (more, name) in [
        (&["--region", "eu west 2"][..], "--region must be a Region such as eu-west-2"),
        (&["--job", "job.toml"], "--region must be a Region"),
        (&["--instance-id", arn], "--instance-id names no Region in its ARN"),
        (&["--region", "eu-west-2", "--endpoint-url", "connect.example"], "--endpoint-url must be a URL"),
    ] {
        let ended = with(&home, &[COMMANDS[0], more].concat(), &USER_KEYS).expect(2);
        assert!(ended.stderr.contains(&format!("error: {name}")), "{}", ended.stderr);
    }
    let ended = with(&home, COMMANDS[0], &[("CONNECT_IMPORT_REGION", "eu west 2")]).expect(2);
    assert!(ended.stderr.contains("--region must be a Region"), "{}", ended.stderr);
}

#[test]
fn a_region_of_the_metadata_service_that_is_none_is_refused_as_such() {
    let metadata = Endpoint::serve(|request| match request.target.as_str() {
        "/latest/api/token" => {
            Reply::Raw(200, vec![("x-aws-ec2-metadata-token-ttl-seconds", "600".to_owned())], "t".to_owned())
        }
        _ => text_reply(200, "eu west 2"),
    });
    let url = metadata.url();
    let variables = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*url)];
    let ended = with(&Home::new(), COMMANDS[0], &[&USER_KEYS[..], &variables].concat()).expect(2);
    let message = "error: the Region that the metadata service of the EC2 instance names must be a Region";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);
}

#[test]
fn a_value_that_is_not_unicode_is_refused() {
    let home = Home::new();
    let mut command = home.command(COMMANDS[2]);
    command.envs(USER_KEYS).env("AWS_REGION", OsStr::from_bytes(b"eu-west-\xff"));
    let ended = Ended::from(command.output().unwrap()).expect(2);
    assert!(ended.stderr.starts_with("error: AWS_REGION is not Unicode; set it again"), "{}", ended.stderr);
}

#[test]
fn settings_of_the_sdk_that_this_tool_does_not_use_break_nothing() {
    let home = Home::new();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let variables = [
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_RETRY_MODE", "sometimes"),
        ("AWS_SDK_UA_APP_ID", "two words\nand a line"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "maybe"),
        ("AWS_ENDPOINT_URL_S3", "none"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "none"),
        ("AWS_ENDPOINT_URL", "none"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"),
        // A profile that is named has keys of its own.
        ("AWS_SESSION_TOKEN", "of\nothers"),
    ];
    home.credentials("[import]\naws_access_key_id = AKIDPROFILE \t\r\naws_secret_access_key = secret\r\n");
    with(&home, &run_signed(&url, &["--profile", "import"]), &[&USER_KEYS[..], &variables].concat())
        .expect(0);
    assert_eq!(signers(&connect), ["AKIDPROFILE"]);
}

#[test]
fn names_that_only_boto3_and_the_aws_cli_read_count_as_there() {
    let home = Home::with_config("[profile old]\nregion = eu-west-2\n");
    home.credentials("[old]\naws_access_key_id = AKIDOLD\naws_secret_access_key = secret\n");
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let variables = [("AWS_DEFAULT_PROFILE", "old"), ("AWS_PROFILE", "new")];
    with(&home, &run_signed(&url, &[]), &variables).expect(0);
    std::fs::remove_file(home.0.path("t.ledger.db")).unwrap();
    with(&home, &run_signed(&url, &[]), &[&USER_KEYS[..], &[("AWS_SECURITY_TOKEN", "old-token")]].concat())
        .expect(0);
    assert_eq!(signers(&connect), ["AKIDOLD", "AKIDEXAMPLE"]);
    assert_eq!(connect.received()[1].headers["x-amz-security-token"], "old-token");
}

#[test]
fn what_fails_inside_of_the_sdk_ends_every_command_with_its_cause() {
    let home = Home::new();
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let given = ["--region", "eu-west-2", "--endpoint-url", &url];
    with(&home, &[COMMANDS[0], &given].concat(), &USER_KEYS).expect(0);
    let created = connect.received().len();
    home.0.write("t.csv", numbered_csv(2));
    let credentials = r#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s", "SessionToken": "planted\nplanted"}"#;
    let program = home.program(&format!("cat <<'END'\n{credentials}\nEND"));
    home.config(&format!("[profile broken]\ncredential_process = {program}\n"));
    let metadata = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "localhost");
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "planted");
    for (variables, causes) in [
        (
            &[("AWS_PROFILE", "broken")][..],
            ["profile broken", "the session token has a line break as its character 8 of 15"],
        ),
        // An address without a scheme: the SDK panics.
        (&[metadata, token], ["the container's credentials endpoint", "the AWS SDK failed on its settings"]),
    ] {
        for command in COMMANDS {
            let ended = with(&home, &[command, &given].concat(), variables).expect(7);
            let output = ended.stdout + &ended.stderr;
            for cause in causes {
                assert!(output.contains(cause), "{cause}: {output}");
            }
            assert!(!output.contains("planted") && !output.contains("backtrace"), "{output}");
        }
    }
    assert_eq!(connect.received().len(), created);
    assert_eq!(home.0.states("t.ledger.db"), "created 1, pending 1");
}
