//! Tests of the whole page, from facts made up without a ledger.

use jiff::tz::TimeZone;
use roxmltree::{Document, Node, ParsingOptions};

use super::accounting::{Accounting, LedgerAccounts};
use super::details::{ReportedError, ReportedRow};
use super::facts::{Facts, NextStep, Target};
use super::timeline::Step;
use super::{ReportOptions, template};
use crate::job::{Outline, OutlineTable};
use crate::ledger::{
    ErrorCount, Latencies, ListedRow, RowId, RowState, RunId, ScanCounts, SourceAccount, SourceScan,
};

const MINUTE: i64 = 60_000;

/// Ten minutes of an import at a rate of 2 a second, with some throttling.
fn steps() -> Vec<Step> {
    let step = |minute: i64| Step {
        from_ms: minute * MINUTE,
        to_ms: (minute + 1) * MINUTE,
        seconds: 60.0,
        attempts: 120,
        created: 110,
        throttled: if minute == 3 { 10 } else { 0 },
        unanswered: u64::from(minute == 4),
        rate: 2.0,
    };
    (0..10).map(step).collect()
}

fn facts() -> Facts {
    let mut latencies = Latencies::default();
    (1..=100).for_each(|milliseconds| latencies.add(milliseconds * 1000, 1));
    Facts {
        title: "Import into Amazon Connect".into(),
        service: "Amazon Connect".into(),
        instance: Some("1111".into()),
        operation: Some("CreateContact"),
        ledgers: vec!["t.ledger.db".into()],
        period: Some((0, 10 * MINUTE)),
        headline: "1,100 of 1,101 rows are contacts; 1 is not: 1 rejected.".into(),
        plotted: (1, steps()),
        listed: (1, steps()),
        latencies,
        ..Facts::default()
    }
}

fn options(job: Option<Outline>) -> ReportOptions {
    let zone = TimeZone::get("Europe/London").unwrap();
    ReportOptions { job, zone, tz: None, now_ms: 0, version: "1.2.3" }
}

fn page(facts: &Facts, job: Option<Outline>) -> String {
    template::render(facts, &options(job)).unwrap()
}

/// Parses a page as XML: it is valid XHTML.
fn parsed(page: &str) -> Document<'_> {
    Document::parse_with_options(page, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap()
}

