//! The operations that read contacts.

use super::*;

/// The ids of the contacts that a search found.
fn ids(response: &TestResponse) -> Vec<String> {
    assert_eq!(response.status, 200, "{}", response.body);
    let contacts = response.json()["Contacts"].as_array().unwrap().clone();
    contacts.iter().map(|contact| contact["Id"].as_str().unwrap().to_owned()).collect()
}

fn id(response: &TestResponse) -> String {
    assert_eq!(response.status, 200, "{}", response.body);
    response.json()["ContactId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_contact_is_described_as_it_was_created() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    let (created, own, described) = sandbox
        .with_client(|client| {
            let mut body = task("t");
            body["Description"] = "d".into();
            body["RelatedContactId"] = "r".into();
            body["Attributes"] = json!({"a": "1"});
            body["References"] = json!({"l": {"Type": "URL", "Value": "https://x.example"}});
            let created = client.create(&body).json();
            let own = client.get("/_sandbox/contacts").json()[0].clone();
            let described = client.describe("sandbox", created["ContactId"].as_str().unwrap());
            (created, own, described)
        })
        .await;
    assert_eq!(described.status, 200);
    let time = &own["InitiationTimestamp"];
    assert!(time.is_f64());
    let expected = json!({"Contact": {
        "Arn": created["ContactArn"], "Id": created["ContactId"], "InitiationMethod": "API",
        "Channel": "TASK", "Name": "Müller", "Description": "d", "RelatedContactId": "r",
        "Attributes": {"a": "1"}, "InitiationTimestamp": time, "DisconnectTimestamp": time,
        "LastUpdateTimestamp": time,
    }});
    assert_eq!(described.json(), expected);
    assert_eq!(sandbox.handle.stats().described, 1);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_started_task_is_described_and_found_as_a_task_by_the_api() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let started = id(&client.start(&open_task("t")));
            let described = client.describe("sandbox", &started).json();
            assert_eq!(described["Contact"]["InitiationMethod"], "API");
            assert_eq!(described["Contact"]["Channel"], "TASK");
            // It is not completed.
            assert_eq!(described["Contact"].get("DisconnectTimestamp"), None);
            assert_eq!(ids(&client.search(&search_of(&json!({})))), [started]);
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn an_instance_may_be_given_by_its_encoded_arn() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let arn = "arn:aws:connect:eu-west-2:123456789012:instance/sandbox";
            let created = id(&client.create(&task("t")));
            let encoded = "arn%3Aaws%3Aconnect%3Aeu-west-2%3A123456789012%3Ainstance%2Fsandbox";
            assert_eq!(client.describe(encoded, &created).json()["Contact"]["Id"], created);
            assert_eq!(ids(&client.search(&search_of(&json!({ "InstanceId": arn })))), [created]);
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_contact_that_is_not_in_the_instance_is_not_found() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let created = id(&client.create(&task("t")));
            for (instance, contact, status, code) in [
                ("sandbox", "unknown", 404, "ResourceNotFoundException:"),
                ("another", created.as_str(), 404, "ResourceNotFoundException:"),
                ("sandbox", "%zz", 400, "SerializationException:"),
                ("sandbox", "", 400, "InvalidParameterException:"),
                ("sandbox", "a/b", 404, "UnknownOperationException:"),
            ] {
                let response = client.describe(instance, contact);
                assert_eq!((response.status, response.header("x-amzn-errortype")), (status, Some(code)));
                assert!(response.json()["Message"].is_string());
            }
            assert!(ids(&client.search(&search_of(&json!({"InstanceId": "another"})))).is_empty());
        })
        .await;
    let stats = sandbox.handle.stats();
    assert_eq!((stats.requests, stats.created, stats.searched), (7, 1, 1));
    assert_eq!((stats.described, stats.missing, stats.refused), (0, 2, 3));
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn contacts_are_found_by_name_and_by_attribute() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let mut created = Vec::new();
            for (name, number) in [("Ticket one", "1"), ("Ticket two", "2"), ("Call", "1")] {
                let mut body = task(name);
                body["Name"] = name.into();
                body["Attributes"] = json!({ "number": number });
                created.push(id(&client.create(&body)));
            }
            let mut found = |criterion: Value| {
                let mut search = search_of(&json!({ "SearchCriteria": criterion }));
                search["SearchCriteria"]["Channels"] = json!(["TASK"]);
                let found = ids(&client.search(&search));
                let position = |id| created.iter().position(|other| other == id).unwrap();
                found.iter().map(position).collect::<Vec<_>>()
            };
            let name = |text: &str| json!({"Name": {"SearchText": [text], "MatchType": "MATCH_ALL"}});
            let number = |value: &str| {
                json!({"SearchableContactAttributes": {"Criteria": [{"Key": "number", "Values": [value]}]}})
            };
            assert_eq!(found(name("ticket")), [0, 1]);
            assert_eq!(found(number("1")), [0, 2]);
            assert!(found(name("mail")).is_empty());
        })
        .await;
    assert_eq!(sandbox.handle.stats().searched, 3);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_found_contact_shows_its_summary_and_its_times() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let created = client.create(&task("t")).json();
            let mut body = search_of(&json!({}));
            let found = client.search(&body).json();
            let time = &client.get("/_sandbox/contacts").json()[0]["InitiationTimestamp"];
            let contact = json!({
                "Arn": created["ContactArn"], "Id": created["ContactId"], "InitiationMethod": "API",
                "Channel": "TASK", "Name": "Müller", "InitiationTimestamp": time,
                "DisconnectTimestamp": time,
            });
            assert_eq!(found, json!({"Contacts": [contact], "TotalCount": 1}));
            // The exact millisecond, as a client reads it.
            body["TimeRange"]["StartTime"] = time.clone();
            body["TimeRange"]["EndTime"] = time.clone();
            assert_eq!(ids(&client.search(&body)).len(), 1);
            body["TimeRange"]["StartTime"] = (time.as_f64().unwrap() + 0.001).into();
            body["TimeRange"]["EndTime"] = (time.as_f64().unwrap() + 1.0).into();
            assert!(ids(&client.search(&body)).is_empty());
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn pages_of_a_search_follow_each_other_while_contacts_are_created() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            let created: Vec<String> =
                (0..5).map(|number| id(&client.create(&task(&number.to_string())))).collect();
            let mut search = search_of(&json!({"MaxResults": 2}));
            let mut found = Vec::new();
            loop {
                let page = client.search(&search);
                let page_ids = ids(&page);
                assert!((1..=2).contains(&page_ids.len()));
                assert!(page.json()["TotalCount"].as_u64().unwrap() >= 5);
                found.extend(page_ids);
                match page.json().get("NextToken") {
                    Some(token) => search["NextToken"] = token.clone(),
                    None => break,
                }
                // One more contact, after the last one.
                client.create(&task("late"));
            }
            found.retain(|id| created.contains(id));
            assert_eq!(found, created);
            let response = client.search(&search_of(&json!({"NextToken": "mine"})));
            assert_eq!(response.status, 400);
            assert_eq!(response.header("x-amzn-errortype"), Some("InvalidParameterException:"));
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_search_that_the_sandbox_does_not_imitate_is_refused() {
    let sandbox = RunningSandbox::start(without_quota()).await;
    sandbox
        .with_client(|client| {
            for (changes, code) in [
                (json!({"SearchCriteria": {"QueueIds": ["q"]}}), "InvalidRequestException:"),
                (json!({"TimeRange": null}), "InvalidRequestException:"),
                (json!({"MaxResults": 101}), "InvalidParameterException:"),
                (json!({"MaxResults": "10"}), "InvalidRequestException:"),
            ] {
                let response = client.search(&search_of(&changes));
                assert_eq!((response.status, response.header("x-amzn-errortype")), (400, Some(code)));
            }
            client.send("POST", "/search-contacts", "", b"{");
            assert_eq!(client.receive().status, 400);
        })
        .await;
    assert_eq!(sandbox.handle.stats().refused, 5);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn contacts_are_described_and_found_after_a_restart_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = RunningSandbox::start(config.clone()).await;
    let read = |client: &mut TestClient| {
        let ids = [id(&client.create(&task("t"))), id(&client.start(&open_task("t")))];
        (ids.map(|id| client.describe("sandbox", &id).json()), client.search(&search_of(&json!({}))).json())
    };
    let before = sandbox.with_client(read).await;
    sandbox.stop().await.unwrap();
    let sandbox = RunningSandbox::start(config).await;
    assert_eq!(sandbox.with_client(read).await, before);
    assert_eq!(sandbox.handle.stats().replayed, 2);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn the_operations_that_read_have_quotas_of_their_own() {
    // The operations that create contacts get a token in 11 days; the first request takes the only one.
    let config = SandboxConfig { rate: Some(1e-6), burst: 1, ..SandboxConfig::default() };
    let sandbox = RunningSandbox::start(config).await;
    sandbox
        .with_client(|client| {
            let created = id(&client.create(&task("t")));
            assert_eq!(client.create(&task("u")).status, 429);
            for _ in 0..15 {
                assert_eq!(client.describe("sandbox", &created).status, 200);
            }
            assert_eq!(ids(&client.search(&search_of(&json!({})))), [created]);
        })
        .await;
    sandbox.stop().await.unwrap();
    let sandbox = RunningSandbox::start(without_quota()).await;
    let statuses = sandbox
        .with_client(|client| {
            let reads = (0..30).map(|_| {
                let search = client.search(&search_of(&json!({}))).status;
                (search, client.describe("sandbox", "unknown").status)
            });
            reads.collect::<Vec<_>>()
        })
        .await;
    assert!(statuses.iter().all(|statuses| *statuses == (200, 404)));
    sandbox.stop().await.unwrap();
}
