//! The operation StartTaskContact, and job files that are JSON skeletons of a request.

use crate::support::*;

#[test]
fn open_tasks_are_started_once_and_resumed() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", "id,Name,Files\n1,call back,a.pdf\n2,write,\n");
    folder.write(
        "job.toml",
        "[connect]\noperation = \"StartTaskContact\"\n[request]\nName = \"{{ name }}\"\nContactFlowId = \"flow\"\n\
         ScheduledTime = \"{{ '4102444800' if id == 'never' else '' }}\"\n[[request.Attachments]]\n\
         FileName = \"{{ files }}\"\nS3Url = \"{% if files %}https://bucket/{{ files }}{% endif %}\"\n",
    );
    let arguments = import(&url, &["--job", "job.toml"]);
    for _ in 0..2 {
        folder.run(&arguments).expect(0);
    }
    let contacts = sandbox.listed_contacts();
    assert_eq!(contacts.len(), 2);
    let first = contacts.iter().find(|contact| contact["Name"] == "call back").unwrap();
    assert_eq!((&first["Operation"], &first["ContactFlowId"]), (&"StartTaskContact".into(), &"flow".into()));
    let file = serde_json::json!([{"FileName": "a.pdf", "S3Url": "https://bucket/a.pdf"}]);
    assert_eq!(first["Attachments"], file);
    let ledger = folder.query("t.ledger.db", "SELECT contact_id IS NOT NULL, contact_arn IS NULL FROM rows");
    assert_eq!(ledger, "1|1\n1|1");
}

#[test]
fn a_ledger_of_one_operation_is_refused_for_another_operation() {
    let folder = Folder::new();
    folder.write("t.csv", "Name,ContactFlowId\na,f\n");
    let start = ["run", "t.csv", "--operation", "StartTaskContact", "--sandbox"];
    folder.run(&start).expect(0);
    folder.write("t.csv", "Name\na\n");
    let ended = folder.run(&["run", "t.csv", "--sandbox"]).expect(2);
    assert!(ended.stderr.contains("belongs to operation 'StartTaskContact'"), "{}", ended.stderr);
}

#[test]
fn rows_that_the_service_would_refuse_are_rejected_by_check() {
    let folder = Folder::new();
    let header = "Name,ContactFlowId,QuickConnectId,ScheduledTime,PreviousContactId,References.f.Type,References.f.Value";
    let mut text = format!(
        "{header}\n,f,,,,,\na,f,q,,,,\nb,,,,,,\nc,f,,1000,,,\nd,f,,,,ATTACHMENT,x\ne,f,,2100-01-01,,,\n"
    );
    for row in 0..13 {
        text.push_str(&format!("chained {row},f,,,previous,,\n"));
    }
    folder.write("t.csv", text);
    let ended = folder.run(&["check", "t.csv", "--operation", "StartTaskContact"]).expect(1);
    let text: Vec<&str> = ended.stdout.lines().map(|line| line.split(", until").next().unwrap()).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_json_skeleton_is_a_job_file() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Subject\n7,Printer\n");
    folder.write(
        "job.json",
        r#"{
            "InstanceId": "", "ClientToken": "", "RelatedContactId": "",
            "Attributes": {"legacy_{{ id }}": "{{ id }}"},
            "References": {"KeyName": {"Value": "", "Type": "URL", "Status": "AVAILABLE", "Arn": "", "StatusReason": ""}},
            "Channel": "TASK", "InitiationMethod": "API", "ExpiryDurationInMinutes": 0,
            "UserInfo": {"UserId": ""}, "InitiateAs": "COMPLETED", "Name": "{{ subject | upper }}", "Description": "",
            "SegmentAttributes": {"KeyName": {"ValueString": "", "ValueInteger": 0}}, "PreviousContactId": ""
        }"#,
    );
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &["--job", "job.json"])).expect(0);
    let mut sent = endpoint.requests()[0].clone();
    for member in ["InstanceId", "ClientToken"] {
        sent.as_object_mut().unwrap().remove(member);
    }
    let expected = serde_json::json!({
        "Attributes": {"legacy_7": "7"}, "Channel": "TASK", "InitiationMethod": "API", "InitiateAs": "COMPLETED",
        "Name": "PRINTER",
    });
    assert_eq!(sent, expected);
    folder.write("bad.json", "{\n  \"Name\": \"x\",\n  \"Nmae\": \"{{ id }}\"\n}");
    let ended = folder.run(&["check", "t.csv", "--job", "bad.json", "--key", "id"]).expect(2);
    let message = "bad.json, line 3, [request] Nmae: the operation has no such member; did you mean 'Name'?";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}

#[test]
fn a_quota_of_one_chain_fails_its_rows_and_a_quota_of_the_instance_stops_the_run() {
    let folder = Folder::new();
    let mut text = "id,Name,ContactFlowId,PreviousContactId\n".to_owned();
    for row in 0..9 {
        text.push_str(&format!("{row},n,f,{}\n", if row % 4 == 0 { "full" } else { "other" }));
    }
    folder.write("t.csv", text);
    let full = || Reply::Error(402, "ServiceQuotaExceededException");
    let one_chain =
        Endpoint::start(
            move |_, body| {
                if body["PreviousContactId"] == "full" { full() } else { Reply::Created }
            },
        );
    let url = one_chain.url();
    let more = ["--operation", "StartTaskContact", "--concurrency", "1"];
    folder.run(&import(&url, &more)).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 6, failed 3");
    let instance = Endpoint::start(move |_, _| full());
    let url = instance.url();
    let ended = folder.run(&import(&url, &more)).expect(7);
    assert!(ended.stdout.contains("A hard quota of the instance is reached"), "{}", ended.stdout);
    assert_eq!(instance.requests().len(), 3);
}
