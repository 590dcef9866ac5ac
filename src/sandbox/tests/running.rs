//! Starting, stopping, and what outlives it.

use std::path::PathBuf;

use super::*;

#[tokio::test]
async fn contacts_and_tokens_outlive_a_restart_with_a_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = Running::start(config.clone()).await;
    let (first, before) = sandbox
        .talk(|client| {
            let first = client.create(&task("t")).json();
            (first, client.get("/_sandbox/contacts").json())
        })
        .await;
    sandbox.stop().await.unwrap();

    let sandbox = Running::start(config).await;
    let (again, after) = sandbox
        .talk(|client| {
            let again = client.create(&task("t")).json();
            (again, client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(first, again);
    assert_eq!(before, after);
    assert_eq!(after[0]["Name"], "Müller");
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.contacts), (0, 1, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_file_keeps_the_contacts_of_both_operations_apart() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let talk = |client: &mut Client| {
        // One token for both.
        let answers = [client.create(&task("t")).json(), client.start(&open_task("t")).json()];
        (answers, client.get("/_sandbox/contacts").json())
    };
    let sandbox = Running::start(config.clone()).await;
    let first = sandbox.talk(talk).await;
    assert_eq!(sandbox.handle.stats().created, 2);
    sandbox.stop().await.unwrap();

    let sandbox = Running::start(config).await;
    let again = sandbox.talk(talk).await;
    assert_eq!(first, again);
    assert_eq!(again.0[1].get("ContactArn"), None);
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.contacts), (0, 2, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_file_from_before_there_were_two_operations_still_counts() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    // Written by version 0.1.0, for `task("t")`.
    let line = concat!(
        r#"{"digest":"ef16bd6dc1d75622186f23b5eb5d78750862ea8b3f38509349bf2bf924150db7","contact":{"#,
        r#""ContactId":"7c898062-b2eb-45c6-a9be-4e11edd0a2ba","#,
        r#""ContactArn":"arn:aws:connect:us-east-1:123456789012:instance/sandbox/contact/7c898062-b2eb-45c6-a9be-4e11edd0a2ba","#,
        r#""InitiationTimestamp":1795240871.998,"InstanceId":"sandbox","Channel":"TASK","InitiationMethod":"API","#,
        r#""InitiateAs":"COMPLETED","ClientToken":"t","Name":"Müller"}}"#,
        "\n"
    );
    std::fs::write(&state, line).unwrap();
    let config = SandboxConfig { state: Some(state.clone()), ..without_quota() };
    let sandbox = Running::start(config).await;
    sandbox
        .talk(|client| {
            let answer = client.create(&task("t")).json();
            assert_eq!(answer["ContactId"], "7c898062-b2eb-45c6-a9be-4e11edd0a2ba");
            assert_eq!(client.start(&open_task("t")).status, 200);
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.replayed, stats.created, stats.contacts), (1, 1, 2));
    sandbox.stop().await.unwrap();
    assert!(std::fs::read_to_string(&state).unwrap().starts_with(line));
}

#[tokio::test]
async fn a_contact_that_cannot_be_kept_is_a_500_and_the_end_of_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = Running::start(config.clone()).await;
    sandbox.handle.service.spoil_state_file();
    let answer = sandbox.talk(|client| client.create(&task("t"))).await;
    assert_eq!(answer.status, 500);
    let code = answer.header("x-amzn-errortype");
    assert_eq!(code, Some("InternalServiceException:"));

    let handle = sandbox.handle.clone();
    // Nobody told it to stop.
    let error = sandbox.served.await.unwrap().unwrap_err();
    assert!(matches!(error, SandboxError::StateWrite { .. }), "{error}");
    assert_eq!((handle.stats().created, handle.stats().contacts), (0, 0));
    // The kept handle does not keep the state file.
    Sandbox::bind(config).await.unwrap();
}

#[tokio::test]
async fn a_request_on_its_way_has_not_arrived_and_a_stop_does_not_wait_for_it() {
    let sandbox =
        Running::start(SandboxConfig { latency: Duration::from_hours(24), ..without_quota() }).await;
    let client = sandbox
        .talk(|client| {
            let mut waiting = client.another();
            waiting.send("PUT", "/contact/create-contact", "", task("t").to_string().as_bytes());
            // The sandbox's own pages are not delayed.
            assert_eq!(client.get("/_sandbox/contacts").json(), json!([]));
            waiting
        })
        .await;
    assert_eq!(sandbox.handle.stats().requests, 0);
    sandbox.stop().await.unwrap();
    drop(client);
}

#[tokio::test]
async fn what_has_left_a_client_arrives_though_the_client_is_gone() {
    let latency = Duration::from_millis(60);
    let sandbox = Running::start(SandboxConfig { latency, ..without_quota() }).await;
    sandbox
        .talk(|client| {
            let mut leaving = client.another();
            leaving.send("PUT", "/contact/create-contact", "", task("t").to_string().as_bytes());
            drop(leaving);
            let start = Instant::now();
            while client.get("/_sandbox/contacts").json() == json!([]) {
                assert!(start.elapsed() < Duration::from_secs(60), "it never arrived");
                std::thread::yield_now();
            }
        })
        .await;
    assert_eq!(sandbox.handle.stats().created, 1);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn every_answer_takes_its_latency() {
    let latency = Duration::from_millis(40);
    let config = SandboxConfig { latency, jitter: 0.5, rate: Some(1e-6), burst: 1, ..without_quota() };
    let sandbox = Running::start(config).await;
    sandbox
        .talk(|client| {
            for status in [200, 429, 429] {
                let start = Instant::now();
                assert_eq!(client.create(&task("t")).status, status);
                assert!(start.elapsed() >= Duration::from_millis(20));
            }
            let start = Instant::now();
            client.send("DELETE", "/contact", "", b"");
            assert_eq!(client.receive().status, 404);
            assert!(start.elapsed() >= Duration::from_millis(20));
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_a_taken_port_is_named() {
    let sandbox = Sandbox::bind(without_quota()).await.unwrap();
    assert!(sandbox.address().ip().is_loopback());
    let port = sandbox.address().port();
    assert_eq!(sandbox.endpoint_url(), format!("http://127.0.0.1:{port}"));
    let taken = SandboxConfig { port, ..without_quota() };
    let error = Sandbox::bind(taken).await.unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn a_quota_that_lets_nothing_through_is_refused() {
    for (rate, burst) in [(0.0, 5), (-1.0, 5), (f64::NAN, 5), (f64::INFINITY, 5), (2.0, 0)] {
        let config = SandboxConfig { rate: Some(rate), burst, ..SandboxConfig::default() };
        let error = Sandbox::bind(config).await.unwrap_err();
        assert!(matches!(error, SandboxError::Quota { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_jitter_that_is_no_share_is_refused() {
    for jitter in [-0.1, 1.1, f64::NAN] {
        let error = Sandbox::bind(SandboxConfig { jitter, ..without_quota() }).await.unwrap_err();
        assert!(matches!(error, SandboxError::Jitter(_)), "{error}");
    }
}

#[tokio::test]
async fn a_state_file_that_is_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state: PathBuf = folder.path().join("notes.txt");
    std::fs::write(&state, "my notes").unwrap();
    let config = SandboxConfig { state: Some(state), ..without_quota() };
    let error = Sandbox::bind(config).await.unwrap_err();
    assert!(matches!(error, SandboxError::NotAState { .. }), "{error}");
}
