//! Start, shutdown, and the data that survives them.

use std::path::PathBuf;
use std::time::Instant;

use super::*;

#[tokio::test]
async fn contacts_and_tokens_survive_a_restart_with_a_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = RunningSandbox::start(config.clone()).await;
    let (first, before) = sandbox
        .with_client(|client| {
            let first = client.create(&task("t")).json();
            (first, client.get("/_sandbox/contacts").json())
        })
        .await;
    sandbox.stop().await.unwrap();

    let sandbox = RunningSandbox::start(config).await;
    let (repeated, after) = sandbox
        .with_client(|client| {
            let repeated = client.create(&task("t")).json();
            (repeated, client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(first, repeated);
    assert_eq!(before, after);
    assert_eq!(after[0]["Name"], "Müller");
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.contacts), (0, 1, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_file_separates_the_contacts_of_the_operations() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let create_both = |client: &mut TestClient| {
        // One token for both.
        let responses = [client.create(&task("t")).json(), client.start(&open_task("t")).json()];
        (responses, client.get("/_sandbox/contacts").json())
    };
    let sandbox = RunningSandbox::start(config.clone()).await;
    let first = sandbox.with_client(create_both).await;
    assert_eq!(sandbox.handle.stats().created, 2);
    sandbox.stop().await.unwrap();

    let sandbox = RunningSandbox::start(config).await;
    let repeated = sandbox.with_client(create_both).await;
    assert_eq!(first, repeated);
    assert_eq!(repeated.0[1].get("ContactArn"), None);
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.contacts), (0, 2, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_contact_that_cannot_be_written_is_a_500_and_stops_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = RunningSandbox::start(config.clone()).await;
    sandbox.handle.service.break_state_file();
    let response = sandbox.with_client(|client| client.create(&task("t"))).await;
    assert_eq!(response.status, 500);
    let code = response.header("x-amzn-errortype");
    assert_eq!(code, Some("InternalServiceException:"));

    let handle = sandbox.handle.clone();
    // It stops by itself.
    let error = sandbox.served.await.unwrap().unwrap_err();
    assert!(matches!(error, SandboxError::StateWrite { .. }), "{error}");
    assert_eq!((handle.stats().created, handle.stats().contacts), (0, 0));
    // The kept handle does not keep the state file.
    Sandbox::bind(config).await.unwrap();
}

#[tokio::test]
async fn a_request_in_the_first_half_of_its_latency_has_not_arrived_and_a_shutdown_does_not_wait_for_it() {
    let sandbox =
        RunningSandbox::start(SandboxConfig { latency: Duration::from_hours(24), ..without_quota() }).await;
    let client = sandbox
        .with_client(|client| {
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
async fn a_request_is_processed_even_if_its_client_has_disconnected() {
    let latency = Duration::from_millis(60);
    let sandbox = RunningSandbox::start(SandboxConfig { latency, ..without_quota() }).await;
    sandbox
        .with_client(|client| {
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
async fn every_response_has_the_latency() {
    let latency = Duration::from_millis(40);
    let config = SandboxConfig { latency, jitter: 0.5, rate: Some(1e-6), burst: 1, ..without_quota() };
    let sandbox = RunningSandbox::start(config).await;
    sandbox
        .with_client(|client| {
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
async fn the_sandbox_listens_on_loopback_only_and_names_a_port_in_use() {
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
async fn a_jitter_out_of_range_is_refused() {
    for jitter in [-0.1, 1.1, f64::NAN] {
        let error = Sandbox::bind(SandboxConfig { jitter, ..without_quota() }).await.unwrap_err();
        assert!(matches!(error, SandboxError::Jitter(_)), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_state_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state: PathBuf = folder.path().join("notes.txt");
    std::fs::write(&state, "my notes").unwrap();
    let config = SandboxConfig { state: Some(state), ..without_quota() };
    let error = Sandbox::bind(config).await.unwrap_err();
    assert!(matches!(error, SandboxError::NotAState { .. }), "{error}");
}
