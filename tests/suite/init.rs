//! `init` writes a job file that `check` and `run` accept unchanged.

use crate::support::*;

/// Runs `init`, `check` and `run` on a CSV with `rows` rows, and returns the job file.
fn init_and_import(csv: impl AsRef<[u8]>, rows: usize) -> String {
    let folder = Folder::new();
    folder.write("export.csv", csv);
    folder.run(&["init", "export.csv"]).expect(0);
    let checked = folder.run(&["check", "--job", "export.toml"]).expect(0);
    assert!(checked.stdout.contains(&format!("{rows}  send")), "{}", checked.stdout);
    folder.run(&["run", "--job", "export.toml", "--sandbox", "--rate", "1000", "--burst", "100"]).expect(0);
    folder.read("export.toml")
}

#[test]
fn the_job_file_for_the_sample_passes_check_and_run() {
    let job = init_and_import(std::fs::read(repository("samples/tickets.csv")).unwrap(), 320);
    assert!(job.contains("key = [\"Ticket ID\"]"), "{job}");
    assert!(job.contains("Name = \"{{ row['Ticket Subject'] }}\""), "{job}");
}

#[test]
fn the_job_file_for_a_european_export_has_its_delimiter_encoding_and_date_format() {
    let text = "Ticketnummer;Betreff;Beschreibung;Erstellt am\r\nT-1;Drucker;L\u{e4}uft nicht;13.02.2024 09:30\r\n\
                T-2;T\u{fc}r;Klemmt sehr;01.03.2024 17:00\r\n";
    let latin1: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let job = init_and_import(latin1, 2);
    for line in
        ["delimiter = \";\"", "encoding = \"windows-1252\"", "epoch('%d.%m.%Y %H:%M'", "[\"Ticketnummer\"]"]
    {
        assert!(job.contains(line), "{line}: {job}");
    }
}

#[test]
fn columns_with_special_characters_are_mapped_by_name() {
    let header = "id,\"Summary {{x}}\",Labels,Labels,it's \"here\",a.b[0],,%}";
    init_and_import(format!("{header}\n1,one,a,b,c,d,e,f\n2,two,a,b,c,d,e,f\n"), 2);
}

#[test]
fn a_header_without_rows_is_enough() {
    let job = init_and_import("Case Number,Subject\n", 0);
    assert!(job.contains("row['Subject']"), "{job}");
}

#[test]
fn tickets_of_a_known_person_are_imported_from_the_next_months_export() {
    let folder = Folder::new();
    folder.write(
        "march.csv",
        "id,subject,email_id,created_at\n501,Login fails,asha@example.org,2024-03-05 09:15:00\n\
         502,Refund,ravi@example.org,2024-03-06 09:15:00\n503,Crash,meena@example.org,2024-03-07 09:15:00\n",
    );
    folder.write(
        "april.csv",
        "id,subject,email_id,created_at\n601,Another and different problem,asha@example.org,2024-04-05 09:15:00\n\
         602,Hello,new@example.org,2024-04-06 09:15:00\n",
    );
    let guesses = folder.run(&["init", "march.csv"]).expect(0).stdout;
    assert!(guesses.contains("key: 'id'\n"), "{guesses}");
    let run = ["run", "--job", "march.toml", "--sandbox", "--rate", "1000", "--burst", "100"];
    folder.run(&run).expect(0);
    let ended = folder.run(&[&run[..], &["april.csv"]].concat()).expect(0);
    assert!(ended.stdout.contains("2  created by this run"), "{}", ended.stdout);
}

#[test]
fn the_contacts_of_a_contact_search_have_different_names() {
    let folder = Folder::new();
    folder.write(
        "search.csv",
        "Contact ID,Channel,Initiation timestamp,System phone number,Queue,Agent,Customer phone number,\
         Disconnect timestamp,Contact duration,Initiation method\n\
         21636369-8b52-4b4a-97b7-50923ceb3ffd,Voice,2022-05-24 15:00:08,+000,SupportQueue,agent1,+000,\
         2022-05-24 15:00:31,00:00:23,Inbound\n\
         795b929e-9a9a-40fd-aa7b-5bf55eb561a4,Voice,2022-05-24 14:58:26,+000,SupportQueue,agent1,+000,\
         2022-05-24 14:59:01,00:00:35,Inbound\n\
         9b08923d-10c6-4fd9-94b2-b8fda02f34a6,Voice,2022-05-23 23:31:00,+000,SupportQueue,agent1,+000,\
         2022-05-23 23:31:50,00:00:50,Inbound\n",
    );
    let guesses = folder.run(&["init", "search.csv"]).expect(0).stdout;
    assert!(guesses.contains("recognized: a contact search of Amazon Connect\n"), "{guesses}");
    let job = folder.read("search.toml");
    assert!(job.contains("# Recognized by its header: a contact search of Amazon Connect."), "{job}");
    assert!(job.contains("Name = \"{{ row['Contact ID'] }}\""), "{job}");
    folder.run(&["check", "--job", "search.toml"]).expect(0);
}

