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
    assert!(job.contains("Name = \"{{ row['Ticket Subject'] | truncate(1024) }}\""), "{job}");
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
