//! `init` finds the formats of dates: what it writes is read as it stands, by `check` and by `run`.

use std::collections::BTreeMap;

use crate::support::*;

/// Runs `init` and `run` on a CSV with the column `id`, and returns the references that arrived by id, and
/// the job file.
fn imported(csv: &str, code: i32) -> (BTreeMap<String, BTreeMap<String, String>>, String) {
    let folder = Folder::new();
    folder.write("export.csv", csv);
    folder.run(&["init", "export.csv"]).expect(0);
    let job = folder.read("export.toml");
    let checked = folder.run(&["check", "--job", "export.toml"]);
    assert_eq!(checked.code, Some(code), "{}{}{job}", checked.stdout, checked.stderr);
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let run = ["run", "--job", "export.toml", "--sandbox", "--rate", "1000", "--endpoint-url", &url];
    folder.run(&run).expect(code);
    let contacts = sandbox.listed_contacts();
    let references = |contact: &serde_json::Value| {
        let references = contact["References"].as_object().cloned().unwrap_or_default();
        let value = |value: &serde_json::Value| value["Value"].as_str().unwrap().to_owned();
        references.iter().map(|(key, reference)| (key.clone(), value(reference))).collect()
    };
    let id = |contact: &serde_json::Value| contact["Attributes"]["id"].as_str().unwrap().to_owned();
    (contacts.iter().map(|contact| (id(contact), references(contact))).collect(), job)
}

/// Checks that dates arrive as these seconds; each is a column of its own.
#[track_caller]
fn assert_arrive(dates: &[(&str, i64)]) {
    // A contact has at most five references of dates.
    for dates in dates.chunks(5) {
        let columns: Vec<String> = (1..=dates.len()).map(|number| format!("moment_{number}_at")).collect();
        let cells: Vec<String> = dates.iter().map(|(cell, _)| format!("\"{cell}\"")).collect();
        let row = |id: &str| format!("{id},Printer,{}\n", cells.join(","));
        let csv = format!("id,Subject,{}\n{}{}{}", columns.join(","), row("T-1"), row("T-2"), row("T-3"));
        let (arrived, job) = imported(&csv, 0);
        assert_eq!(arrived.len(), 3);
        for (column, (cell, seconds)) in columns.iter().zip(dates) {
            let value = arrived["T-1"].get(column);
            assert_eq!(value, Some(&seconds.to_string()), "{cell}: {job}");
        }
    }
}

/// 2024-03-05 09:15:00 in UTC.
const MORNING: i64 = 1_709_630_100;

/// 2024-03-05 00:00:00 in UTC.
const MIDNIGHT: i64 = 1_709_596_800;

#[test]
fn dates_of_databases_and_programs_arrive() {
    assert_arrive(&[
        ("05-MAR-24 09.15.00.000000 AM", MORNING),
        ("05-MAR-24 10.15.00.000000 AM +01:00", MORNING),
        ("05-MAR-24", MIDNIGHT),
        ("05MAR2024:09:15:00", MORNING),
        ("05MAR2024", MIDNIGHT),
        ("Tue Mar 05 2024 10:15:00 GMT+0100 (Central European Standard Time)", MORNING),
        ("Tue, 05 Mar 2024 04:15:00 EST", MORNING),
        ("Tue, 05 Mar 2024 09:15:00 GMT", MORNING),
        ("Tue Mar 05 10:15:00 CET 2024", MORNING),
        ("Mar  5 2024  9:15AM", MORNING),
        ("1709630100", MORNING),
        ("1709630100000", MORNING),
        ("45356.385416666664", MORNING),
        ("20240305091500", MORNING),
        ("2024-03-05 09:15:00+00", MORNING),
    ]);
}

#[test]
fn names_of_months_in_six_languages_arrive() {
    assert_arrive(&[
        ("5 Sept 2024", 1_725_494_400),
        ("Tuesday, March 5, 2024", MIDNIGHT),
        ("5. März 2024, 09:15", MORNING),
        ("05-DEZ-2024", 1_733_356_800),
        ("25 août 2024", 1_724_544_000),
        ("mardi 5 mars 2024 à 09:15", MORNING),
        ("5 de enero de 2024", 1_704_412_800),
        ("5 dic 2024", 1_733_356_800),
        ("5 de março de 2024 09:15", MORNING),
        ("25 de set. de 2024", 1_727_222_400),
        ("martedì 5 marzo 2024", MIDNIGHT),
        ("5 gen 2024, 09:15", 1_704_446_100),
    ]);
}

