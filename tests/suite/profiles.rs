//! Profiles of the AWS configuration files: an explicit one comes before the environment, and its faults end a command
//! before anything is sent.

use std::os::unix::fs::PermissionsExt as _;

use crate::aws_services::*;
use crate::support::*;

const KEYS: &str = "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n";
const IMPORT: [&str; 2] = ["--profile", "import"];

/// The line of the block before the first request that names the source of the credentials.
fn credentials_line(ended: &Ended) -> &str {
    let mut lines = ended.stderr.lines();
    lines.find_map(|line| line.strip_prefix("  credentials  ")).unwrap_or_default()
}

/// Standard error of a run that ends with 2 before any request.
#[track_caller]
fn refused(home: &Home, options: &[&str], variables: &[(&str, &str)]) -> String {
    let connect = Endpoint::start(|_, _| Reply::Created);
    let ended = home.run(&run_signed(&connect.url(), options), variables).expect(2);
    assert!(connect.received().is_empty());
    ended.stderr.replace(&home.0.path("").display().to_string(), "HOME/")
}

#[test]
fn an_explicit_profile_comes_before_the_environments_keys_and_aws_profile_after_them() {
    let home = Home::with_config(&format!("[profile import]\n{KEYS}"));
    home.0.write("job.toml", "[connect]\nprofile = \"import\"\n");
    let from_environment = "the variable AWS_ACCESS_KEY_ID";
    for (options, variables, key, line) in [
        (&IMPORT[..], &[][..], "AKIDPROFILE", "profile import (keys)"),
        (&["--job", "job.toml"], &[], "AKIDPROFILE", "profile import (keys)"),
        (&[], &[("CONNECT_IMPORT_PROFILE", "import")], "AKIDPROFILE", "profile import (keys)"),
        (&[], &[], "AKIDEXAMPLE", from_environment),
        (
            &[],
            &[("AWS_PROFILE", "import")],
            "AKIDEXAMPLE",
            "the variable AWS_ACCESS_KEY_ID, which comes before AWS_PROFILE (import)",
        ),
    ] {
        let connect = Endpoint::start(|_, _| Reply::Created);
        let url = connect.url();
        let mut command = home.command(&run_signed(&url, options));
        command.envs(USER_KEYS).envs(variables.iter().copied());
        let ended = Ended::from(command.output().unwrap()).expect(0);
        assert_eq!((&*signers(&connect)[0], credentials_line(&ended)), (key, line), "{options:?}");
        std::fs::remove_file(home.0.path("t.ledger.db")).unwrap();
    }
    // Without the environment's keys, AWS_PROFILE is the profile.
    let connect = Endpoint::start(|_, _| Reply::Created);
    home.run(&run_signed(&connect.url(), &[]), &[("AWS_PROFILE", "import")]).expect(0);
    assert_eq!(signers(&connect), ["AKIDPROFILE"]);
}

#[test]
fn the_block_and_its_message_name_the_source() {
    let home = Home::with_config(
        "[profile import]\nrole_arn = arn:aws:iam::111122223333:role/Import\nsource_profile = base\n",
    );
    home.credentials(&format!("[base]\n{KEYS}"));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service("ASIAROLE"));
    // Not known as loopback, so that AWS STS is asked whose credentials they are.
    let url = format!("http://0.0.0.0:{}", connect.port);
    let arguments = run_signed(&url, &["--profile", "import", "--output", "json", "--log-file", "log"]);
    let variables = [("AWS_ENDPOINT_URL_STS", &*sts.url()), ("CONNECT_IMPORT_LOG_FORMAT", "json")];
    let ended = home.run(&arguments, &variables).expect(0);
    let announced = &messages(&ended.stdout)["announcement"];
    let source =
        "profile import (role arn:aws:iam::111122223333:role/Import, assumed with profile base (keys))";
    assert_eq!((&announced["credentials"], &announced["profile"]), (&source.into(), &"import".into()));
    assert_eq!(announced["account"], ACCOUNT);
    assert!(home.0.read("log").contains(&format!("\"credentials\":\"{source}\"")), "{}", home.0.read("log"));
    // The role is assumed once, for AWS STS and Connect together.
    let operations: Vec<_> = sts.received().iter().map(sts_operation).collect();
    assert_eq!(operations, ["AssumeRole", "GetCallerIdentity"]);
}

