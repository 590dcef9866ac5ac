//! The operations that read contacts.

use super::*;

/// The ids that a search answered.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let contacts = answer.json()["Contacts"].as_array().unwrap().clone();
    contacts.iter().map(|contact| contact["Id"].as_str().unwrap().to_owned()).collect()
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["ContactId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_contact_is_described_as_it_was_created() {
    let sandbox = Running::start(without_quota()).await;
    let (created, own, described) = sandbox
        .talk(|client| {
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
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let started = id(&client.start(&open_task("t")));
            let described = client.describe("sandbox", &started).json();
            assert_eq!(described["Contact"]["InitiationMethod"], "API");
            assert_eq!(described["Contact"]["Channel"], "TASK");
            // It is not completed.
            assert_eq!(described["Contact"].get("DisconnectTimestamp"), None);
            let criteria = json!({"Channels": ["TASK"], "InitiationMethods": ["API"]});
            let found = client.search(&search_of(&json!({ "SearchCriteria": criteria })));
            assert_eq!(ids(&found), [started]);
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn an_instance_may_be_named_by_its_encoded_arn() {
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
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
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let created = id(&client.create(&task("t")));
            for (instance, contact, status, code) in [
                ("sandbox", "unknown", 404, "ResourceNotFoundException:"),
                ("another", created.as_str(), 404, "ResourceNotFoundException:"),
                ("sandbox", "%zz", 400, "SerializationException:"),
                ("sandbox", "", 400, "InvalidParameterException:"),
                ("sandbox", "a/b", 404, "UnknownOperationException:"),
            ] {
                let answer = client.describe(instance, contact);
                assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, Some(code)));
                assert!(answer.json()["Message"].is_string());
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
async fn a_search_finds_by_name_and_by_attributes() {
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let mut made = Vec::new();
            for (name, number) in [("Ticket one", "1"), ("Ticket two", "2"), ("Call", "1")] {
                let mut body = task(name);
                body["Name"] = name.into();
                body["Attributes"] = json!({ "number": number });
                made.push(id(&client.create(&body)));
            }
            let mut found = |criteria: Value| {
                let places = ids(&client.search(&search_of(&json!({ "SearchCriteria": criteria }))));
                places.iter().map(|id| made.iter().position(|made| made == id).unwrap()).collect::<Vec<_>>()
            };
            let name = |text: &str| json!({"SearchText": [text], "MatchType": "MATCH_ANY"});
            let number = |value: &str| json!({"Criteria": [{"Key": "number", "Values": [value]}]});
            assert_eq!(found(json!({})), [0, 1, 2]);
            assert_eq!(found(json!({"Name": name("ticket")})), [0, 1]);
            assert_eq!(found(json!({"SearchableContactAttributes": number("1")})), [0, 2]);
            assert_eq!(
                found(json!({"Name": name("ticket"), "SearchableContactAttributes": number("1")})),
                [0]
            );
            assert!(found(json!({"Name": name("mail")})).is_empty());
            assert!(found(json!({"Channels": ["EMAIL"]})).is_empty());
        })
        .await;
    assert_eq!(sandbox.handle.stats().searched, 6);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_found_contact_shows_its_summary_and_its_times() {
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let created = client.create(&task("t")).json();
            let mut body = search_of(&json!({}));
            body["TimeRange"]["Type"] = "DISCONNECT_TIMESTAMP".into();
            let found = client.search(&body).json();
            let time = &client.get("/_sandbox/contacts").json()[0]["InitiationTimestamp"];
            let contact = json!({
                "Arn": created["ContactArn"], "Id": created["ContactId"], "InitiationMethod": "API",
                "Channel": "TASK", "Name": "Müller", "InitiationTimestamp": time,
                "DisconnectTimestamp": time,
            });
            assert_eq!(found, json!({"Contacts": [contact], "TotalCount": 1}));
            // The very millisecond, as a client reads it.
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
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            let made: Vec<String> =
                (0..5).map(|number| id(&client.create(&task(&number.to_string())))).collect();
            for order in ["ASCENDING", "DESCENDING"] {
                let mut body = search_of(&json!({
                    "MaxResults": 2, "Sort": {"FieldName": "INITIATION_TIMESTAMP", "Order": order}
                }));
                let mut all = Vec::new();
                loop {
                    let page = client.search(&body);
                    let page_ids = ids(&page);
                    assert!((1..=2).contains(&page_ids.len()));
                    assert!(page.json()["TotalCount"].as_u64().unwrap() >= 5);
                    all.extend(page_ids);
                    match page.json().get("NextToken") {
                        Some(token) => body["NextToken"] = token.clone(),
                        None => break,
                    }
                    // Behind the last in one order, before the first in the other.
                    client.create(&task("late"));
                }
                all.retain(|id| made.contains(id));
                if order == "DESCENDING" {
                    all.reverse();
                }
                assert_eq!(all, made, "{order}");
            }
            let answer = client.search(&search_of(&json!({"NextToken": "mine"})));
            assert_eq!(answer.status, 400);
            assert_eq!(answer.header("x-amzn-errortype"), Some("InvalidParameterException:"));
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_search_that_the_sandbox_cannot_answer_honestly_is_refused() {
    let sandbox = Running::start(without_quota()).await;
    sandbox
        .talk(|client| {
            for (changes, code) in [
                (json!({"SearchCriteria": {"QueueIds": ["q"]}}), "InvalidRequestException:"),
                (json!({"TimeRange": null}), "InvalidRequestException:"),
                (json!({"MaxResults": 101}), "InvalidParameterException:"),
                (json!({"MaxResults": "10"}), "SerializationException:"),
            ] {
                let answer = client.search(&search_of(&changes));
                assert_eq!((answer.status, answer.header("x-amzn-errortype")), (400, Some(code)));
            }
            client.send("POST", "/search-contacts", "", b"{");
            assert_eq!(client.receive().status, 400);
        })
        .await;
    assert_eq!(sandbox.handle.stats().refused, 5);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn more_contacts_than_a_stretch_are_all_found() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut lines = String::new();
    for number in 0..2500 {
        let contact = json!({
            "ContactId": format!("c{number}"), "ContactArn": "arn", "InitiationTimestamp": 1.5e9,
            "InstanceId": "sandbox", "Attributes": {"odd": (number % 2).to_string()},
        });
        let line = format!("{{\"digest\":\"{}\",\"contact\":{contact}}}\n", "ab".repeat(32));
        lines.push_str(&line);
    }
    std::fs::write(&state, lines).unwrap();
    let sandbox = Running::start(SandboxConfig { state: Some(state), ..without_quota() }).await;
    sandbox
        .talk(|client| {
            let criteria = json!({"Criteria": [{"Key": "odd", "Values": ["1"]}]});
            let found = client.search(&search_of(&json!({
                "TimeRange": {"Type": "INITIATION_TIMESTAMP", "StartTime": 1.5e9, "EndTime": 1.5e9},
                "SearchCriteria": {"SearchableContactAttributes": criteria}, "NextToken": "c2098",
            })));
            assert_eq!(found.json()["TotalCount"], 1250);
            let expected: Vec<String> = (2099..2299).step_by(2).map(|number| format!("c{number}")).collect();
            assert_eq!(ids(&found), expected);
            assert_eq!(found.json()["NextToken"], "c2297");
        })
        .await;
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn contacts_are_described_alike_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { state: Some(folder.path().join("state")), ..without_quota() };
    let sandbox = Running::start(config.clone()).await;
    let talk = |client: &mut Client| {
        let ids = [id(&client.create(&task("t"))), id(&client.start(&open_task("t")))];
        (ids.map(|id| client.describe("sandbox", &id).json()), client.search(&search_of(&json!({}))).json())
    };
    let before = sandbox.talk(talk).await;
    sandbox.stop().await.unwrap();
    let sandbox = Running::start(config).await;
    assert_eq!(sandbox.talk(talk).await, before);
    assert_eq!(sandbox.handle.stats().replayed, 2);
    sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn the_reading_operations_have_quotas_of_their_own() {
    // The creating operations have a token in 11 days, and here the only one is taken.
    let config = SandboxConfig { rate: Some(1e-6), burst: 1, ..SandboxConfig::default() };
    let sandbox = Running::start(config).await;
    sandbox
        .talk(|client| {
            let created = id(&client.create(&task("t")));
            assert_eq!(client.create(&task("u")).status, 429);
            for _ in 0..15 {
                assert_eq!(client.describe("sandbox", &created).status, 200);
            }
            assert_eq!(ids(&client.search(&search_of(&json!({})))), [created]);
        })
        .await;
    sandbox.stop().await.unwrap();
    let sandbox = Running::start(without_quota()).await;
    let statuses = sandbox
        .talk(|client| {
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