#[test]
fn two_formats_of_one_column_are_tried_in_order() {
    let csv =
        "id,Subject,closed_at\nT-1,a,31/12/2023\nT-2,b,2024-03-05\nT-3,c,05/03/2024\nT-4,d,30/11/2023\n";
    let (arrived, job) = imported(csv, 0);
    assert!(job.contains("epoch('%d/%m/%Y', '%Y-%m-%d', tz='UTC')"), "{job}");
    let closed = |id: &str| arrived[id]["closed_at"].clone();
    assert_eq!((closed("T-1"), closed("T-2")), ("1703980800".to_owned(), MIDNIGHT.to_string()));
    assert_eq!((closed("T-3"), closed("T-4")), (MIDNIGHT.to_string(), "1701302400".to_owned()));
}

#[test]
fn a_bad_date_rejects_its_row_and_is_told_with_its_line() {
    let csv = "id,Subject,closed_at,Link\nT-1,a,2024-03-05,https://a.example/1\nT-2,b,soon,https://a.example/2\n\
               T-3,c,2024-03-05,on paper\nT-4,d,2024-03-05,https://a.example/4\n";
    let (arrived, job) = imported(csv, 1);
    assert!(job.contains("# closed_at: 1 of 4 cells is no date, in line 3.\n"), "{job}");
    assert!(job.contains("# Link: 1 of 4 cells is no URL, in line 4.\n"), "{job}");
    assert_eq!(arrived.keys().collect::<Vec<_>>(), ["T-1", "T-3", "T-4"]);
    assert_eq!(arrived["T-1"]["closed_at"], MIDNIGHT.to_string());
    assert_eq!(arrived["T-3"]["Link"], "on paper");
}

#[test]
fn null_markers_and_null_dates_leave_the_reference_out() {
    let csv = "id,Subject,opened_at,closed_at,due_at,Link\n\
               T-1,a,2024-03-05,NULL,31/12/2023,https://a.example/1\n\
               T-2,b,2024-03-05,2024-03-05,00/00/0000,\\N\n\
               T-3,c,2024-03-05,-  ,9999-12-31 00:00:00,https://a.example/3\n\
               T-4,d,0000-00-00,n/a,31/12/2023,https://a.example/4\n";
    let (arrived, job) = imported(csv, 0);
    let null = job.lines().find(|line| line.starts_with("null = ")).unwrap();
    for marker in ["\"NULL\"", "'\\N'", "\"-  \"", "\"n/a\"", "\"0000-00-00\"", "\"00/00/0000\""] {
        assert!(null.contains(marker), "{marker}: {null}");
    }
    assert!(!job.contains(" no date") && !job.contains(" no URL"), "{job}");
    let keys = |id: &str| arrived[id].keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(keys("T-1"), ["Link", "due_at", "opened_at"]);
    assert_eq!(keys("T-2"), ["closed_at", "opened_at"]);
    assert_eq!(keys("T-3"), ["Link", "opened_at"]);
    assert_eq!(keys("T-4"), ["Link", "due_at"]);
}

#[test]
fn markers_of_a_file_that_quotes_every_cell_are_written_with_quotes() {
    let csv = "\"id\",\"Subject\",\"opened_at\",\"closed_at\",\"state\"\n\
               \"T-1\",\"a\",\"2024-03-05\",\"null\",\"open\"\n\
               \"T-2\",\"b\",\"0000-00-00\",\"2024-03-05\",\"closed\"\n\
               \"T-3\",\"c\",\"2024-03-05\",\"null\",NULL\n\
               \"T-4\",\"d\",\"2024-03-05\",\"2024-03-05\",NULL\n";
    let (arrived, job) = imported(csv, 0);
    assert!(job.contains("null = [\"NULL\", '\"0000-00-00\"', '\"null\"']"), "{job}");
    assert!(job.contains("# Where the file has them in quotes, they are in quotes here too."), "{job}");
    assert!(!job.contains(" no date"), "{job}");
    assert_eq!(arrived["T-1"], BTreeMap::from([("opened_at".to_owned(), MIDNIGHT.to_string())]));
    assert_eq!(arrived["T-2"], BTreeMap::from([("closed_at".to_owned(), MIDNIGHT.to_string())]));
    // In a file that writes no value without quotes, the text in quotes is a text.
    let (_, job) = imported("id,Subject,state\nT-1,a,NULL\nT-2,b,\"NULL\"\nT-3,c,NULL\n", 0);
    assert!(job.contains("null = [\"NULL\"]"), "{job}");
}

