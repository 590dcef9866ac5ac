//! The operations that create contacts, and the sandbox's own pages.

use super::*;

#[tokio::test]
async fn the_response_to_a_created_contact_is_that_of_the_service() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    let response = sandbox
        .with_client(|client| {
            let signed = "authorization: AWS4-HMAC-SHA256 Credential=K/20260101/eu-west-2/connect/\
                          aws4_request, SignedHeaders=host, Signature=0\r\n";
            let body = task("t").to_string();
            client.send("PUT", "/contact/create-contact", signed, body.as_bytes());
            client.receive()
        })
        .await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("x-amzn-requestid").map(str::len), Some(36));
    assert_eq!(response.header("x-amzn-errortype"), None);
    let body = response.json();
    let id = body["ContactId"].as_str().unwrap();
    let arn = format!("arn:aws:connect:eu-west-2:123456789012:instance/sandbox/contact/{id}");
    assert_eq!(body, json!({"ContactId": id, "ContactArn": arn}));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn the_response_to_a_started_task_is_its_id_only() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    let (response, contacts) = sandbox
        .with_client(|client| {
            let mut body = open_task("t");
            body["ScheduledTime"] = in_future(Duration::from_hours(24)).into();
            body["Attachments"] = json!([{"FileName": "f.pdf", "S3Url": "https://s3.example/f"}]);
            (client.start(&body), client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(response.status, 200);
    let id = contacts[0]["ContactId"].as_str().unwrap();
    assert_eq!(response.json(), json!({"ContactId": id}));
    assert_eq!(contacts[0]["Operation"], "StartTaskContact");
    assert_eq!(contacts[0]["Attachments"][0]["FileName"], "f.pdf");
    // A member that was not sent is not shown.
    assert_eq!(contacts[0].get("Channel"), None);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_started_tasks_errors_have_the_status_and_the_code() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let changed = |member: &str, value: Value| {
                let mut body = open_task("u");
                body[member] = value;
                body
            };
            let mut mismatch = open_task("t");
            mismatch["Name"] = "other".into();
            for (body, status, code) in [
                (open_task("t"), 200, None),
                (open_task("t"), 200, None),
                (mismatch, 409, Some("IdempotencyException:")),
                (changed("ScheduledTime", 1.into()), 400, Some("InvalidParameterException:")),
                (changed("ScheduledTime", "1".into()), 400, Some("SerializationException:")),
                (changed("QuickConnectId", "q".into()), 400, Some("InvalidRequestException:")),
                (json!({}), 400, Some("InvalidRequestException:")),
            ] {
                let response = client.start(&body);
                assert_eq!((response.status, response.header("x-amzn-errortype")), (status, code), "{body}");
            }
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created, stats.replayed), (7, 1, 1));
    assert_eq!((stats.refused, stats.mismatched), (4, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn the_operations_have_separate_tokens_and_quotas() {
    let config = SandboxConfig { rate: Some(1e-6), burst: 2, ..SandboxConfig::default() };
    let sandbox = RunningSandbox::start(config).await;
    sandbox
        .with_client(|client| {
            for token in ["a", "b"] {
                assert_eq!(client.create(&task(token)).status, 200);
            }
            assert_eq!(client.create(&task("c")).status, 429);
            for token in ["a", "b"] {
                assert_eq!(client.start(&open_task(token)).status, 200);
            }
            assert_eq!(client.start(&open_task("c")).status, 429);
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.created, stats.replayed, stats.throttled), (4, 0, 2));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn the_response_to_an_unknown_operation_lists_the_known_ones() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    let response = sandbox.with_client(|client| client.put("/contact/chat", &json!({}))).await;
    assert_eq!(response.status, 404);
    let message = "the sandbox supports these operations: PUT /contact/create-contact, PUT /contact/task, \
                   GET /contacts/{InstanceId}/{ContactId}, POST /search-contacts";
    assert_eq!(response.json(), json!({"Message": message}));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn errors_have_the_status_the_code_and_a_message() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let mut mismatch = task("t");
            mismatch["Name"] = "other".into();
            let mut long = task("u");
            long["Name"] = "x".repeat(1025).into();
            let mut cases = vec![("PUT", "/contact/create-contact", task("t").to_string(), 200, "")];
            cases.extend([
                ("PUT", "/contact/create-contact", mismatch.to_string(), 409, "IdempotencyException:"),
                ("PUT", "/contact/create-contact", long.to_string(), 400, "InvalidParameterException:"),
                ("PUT", "/contact/create-contact", "{}".into(), 400, "InvalidRequestException:"),
                ("PUT", "/contact/create-contact", "{".into(), 400, "SerializationException:"),
                (
                    "PUT",
                    "/contact/create-contact",
                    "x".repeat(2_000_000),
                    413,
                    "RequestEntityTooLargeException:",
                ),
                ("POST", "/contact/create-contact", "{}".into(), 404, "UnknownOperationException:"),
                ("PUT", "/contact/chat", "{}".into(), 404, "UnknownOperationException:"),
                ("DELETE", "/_sandbox/stats", String::new(), 404, "UnknownOperationException:"),
            ]);
            for (method, path, body, status, code) in cases {
                client.send(method, path, "", body.as_bytes());
                let response = client.receive();
                assert_eq!(response.status, status, "{code}");
                assert_eq!(response.header("x-amzn-errortype").unwrap_or_default(), code);
                assert_eq!(response.json()["Message"].is_string(), status != 200);
                assert!(response.header("x-amzn-requestid").is_some());
            }
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created), (8, 1));
    assert_eq!((stats.refused, stats.mismatched), (6, 1));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_to_an_empty_bucket_is_throttled_and_creates_nothing() {
    // A token in 11 days: however slow the test is, the bucket stays empty.
    let sandbox =
        RunningSandbox::start(SandboxConfig { rate: Some(1e-6), burst: 2, ..SandboxConfig::default() }).await;
    let stats = sandbox
        .with_client(|client| {
            for (token, status) in [("a", 200), ("b", 200), ("c", 429), ("a", 429)] {
                let response = client.create(&task(token));
                assert_eq!(response.status, status);
                if status == 429 {
                    let code = response.header("x-amzn-errortype");
                    assert_eq!(code, Some("ThrottlingException:"));
                }
            }
            client.get("/_sandbox/stats").json()
        })
        .await;
    let expected = json!({
        "requests": 4, "created": 2, "replayed": 0, "described": 0, "searched": 0, "missing": 0,
        "throttled": 2, "denied": 0, "exceeded": 0, "refused": 0, "mismatched": 0, "failed": 0,
        "reset": 0, "lost": 0, "stale": 0, "slowed": 0, "contacts": 2, "rate": 1e-6, "burst": 2,
    });
    assert_eq!(stats, expected);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_list_of_many_contacts_is_one_array_in_the_order_of_creation() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    let (empty, all) = sandbox
        .with_client(|client| {
            let empty = client.get("/_sandbox/contacts").json();
            for number in 0..200 {
                let mut body = task(&number.to_string());
                // Some chunks of the list have several contacts, some one.
                body["Attributes"] = json!({"a": "x".repeat(number * 100)});
                assert_eq!(client.create(&body).status, 200);
            }
            (empty, client.get("/_sandbox/contacts").json())
        })
        .await;
    assert_eq!(empty, json!([]));
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 200);
    for (number, contact) in all.iter().enumerate() {
        assert_eq!(contact["ClientToken"], number.to_string());
    }
    sandbox.stop().await.unwrap();
}
