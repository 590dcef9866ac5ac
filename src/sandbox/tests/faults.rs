//! Faults.

use std::time::Instant;

use super::*;

fn with(faults: Faults) -> SandboxConfig {
    SandboxConfig { faults, ..without_quota() }
}

/// One request of every operation: the method, the path, the body.
fn one_of_each() -> [(&'static str, &'static str, String); 4] {
    [
        ("PUT", "/contact/create-contact", task("t").to_string()),
        ("PUT", "/contact/task", open_task("t").to_string()),
        ("GET", "/contacts/sandbox/unknown", String::new()),
        ("POST", "/search-contacts", search_of(&json!({})).to_string()),
    ]
}

/// The bytes of the response on a separate connection; none if the connection is closed instead.
fn bytes_after(client: &TestClient, method: &str, path: &str, body: &str) -> Vec<u8> {
    let mut client = client.another();
    client.send(method, path, "", body.as_bytes());
    client.next_bytes()
}

#[tokio::test]
async fn a_failed_request_is_a_500_and_does_nothing() {
    let sandbox = RunningSandbox::start(with(Faults { fail: 1.0, ..Faults::default() })).await;
    sandbox
        .with_client(|client| {
            for (method, path, body) in one_of_each() {
                client.send(method, path, "", body.as_bytes());
                let response = client.receive();
                assert_eq!(response.status, 500, "{path}");
                assert_eq!(response.header("x-amzn-errortype"), Some("InternalServiceException:"));
            }
            // The fault applies before the body is checked.
            assert_eq!(client.create(&json!({})).status, 500);
            assert_eq!(client.get("/_sandbox/contacts").json(), json!([]));
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.failed, stats.refused), (5, 5, 0));
    // The sandbox itself still works.
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_reset_request_gets_no_byte_and_does_nothing() {
    let sandbox = RunningSandbox::start(with(Faults { reset: 1.0, fail: 1.0, ..Faults::default() })).await;
    sandbox
        .with_client(|client| {
            for (method, path, body) in one_of_each() {
                assert!(bytes_after(client, method, path, &body).is_empty(), "{path}");
            }
            assert_eq!(client.get("/_sandbox/contacts").json(), json!([]));
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.reset, stats.failed), (4, 4, 0));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_arrives_before_its_connection_is_closed() {
    let latency = Duration::from_millis(40);
    for faults in [Faults { reset: 1.0, ..Faults::default() }, Faults { lose: 1.0, ..Faults::default() }] {
        let sandbox = RunningSandbox::start(SandboxConfig { latency, ..with(faults) }).await;
        sandbox
            .with_client(|client| {
                let start = Instant::now();
                let body = task("t").to_string();
                assert!(bytes_after(client, "PUT", "/contact/create-contact", &body).is_empty());
                assert!(start.elapsed() >= Duration::from_millis(20));
            })
            .await;
        sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_response_leaves_exactly_one_contact_and_no_byte() {
    let slow = Some(SlowResponses { probability: 1.0, delay: Duration::from_millis(1) });
    let sandbox = RunningSandbox::start(with(Faults { lose: 1.0, slow, ..Faults::default() })).await;
    sandbox
        .with_client(|client| {
            let body = task("t").to_string();
            for _ in 0..3 {
                assert!(bytes_after(client, "PUT", "/contact/create-contact", &body).is_empty());
            }
            let started = open_task("t").to_string();
            assert!(bytes_after(client, "PUT", "/contact/task", &started).is_empty());
            let contacts = client.get("/_sandbox/contacts").json();
            assert_eq!(contacts.as_array().unwrap().len(), 2);
            assert_eq!(contacts[0]["ClientToken"], "t");
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created, stats.replayed), (4, 2, 2));
    assert_eq!((stats.lost, stats.slowed, stats.contacts), (4, 0, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_answer_has_the_id_of_the_contact_before_it() {
    let sandbox = RunningSandbox::start(with(Faults { stale: 1.0, ..Faults::default() })).await;
    sandbox
        .with_client(|client| {
            let ids =
                ["t", "u", "v", "v"].map(|token| client.create(&task(token)).json()["ContactId"].clone());
            let contacts = client.get("/_sandbox/contacts").json();
            let created: Vec<_> = (0..3).map(|index| contacts[index]["ContactId"].clone()).collect();
            assert_eq!(ids, [&created[0], &created[0], &created[1], &created[1]].map(Clone::clone));
        })
        .await;
    assert_eq!(sandbox.handle.stats().stale, 3);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_response_to_a_created_contact_can_be_lost() {
    let sandbox = RunningSandbox::start(with(Faults { lose: 1.0, ..Faults::default() })).await;
    sandbox
        .with_client(|client| {
            assert_eq!(client.create(&json!({})).status, 400);
            assert_eq!(client.describe("sandbox", "unknown").status, 404);
            assert_eq!(client.search(&search_of(&json!({}))).status, 200);
        })
        .await;
    assert_eq!(sandbox.handle.stats().lost, 0);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_slow_response_comes_after_the_latency_and_its_delay() {
    let slow = Some(SlowResponses { probability: 1.0, delay: Duration::from_millis(30) });
    let faults = Faults { slow, ..Faults::default() };
    let latency = Duration::from_millis(20);
    let sandbox = RunningSandbox::start(SandboxConfig { latency, ..with(faults) }).await;
    sandbox
        .with_client(|client| {
            for (method, path, body) in one_of_each() {
                let start = Instant::now();
                client.send(method, path, "", body.as_bytes());
                assert!([200, 404].contains(&client.receive().status));
                assert!(start.elapsed() >= Duration::from_millis(50), "{path}");
            }
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.slowed, stats.created, stats.searched, stats.missing), (4, 2, 1, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_slow_response_is_sent_after_its_contact_exists() {
    let slow = Some(SlowResponses { probability: 1.0, delay: Duration::from_hours(24) });
    let sandbox = RunningSandbox::start(with(Faults { slow, ..Faults::default() })).await;
    let waiting = sandbox
        .with_client(|client| {
            let mut waiting = client.another();
            waiting.send("PUT", "/contact/create-contact", "", task("t").to_string().as_bytes());
            while client.get("/_sandbox/contacts").json() == json!([]) {
                std::thread::yield_now();
            }
            waiting
        })
        .await;
    assert_eq!(sandbox.handle.stats().created, 1);
    sandbox.stop().await.unwrap();
    drop(waiting);
}

#[tokio::test]
async fn after_a_number_of_requests_every_further_one_is_throttled_or_denied() {
    let faults = Faults { throttle_after: Some(2), deny_after: Some(4), ..Faults::default() };
    let sandbox = RunningSandbox::start(with(faults)).await;
    sandbox
        .with_client(|client| {
            assert_eq!(client.create(&task("a")).status, 200);
            assert_eq!(client.search(&search_of(&json!({}))).status, 200);
            for (status, code) in [
                (429, "ThrottlingException:"),
                (429, "ThrottlingException:"),
                (403, "AccessDeniedException:"),
                (403, "AccessDeniedException:"),
            ] {
                let response = client.create(&task("a"));
                assert_eq!((response.status, response.header("x-amzn-errortype")), (status, Some(code)));
            }
            assert_eq!(client.describe("sandbox", "unknown").status, 403);
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created, stats.searched), (7, 1, 1));
    assert_eq!((stats.throttled, stats.denied, stats.contacts), (2, 3, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn random_faults_do_not_apply_to_a_denied_or_throttled_request() {
    let certain = Faults { reset: 1.0, fail: 1.0, lose: 1.0, ..Faults::default() };
    for (faults, status) in [
        (Faults { deny_after: Some(0), throttle_after: Some(0), ..certain.clone() }, 403),
        (Faults { throttle_after: Some(0), ..certain }, 429),
    ] {
        let sandbox = RunningSandbox::start(with(faults)).await;
        assert_eq!(sandbox.with_client(|client| client.create(&task("t")).status).await, status);
        sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_full_quota_is_402_and_counts_the_contacts_of_the_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults { quota: Some(2), ..Faults::default() };
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..with(faults) };
    let sandbox = RunningSandbox::start(config.clone()).await;
    assert_eq!(sandbox.with_client(|client| client.create(&task("a")).status).await, 200);
    sandbox.stop().await.unwrap();
    let sandbox = RunningSandbox::start(config).await;
    sandbox
        .with_client(|client| {
            assert_eq!(client.create(&task("b")).status, 200);
            for response in [client.create(&task("c")), client.start(&open_task("a"))] {
                assert_eq!(response.status, 402);
                assert_eq!(response.header("x-amzn-errortype"), Some("ServiceQuotaExceededException:"));
            }
            // A known client token still returns its contact.
            assert_eq!(client.create(&task("a")).status, 200);
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.exceeded, stats.contacts), (1, 1, 2, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_token_past_its_window_creates_a_new_contact_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let config = SandboxConfig { state: Some(state.clone()), ..without_quota() };
    let create = |client: &mut TestClient| client.create(&task("t")).json()["ContactId"].clone();
    let sandbox = RunningSandbox::start(config.clone()).await;
    let first = sandbox.with_client(create).await;
    let time = sandbox.with_client(|client| client.get("/_sandbox/contacts").json()).await;
    sandbox.stop().await.unwrap();
    // As if the contact had been created in 2001.
    let lines = std::fs::read_to_string(&state).unwrap();
    let time = time[0]["InitiationTimestamp"].to_string();
    std::fs::write(&state, lines.replace(&time, "1000000000.5")).unwrap();

    let sandbox = RunningSandbox::start(config.clone()).await;
    assert_eq!(sandbox.with_client(create).await, first);
    sandbox.stop().await.unwrap();
    let faults = Faults { token_window: Some(Duration::from_hours(24)), ..Faults::default() };
    let forgetting = SandboxConfig { faults, ..config.clone() };
    let sandbox = RunningSandbox::start(forgetting.clone()).await;
    let second = sandbox.with_client(create).await;
    assert_ne!(second, first);
    assert_eq!(sandbox.with_client(create).await, second);
    sandbox.stop().await.unwrap();
    // The token leads to the new contact, with or without a window.
    for config in [forgetting, config] {
        let sandbox = RunningSandbox::start(config).await;
        assert_eq!(sandbox.with_client(create).await, second);
        assert_eq!((sandbox.handle.stats().replayed, sandbox.handle.stats().contacts), (1, 2));
        sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_completed_contacts_token_can_be_forgotten_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults { forget_completed: true, ..Faults::default() };
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..with(faults) };
    for contacts in [3, 5] {
        let sandbox = RunningSandbox::start(config.clone()).await;
        sandbox
            .with_client(|client| {
                for _ in 0..2 {
                    assert_eq!(client.create(&task("t")).status, 200);
                    assert_eq!(client.start(&open_task("t")).status, 200);
                }
            })
            .await;
        assert_eq!(sandbox.handle.stats().contacts, contacts);
        sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_contact_is_described_before_the_index_has_it() {
    let found = |lag: Duration| async move {
        let sandbox = RunningSandbox::start(with(Faults { index_lag: lag, ..Faults::default() })).await;
        let found = sandbox
            .with_client(|client| {
                let created = client.create(&task("t")).json();
                let id = created["ContactId"].as_str().unwrap();
                assert_eq!(client.describe("sandbox", id).status, 200);
                client.search(&search_of(&json!({}))).json()
            })
            .await;
        sandbox.stop().await.unwrap();
        found
    };
    let late = found(Duration::from_hours(1)).await;
    assert_eq!(late, json!({"Contacts": [], "TotalCount": 0}));
    assert_eq!(found(Duration::ZERO).await["TotalCount"], 1);
}

#[tokio::test]
async fn a_seed_repeats_its_faults_in_any_order_of_requests() {
    async fn statuses(seed: u64, order: Vec<usize>) -> Vec<Vec<u16>> {
        let faults = Faults { fail: 0.5, ..Faults::default() };
        let sandbox = RunningSandbox::start(SandboxConfig { seed, ..with(faults) }).await;
        let statuses = sandbox
            .with_client(move |client| {
                let mut statuses = vec![Vec::new(); order.len()];
                for _ in 0..3 {
                    for token in &order {
                        statuses[*token].push(client.create(&task(&token.to_string())).status);
                    }
                }
                statuses
            })
            .await;
        sandbox.stop().await.unwrap();
        statuses
    }
    let first = statuses(7, (0..20).collect()).await;
    assert_eq!(statuses(7, (0..20).rev().collect()).await, first);
    assert_ne!(statuses(8, (0..20).collect()).await, first);
    let failed = first.iter().flatten().filter(|status| **status == 500).count();
    assert!((1..60).contains(&failed), "{failed}");
}

#[tokio::test]
async fn a_probability_out_of_range_is_refused_with_its_name() {
    for value in [-0.5, 2.0, f64::NAN] {
        let error = Sandbox::bind(with(Faults { lose: value, ..Faults::default() })).await.unwrap_err();
        assert!(matches!(error, SandboxError::Probability { fault: "lose", .. }), "{error}");
    }
}