#[test]
fn the_missing_dates_of_sas_leave_the_reference_out() {
    let (arrived, job) = imported("id,subject,closed\nT-1,a,05MAR2024\nT-2,b,.\nT-3,c,05MAR2024\n", 0);
    assert!(job.contains("null = [\".\"]"), "{job}");
    assert!(arrived["T-2"].is_empty() && arrived["T-1"]["closed"] == MIDNIGHT.to_string());
}

#[test]
fn the_summary_names_the_mark_of_the_job_file() {
    let folder = Folder::new();
    for (closed, mark) in [("25/12/2024", "Guessed:"), ("05/05/2024", "AMBIGUOUS:")] {
        let csv = format!("id,Subject,Opened,Closed\nT-1,a,03/04/2024,{closed}\nT-2,b,01/02/2024,{closed}\n");
        folder.write("export.csv", csv);
        let _ = std::fs::remove_file(folder.path("export.toml"));
        let summary = folder.run(&["init", "export.csv"]).expect(0).stdout;
        let line = format!("'Opened': the day or the month may be first; see \"{mark}\" at its reference");
        assert!(summary.contains(&line), "{summary}");
        assert!(folder.read("export.toml").contains(&format!("# {mark}")), "{mark}");
    }
}

#[test]
fn serials_of_spreadsheets_arrive_by_the_header() {
    let csv = "id,Subject,Created,Resolution time\nT-1,a,45356.385416666664,45356\nT-2,b,45356,45357\n";
    let (arrived, _) = imported(csv, 0);
    assert_eq!(arrived["T-1"], BTreeMap::from([("Created".to_owned(), MORNING.to_string())]));
    assert_eq!(arrived["T-2"]["Created"], MIDNIGHT.to_string());
}

#[test]
fn check_repeats_that_day_and_month_are_ambiguous() {
    let folder = Folder::new();
    let warned = |csv: &str| {
        folder.write("export.csv", csv);
        let _ = std::fs::remove_file(folder.path("export.toml"));
        folder.run(&["init", "export.csv"]).expect(0);
        let checked = folder.run(&["check", "--job", "export.toml"]).stdout;
        checked.lines().filter(|line| line.contains("DayMonthOrder")).collect::<Vec<_>>().join("\n")
    };
    let rows = "T-1,a,03/04/2024,05/06/2024\nT-2,b,01/02/2024,05/05/2024\n";
    let ambiguous = warned(&format!("id,Subject,Opened,Closed\n{rows}"));
    insta::assert_snapshot!(ambiguous);
    // A cell of the other column decides for `init`, and nothing for `check`.
    let decided = warned(&format!("id,Subject,Opened,Closed\n{rows}T-3,c,25/12/2023,05/06/2024\n"));
    assert!(!decided.contains("Opened") && decided.contains("Closed"), "{decided}");
    // The job's order is wrong for a later file.
    folder.write("export.csv", "id,Subject,Opened,Closed\nT-1,a,12/25/2024,\nT-2,b,03/04/2024,\n");
    let contrary = folder.run(&["check", "--job", "export.toml"]).expect(1).stdout;
    assert!(contrary.contains("'%m/%d/%Y' reads and '%d/%m/%Y' does not"), "{contrary}");
}

#[test]
fn a_column_in_both_orders_of_day_and_month_is_an_attribute_only() {
    let csv = "id,Subject,Opened\nT-1,a,12/25/2024\nT-2,b,25/12/2024\nT-3,c,03/04/2024\n";
    let (arrived, job) = imported(csv, 0);
    assert!(job.contains("#   Opened: the day is first in some cells and the month in others"), "{job}");
    assert!(arrived["T-3"].is_empty());
}

#[test]
fn dates_whose_year_may_come_first_are_attributes_only() {
    let rows = ["22/11/05", "23/11/06", "24/11/25"];
    let rows: String = rows.iter().enumerate().map(|(row, date)| format!("T-{row},a,{date}\n")).collect();
    let (arrived, job) = imported(&format!("id,Subject,Opened\n{rows}"), 0);
    assert!(
        job.contains("#   Opened: the year may be the first number, as in '%y/%m/%d', or the last"),
        "{job}"
    );
    assert!(arrived["T-1"].is_empty());
    let folder = Folder::new();
    folder.write("export.csv", format!("id,Subject,Opened\n{rows}"));
    let summary = folder.run(&["init", "export.csv"]).expect(0).stdout;
    assert!(summary.contains("dates: none\n  'Opened': no reference, since"), "{summary}");
}
