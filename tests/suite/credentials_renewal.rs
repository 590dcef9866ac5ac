//! Credentials that expire within a run: how they are renewed, and what a failure of that says.

use crate::aws_services::*;
use crate::support::*;

/// A script whose first call gives `first`, valid for two seconds; `later` is what further calls do.
fn script(home: &Home, first: &str, later: &str) -> String {
    let marker = home.0.path("first");
    let marker = marker.display();
    format!(
        "if [ -e '{marker}' ]; then\n{later}\nexit 0\nfi\ntouch '{marker}'\n\
         until=$(date -u -d \"@$(( $(date +%s) + 2 ))\" +%Y-%m-%dT%H:%M:%SZ)\n\
         echo '{{\"Version\": 1, \"AccessKeyId\": \"{first}\", \"SecretAccessKey\": \"secret\", \"SessionToken\": \"token\",'\n\
         echo \"\\\"Expiration\\\": \\\"$until\\\"}}\""
    )
}

/// The arguments of a run that lasts five seconds.
fn run_of_five_seconds(url: &str) -> Vec<&str> {
    let more = ["--profile", "import", "--connect-timeout", "1s", "--read-timeout", "1s"];
    run_signed(url, &[&more[..], &["--rate", "5", "--burst", "1"]].concat())
}

fn home_with(script_of: impl FnOnce(&Home) -> String) -> Home {
    let home = Home::new();
    home.0.write("t.csv", numbered_csv(26));
    let program = home.program(&script_of(&home));
    home.config(&format!("[profile import]\ncredential_process = {program}\n"));
    home
}

#[test]
fn a_process_that_fails_within_a_run_ends_it_with_the_reason_and_is_not_asked_again() {
    let home = home_with(|home| script(home, "ASIAFIRST", "echo 'the vault is locked' >&2; exit 3"));
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let ended = home.run(&run_of_five_seconds(&url), &[]).expect(7);
    let reason =
        "profile import: the credential_process ended with exit status: 3 and wrote: the vault is locked";
    assert!(ended.stdout.contains(reason), "{}", ended.stdout);
    assert_eq!(home.calls(), 2, "{}", ended.stderr);
    // No request has credentials that have expired, and none is lost.
    let sent = connect.received().len();
    assert!(sent < 26);
    assert_eq!(
        home.0.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'created'"),
        sent.to_string()
    );
    assert_eq!(
        home.0.query("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'pending'"),
        (26 - sent).to_string()
    );
}

#[test]
fn a_source_may_take_longer_than_the_timeouts_of_connect_within_a_run() {
    let home = home_with(|home| {
        let later = "{\"Version\": 1, \"AccessKeyId\": \"ASIALATER\", \"SecretAccessKey\": \"secret\", \
                     \"SessionToken\": \"token\", \"Expiration\": \"2099-01-01T00:00:00Z\"}";
        script(home, "ASIAFIRST", &format!("sleep 3\necho '{later}'"))
    });
    let connect = Endpoint::start(|_, _| Reply::Created);
    let url = connect.url();
    let ended = home.run(&run_of_five_seconds(&url), &[]).expect(0);
    assert_eq!(home.calls(), 2, "{}", ended.stderr);
    assert_eq!(signers(&connect).last().map(String::as_str), Some("ASIALATER"));
    assert_eq!(connect.received().len(), 26);
}