#[test]
fn doctor_run_and_verify_ask_a_credential_process_once() {
    let home = Home::new();
    home.0.write("t.csv", numbered_csv(30));
    let program = home.credential_process("ASIAPROCESS");
    home.config(&format!("[profile import]\ncredential_process = {program}\n"));
    let (connect, sts) = (Endpoint::start(|_, _| Reply::Created), security_token_service("ASIAROLE"));
    let url = format!("http://0.0.0.0:{}", connect.port);
    let variables = [("AWS_ENDPOINT_URL_STS", &*sts.url())];
    let paced = ["--rate", "100000", "--burst", "1000"];
    let common = [
        &["--ledger", "t.ledger.db", "--region", "eu-west-2", "--endpoint-url", &url],
        &["--instance-id", "11111111-2222-3333-4444-555555555555", "--key", "id"][..],
        &IMPORT,
    ]
    .concat();
    for (number, (command, more)) in
        [(&["run", "t.csv"][..], &paced[..]), (&["doctor", "t.csv"], &paced), (&["verify"], &[])]
            .into_iter()
            .enumerate()
    {
        let arguments = [command, &common, more].concat();
        let ended = home.run(&arguments, &variables);
        assert!(ended.code.is_some_and(|code| code != 2), "{}", ended.stderr);
        assert_eq!(home.calls(), number + 1, "{command:?}: {}", ended.stderr);
    }
}

#[test]
fn a_profile_that_does_not_exist_ends_every_command_with_2() {
    let home = Home::with_config(&format!("[profile import]\n{KEYS}"));
    let text = refused(&home, &["--profile", "imprt"], &USER_KEYS);
    let expected = "error: profile 'imprt' does not exist; looked in HOME/.aws/config and HOME/.aws/credentials (does not \
                    exist); did you mean 'import'?\n";
    assert!(text.ends_with(expected), "{text}");
    for command in ["doctor", "verify"] {
        let arguments = [
            command,
            "--profile",
            "imprt",
            "--instance-id",
            "11111111-2222-3333-4444-555555555555",
            "--region",
            "eu-west-2",
            "--ledger",
            "t.ledger.db",
        ];
        let ended = home.run(&arguments, &USER_KEYS).expect(2);
        assert!(ended.stderr.contains("profile 'imprt' does not exist"), "{}", ended.stderr);
    }
    // The files of the variables are named instead.
    let elsewhere = home.0.write("elsewhere", "[profile staging]\n").display().to_string();
    let text = refused(&home, &["--profile", "zzz"], &[("AWS_CONFIG_FILE", &elsewhere)]);
    assert!(text.contains("looked in HOME/elsewhere and "), "{text}");
    assert!(text.contains("the profiles are: staging\n"), "{text}");
    // An empty home is not the working directory.
    let text = refused(&home, &["--profile", "import"], &[("HOME", "")]);
    let expected =
        "looked in ~/.aws/config (does not exist) and ~/.aws/credentials (does not exist); HOME is not set";
    assert!(text.contains(expected), "{text}");
    // AWS_PROFILE: unless the environment's keys sign.
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let text = refused(&home, &[], &[(name, "imprt")]);
        assert!(text.contains(&format!("error: {name}: profile 'imprt' does not exist")), "{text}");
    }
    let connect = Endpoint::start(|_, _| Reply::Created);
    let mut command = home.command(&run_signed(&connect.url(), &[]));
    Ended::from(command.envs(USER_KEYS).env("AWS_PROFILE", "imprt").output().unwrap()).expect(0);
    assert_eq!(signers(&connect), ["AKIDEXAMPLE"]);
}

#[test]
fn half_a_pair_of_keys_and_a_one_time_code_are_refused() {
    let home = Home::new();
    let text = refused(&home, &[], &[USER_KEYS[0]]);
    assert!(text.contains("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"), "{text}");
    let text = refused(&home, &[], &[USER_KEYS[1]]);
    assert!(text.contains("AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"), "{text}");
    home.credentials("[import]\naws_access_key_id = AKIDPROFILE\n");
    let text = refused(&home, &IMPORT, &USER_KEYS);
    assert!(text.contains("profile 'import' has no aws_secret_access_key"), "{text}");
    home.config(
        "[profile import]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = base\nmfa_serial = arn:m\n",
    );
    home.credentials(&format!("[base]\n{KEYS}"));
    let text = refused(&home, &IMPORT, &[]);
    assert!(text.contains("aws sts get-session-token --profile base --serial-number arn:m"), "{text}");
}