#[test]
fn an_empty_and_a_repeated_key_are_told_with_their_lines() {
    let folder = Folder::new();
    folder.write(
        "t.csv",
        "Ticket ID,Subject\n1711,Login\n,Mail\n1713,\"two\nlines\"\n1714,Refund\n1713,Crash\n1716,x\n",
    );
    let guesses = folder.run(&["init", "t.csv"]).expect(0).stdout;
    let told = [
        "1 of 6 cells is empty, in line 3; that row is rejected",
        "1 of 6 cells repeats another, as line 7 that of line 4; that row is rejected",
    ];
    let job = folder.read("t.toml");
    for sentence in told {
        assert!(guesses.contains(sentence), "{guesses}");
        assert!(job.contains(&format!("# {sentence}.\n")), "{job}");
    }
    let checked = folder.run(&["check", "--job", "t.toml"]).expect(1).stdout;
    assert!(checked.contains("4  send"), "{checked}");
}

#[test]
fn a_name_of_two_columns_has_no_space_beside_an_empty_cell() {
    let folder = Folder::new();
    let rows: String = (1..=9)
        .map(|row| {
            format!(
                "{},p{}@example.org,{}\n",
                ["Ana Souza", "Sam Hill"][row % 2],
                row % 3,
                if row % 3 == 0 { String::new() } else { format!("A{row}") }
            )
        })
        .collect();
    folder.write("export.csv", format!("Your name,Email Address,Order number\n{rows}"));
    folder.run(&["init", "export.csv"]).expect(0);
    let job = folder.read("export.toml");
    assert!(job.contains(" ~ ' ' ~ "), "{job}");
    let shown = folder.run(&["check", "--job", "export.toml", "--show", "9"]).expect(0).stdout;
    assert!(shown.contains("\"Name\": \"Ana Souza\"") || shown.contains("\"Name\": \"Sam Hill\""), "{shown}");
    assert!(!shown.contains("PaddedValue"), "{shown}");
}

#[test]
fn an_escape_of_quoted_cells_and_quoted_markers_are_guessed() {
    // DuckDB: COPY … TO 'FILE' (DELIM ';', ESCAPE '\').
    let duckdb = r#"ticket_id;path;subject;closed_at
7001;C:\temp\;"\"Printer\"; on fire";2024-07-01
7002;D:\new;"a \"b\"
line";2024-07-02
"#;
    let job = init_and_import(duckdb, 2);
    assert!(job.contains("escape = '\\'\nescape_in = \"quoted\"\n"), "{job}");

    // pandas: to_csv(…, na_rep="NULL", quoting=csv.QUOTE_ALL).
    let pandas = "\"ticket_id\",\"subject\",\"closed_at\"\n\"7001\",\"Printer\",\"NULL\"\n\
                  \"7002\",\"Screen\",\"2024-07-02\"\n\"7003\",\"Mouse\",\"NULL\"\n";
    let job = init_and_import(pandas, 3);
    assert!(job.contains("null = ['\"NULL\"']"), "{job}");

    // R: write.csv. The quoted texts are values.
    let r = "\"ticket_id\",\"surname\",\"closed_at\"\n7001,\"Null\",NA\n7002,\"Null\",2024-07-02\n\
             7003,\"Ito\",NA\n";
    let job = init_and_import(r, 3);
    assert!(job.contains("null = [\"NA\"]"), "{job}");

    // PostgreSQL: COPY as text. The second note is the text \N.
    let copy = "ticket_id\tsubject\tnote\n7001\tone\\ntwo\t\\\\N\n7002\tthree\t\\\\N\n7003\tfour\t\\N\n";
    let job = init_and_import(copy, 3);
    assert!(job.contains("format = \"text\"") && !job.contains("null ="), "{job}");
}

#[test]
fn an_existing_job_file_is_not_overwritten() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n");
    folder.write("t.toml", "unchanged");
    let ended = folder.run(&["init", "t.csv"]).expect(2);
    assert!(ended.stderr.contains("t.toml exists and is not overwritten"), "{}", ended.stderr);
    assert_eq!(folder.read("t.toml"), "unchanged");
    std::os::unix::fs::symlink("nowhere", folder.path("link.toml")).unwrap();
    folder.run(&["init", "t.csv", "--job", "link.toml"]).expect(2);
    folder.run(&["init", "t.csv", "--job", "other.toml"]).expect(0);
    folder.run(&["init", "-"]).expect(2);
    folder.run(&["init", "t.csv", "--job", "missing/x.toml"]).expect(74);
}

#[test]
fn a_skeleton_has_every_member_and_is_a_valid_job_file() {
    let folder = Folder::new();
    folder.write("t.csv", "a\nx\n");
    for operation in ["CreateContact", "StartTaskContact"] {
        let skeleton = folder.run(&["init", "--skeleton", operation]).expect(0).stdout;
        insta::assert_snapshot!(format!("skeleton_{operation}"), skeleton);
        let filled = skeleton
            .replace("files = []", "files = [\"t.csv\"]")
            .replace("instance_id = \"\"", "instance_id = \"i\"")
            .replace("Name = \"\"", "Name = \"{{ a }}\"")
            .replace("ContactFlowId = \"\"", "ContactFlowId = \"f\"");
        folder.write("job.toml", filled.replace("FileName = \"{{ a }}\"", "FileName = \"\""));
        folder.run(&["check", "--job", "job.toml"]).expect(0);
    }
    let ended = folder.run(&["init", "--skeleton", "CreateContract"]).expect(2);
    assert!(ended.stderr.contains("did you mean 'CreateContact'?"), "{}", ended.stderr);
}