/// The text of a part of the page.
fn text(node: Node<'_, '_>) -> String {
    let texts = node.descendants().filter(|node| node.is_text()).filter_map(|node| node.text());
    texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn main_text(page: &str) -> String {
    let document = parsed(page);
    let sections =
        document.descendants().filter(|node| node.has_tag_name("section") || node.has_tag_name("header"));
    sections.map(|section| format!("{}\n", text(section))).collect()
}

#[test]
fn an_empty_ledger_has_a_page_of_sentences() {
    let page = page(
        &Facts {
            title: "Import into Amazon Connect".into(),
            headline: "No row has been read yet.".into(),
            ..Facts::default()
        },
        None,
    );
    insta::assert_snapshot!(main_text(&page));
    assert!(!page.contains("<svg"));
}

#[test]
fn each_plot_has_a_name_a_description_and_a_table() {
    let page = page(&facts(), None);
    let document = parsed(&page);
    let plots: Vec<Node<'_, '_>> = document.descendants().filter(|node| node.has_tag_name("svg")).collect();
    // Of each plot one for wide and one for narrow pages.
    assert_eq!(plots.len(), 6);
    for plot in &plots {
        assert_eq!(plot.attribute("role"), Some("img"));
        for id in plot.attribute("aria-labelledby").unwrap().split(' ') {
            let named: Vec<_> =
                document.descendants().filter(|node| node.attribute("id") == Some(id)).collect();
            assert_eq!(named.len(), 1, "{id}");
            assert!(!text(named[0]).is_empty(), "{id}");
        }
        // Every colour is in the style sheet, which replaces it in the dark form.
        for colour in
            plot.descendants().flat_map(|node| [node.attribute("fill"), node.attribute("stroke")]).flatten()
        {
            let known = colour == "none" || page.contains(&format!("svg [fill=\"{colour}\"]"));
            assert!(known, "{colour}");
        }
    }
    let table = document.descendants().filter(|node| node.has_tag_name("details")).map(text).next().unwrap();
    assert!(table.contains("1 Jan 1970, 01:03 110 1.8 2.0 120 8.3% 0%"), "{table}");
    assert!(
        main_text(&page).contains("Of 1,200 attempts, 10 were throttled (0.8%) and 1 unanswered (0.08%)")
    );
}

#[test]
fn headings_go_down_a_step_at_a_time_and_every_table_has_headers() {
    let page = page(&facts(), Some(outline("x")));
    let document = parsed(&page);
    let levels: Vec<u32> = document
        .descendants()
        .filter_map(|node| node.tag_name().name().strip_prefix('h')?.parse().ok())
        .collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{levels:?}");
    for table in document.descendants().filter(|node| node.has_tag_name("table")) {
        let head = table.descendants().find(|node| node.has_tag_name("thead")).unwrap();
        let columns = head.descendants().filter(|node| node.has_tag_name("th"));
        assert!(
            columns.clone().count() > 1 && columns.clone().all(|th| th.attribute("scope") == Some("col"))
        );
    }
}

/// The page of a rehearsal that died. Each file has a contact and a withdrawn row.
fn page_of(files: usize) -> String {
    let account = |number: usize| {
        let mut account = SourceAccount { source: format!("/d/{number}.csv"), ..SourceAccount::default() };
        account.rows.add(RowState::Created, 1);
        account.rows.add(RowState::Withdrawn, 1);
        account.scan =
            Some(SourceScan { run: RunId(1), counts: ScanCounts { rows: 1, ..ScanCounts::default() } });
        account
    };
    let share =
        LedgerAccounts { ledger: String::new(), shard: None, accounts: (0..files).map(account).collect() };
    let accounting = Accounting::of(&[share]);
    page(
        &Facts {
            accounting,
            is_rehearsal: true,
            service: "the sandbox".into(),
            has_died: true,
            ..Facts::default()
        },
        None,
    )
}

#[test]
fn the_page_shows_withdrawn_rows_and_a_lost_record_and_folds_many_files() {
    let few = page_of(20);
    let said = text(parsed(&few).root_element());
    for part in [
        "Contacts 20 in the sandbox",
        "Waiting 0 to be sent",
        "Withdrawn 20 removed from their file or passed over, not sent",
        "a run died before that",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert!(!few.contains("<details>"));
    let many = page_of(21);
    assert_eq!(many.matches("<details>").count(), 1);
    assert_eq!((many.matches("All files").count(), many.matches("<bdi>7.csv</bdi>").count()), (2, 1));
    let first = parsed(&many).descendants().find(|node| node.has_tag_name("table")).map(text).unwrap();
    assert!(first.contains("All files 21 21 0 0 0 0 0 21 ✓ adds up"), "{first}");
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let page = page(&facts(), Some(outline("x")));
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
    for word in ["<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "javascript:"] {
        assert!(!page.contains(word), "{word}");
    }
}

fn outline(word: &str) -> Outline {
    let entries = vec![(word.to_owned(), word.to_owned())];
    Outline { file: word.to_owned(), problem: None, tables: vec![OutlineTable { name: "source", entries }] }
}

#[test]
fn names_that_would_be_markup_are_text() {
    const HOSTILE: &str =
        "</style></title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;{{ 7 * 7 }}";
    let mut facts = facts();
    let hostile = || HOSTILE.to_owned();
    facts.instance = Some(hostile());
    facts.title = hostile();
    facts.next = Some(NextStep { purpose: hostile(), command: Some(hostile()) });
    facts.targets = vec![Target { endpoint: Some(hostile()), caller: Some(hostile()), ..Target::default() }];
    facts.namespace = hostile();
    facts.ledgers = vec![hostile(), hostile()];
    let cause = ErrorCount {
        state: RowState::Unknown,
        code: hostile(),
        rows: 1,
        message: hostile(),
        source: hostile(),
        line: 2,
    };
    facts.errors_of_unknown = vec![ReportedError::of(cause, "Amazon Connect")];
    facts.doubtful = vec![ReportedRow::of(
        ListedRow {
            row: RowId(1),
            run: RunId(1),
            source: "/d/<b>.csv".to_owned(),
            line: 2,
            key: hostile(),
            state: RowState::Unknown,
            contact: None,
            attempts: 1,
            may_exist: true,
            first_sent_ms: None,
            last_sent_ms: Some(0),
            code: Some(hostile()),
            message: None,
        },
        "Amazon Connect",
    )];
    let account = SourceAccount { source: "/d/<b>.csv".to_owned(), ..SourceAccount::default() };
    let share = LedgerAccounts { ledger: String::new(), shard: None, accounts: vec![account] };
    facts.accounting = Accounting::of(&[share]);
    let page = page(&facts, Some(outline(HOSTILE)));
    let document = parsed(&page);
    for tag in ["script", "img"] {
        assert!(!document.descendants().any(|node| node.has_tag_name(tag)), "{tag}");
    }
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("style")).count(), 1);
    // Unchanged: seven in the head, three of the error, two of the row in doubt, three of the job file.
    let text = main_text(&page);
    assert_eq!(text.matches(HOSTILE).count(), 15, "{text}");
    assert_eq!(text.matches("<b>.csv").count(), 2, "{text}");
}