#[test]
fn files_that_cannot_be_read_or_parsed_are_named_and_a_rehearsal_does_not_read_them() {
    let home = Home::with_config("[default]\nregion = eu-west-2\nnonsense\n");
    let text = refused(&home, &[], &USER_KEYS);
    assert!(text.contains("HOME/.aws/config on line 3: Expected an '=' sign"), "{text}");
    let connect = Endpoint::start(|_, _| Reply::Created);
    home.run(&import(&connect.url(), &[]), &[("AWS_PROFILE", "missing")]).expect(0);
    home.0.write(".aws/config", b"[default]\nregion = \xff\n");
    let text = refused(&home, &[], &[]);
    assert!(text.contains("cannot read HOME/.aws/config: it is not UTF-8"), "{text}");
    assert!(text.contains("AWS_CONFIG_FILE"), "{text}");
    // Root reads any file.
    let file = home.0.path(".aws/config");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_err() {
        let text = refused(&home, &IMPORT, &USER_KEYS);
        assert!(text.contains("cannot read HOME/.aws/config: Permission denied"), "{text}");
    }
}

#[test]
fn an_explicit_profile_without_credentials_leads_to_the_container_and_the_instance_only() {
    let home = Home::with_config("[profile import]\nregion = eu-west-2\n");
    let token = home.0.write("token", "a token").display().to_string();
    let (container, sts) = (container("ASIACONTAINER"), security_token_service("ASIAWEB"));
    let (container_url, sts_url) = (container.url(), sts.url());
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Import"),
        ("AWS_ENDPOINT_URL_STS", &*sts_url),
    ];
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let mut command = home.command(&run_signed(&url, &IMPORT));
    command.envs(USER_KEYS).envs(web).env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container_url);
    let ended = Ended::from(command.output().unwrap()).expect(0);
    assert_eq!(signers(&connect), ["ASIACONTAINER"]);
    assert_eq!(credentials_line(&ended), "the container's credentials endpoint");
    assert!(sts.received().is_empty());

    // The profile's own address of the metadata service.
    let metadata = instance_metadata("ASIAINSTANCE");
    home.config(&format!("[profile import]\nec2_metadata_service_endpoint = {}\n", metadata.url()));
    std::fs::remove_file(home.0.path("t.ledger.db")).unwrap();
    let mut command = home.command(&run_signed(&url, &IMPORT));
    command.envs(USER_KEYS).envs(web).env("AWS_EC2_METADATA_DISABLED", "false");
    let ended = Ended::from(command.output().unwrap()).expect(0);
    assert_eq!(signers(&connect), ["ASIACONTAINER", "ASIAINSTANCE"]);
    assert_eq!(credentials_line(&ended), "the metadata service of the EC2 instance");
}

#[test]
fn a_source_profile_that_is_missing_does_not_lead_to_another_signer() {
    let home = Home::with_config("[default]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = gone\n");
    let container = container("ASIACONTAINER");
    let text = refused(&home, &[], &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container.url())]);
    assert!(text.contains("profile 'default' has source_profile = gone, which does not exist"), "{text}");
    assert!(container.received().is_empty());
}

/// `AWS_CONFIG_FILE=<(vault read …)` of a shell is a pipe.
#[cfg(target_os = "linux")]
#[test]
fn a_configuration_file_that_is_a_pipe_is_read_once_and_its_process_not_quoted_with_secrets() {
    use std::io::Write as _;
    use std::process::Stdio;
    let failing = |home: &Home| home.program("echo 'SecretAccessKey: hunter2' >&2; exit 4");
    let giving = |home: &Home| home.credential_process("ASIAPIPE");
    let connect = Endpoint::start(|_, _| Reply::Created);
    for (process, code) in [(&failing as &dyn Fn(&Home) -> String, 7), (&giving, 0)] {
        let home = Home::new();
        let process = process(&home);
        let url = connect.url();
        let mut command = home.command(&run_signed(&url, &IMPORT));
        command.env("AWS_CONFIG_FILE", "/dev/stdin").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let text = format!("[profile import]\ncredential_process = {process}\n");
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ended = Ended::from(child.wait_with_output().unwrap()).expect(code);
        if code == 7 {
            assert!(ended.stdout.contains("and wrote: SecretAccessKey: …"), "{}", ended.stdout);
        }
    }
    assert_eq!(signers(&connect), ["ASIAPIPE"]);
}
