//! Report of a check: faults, warnings, members and a forecast for people, and a summary for programs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, ZonedDateTime};

use super::json::{CheckSummary, MemberMessage, Message};
use super::words::{broken_rule, count_lines, count_of, example_lines, per_second, rounded, row_example};
use crate::check::{CheckFindings, RowClass};
use crate::dates::zone_data;
use crate::engine::ErrorBudget;
use crate::exit_code::ExitCode;
use crate::intake::{LongestText, MemberCount};
use crate::mapping::ZoneUse;
use crate::printable::ShownPath as _;
use crate::printable::printable_lines;
use crate::shard::Shard;
use crate::slug::slug;
use crate::warning::{Warning, WarningCode};

/// Groups of faults in the text; `--output csv` has every fault.
const MAX_GROUPS: usize = 30;

/// Settings of the run that a check forecasts.
#[derive(Clone, Debug)]
pub struct ForecastSettings {
    /// Shard that was checked; none if all rows.
    pub shard: Option<Shard>,
    /// Most rows that the run would send.
    pub limit: Option<u64>,
    /// Rows with errors that the run would allow.
    pub max_errors: Option<ErrorBudget>,
    /// Time during which an unanswered attempt is repeated with the same client token.
    pub idempotency_window: Duration,
    /// Path of the ledger that the run would use, if it exists.
    pub ledger: Option<PathBuf>,
    /// Rate, requests per second.
    pub rate: f64,
    /// Whether any warning makes the exit code 1.
    pub is_strict: bool,
    /// Attribute that `verify` would search unknown rows by; none: their name.
    pub search_attribute: Option<String>,
    /// Key columns and templates; empty: the content of the row.
    pub key: Vec<String>,
    /// What to change in the command to get every fault on a line; none if they are listed already.
    pub fault_listing: Option<&'static str>,
}

/// Report of a check.
#[derive(Debug)]
pub struct CheckReport {
    findings: CheckFindings,
    settings: ForecastSettings,
    /// End of a run that starts now; none if it is after the year 9999.
    end: Option<ZonedDateTime>,
}

impl CheckReport {
    /// The report for a run that would start at `now`.
    pub fn new(settings: ForecastSettings, findings: CheckFindings, now: &ZonedDateTime) -> Self {
        let mut report = CheckReport { findings, settings, end: None };
        let duration = SignedDuration::try_from_secs_f64(report.seconds()).ok();
        report.end = duration.and_then(|duration| now.checked_add(duration).ok());
        report.warn_of_the_run();
        report
    }

    /// Adds the warnings that follow from the forecast.
    fn warn_of_the_run(&mut self) {
        if let Some(budget) = self.spent_budget() {
            let message = format!("a run would not start: --max-errors {budget} is spent");
            let remedy = "correct the faults, or allow more errors";
            self.findings.warn(Warning::new(WarningCode::ErrorBudgetSpent, message, remedy));
        }
    }

    /// Exit code of the check.
    pub fn exit_code(&self) -> ExitCode {
        let is_refused = self.settings.is_strict && !self.findings.warnings().is_empty();
        if self.faulty() > 0 || is_refused { ExitCode::RowsNotCreated } else { ExitCode::Complete }
    }

    fn accepted(&self) -> u64 {
        self.findings.of(RowClass::Accepted)
    }

    fn faulty(&self) -> u64 {
        self.findings.of(RowClass::Faulty)
    }

    /// Rows that a run would send, including those of other inputs.
    fn to_send(&self) -> u64 {
        let waiting = self.findings.of(RowClass::Ready) + self.findings.elsewhere;
        self.settings.limit.map_or(waiting, |limit| limit.min(waiting))
    }

    fn seconds(&self) -> f64 {
        self.to_send() as f64 / self.settings.rate
    }

    /// The error budget, if the faults spend it.
    fn spent_budget(&self) -> Option<ErrorBudget> {
        let errors =
            self.faulty() + self.findings.of(RowClass::Refused) + self.findings.of(RowClass::Unknown);
        self.settings.max_errors.filter(|budget| budget.is_exceeded(errors, self.findings.checked()))
    }

    fn outlasts_window(&self) -> bool {
        self.seconds() > self.settings.idempotency_window.as_secs_f64()
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.inputs(&mut text);
        self.faults(&mut text);
        self.warnings(&mut text);
        self.members(&mut text);
        self.forecast(&mut text);
        self.verdict(&mut text);
        printable_lines(&text)
    }

    fn inputs(&self, text: &mut String) {
        for file in &self.findings.files {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}: {} ({})", file.name, count_of(file.rows, "row"), file.form);
        }
        if let Some(release) = self.zone_data() {
            let _ = writeln!(text, "dates: converted with time-zone data {release}");
        }
        let findings = &self.findings;
        let (faulty, read) = (self.faulty(), self.findings.checked());
        let _ = match faulty {
            _ if findings.rows == 0 => writeln!(text, "\nThere is a header and no row under it."),
            0 if self.accepted() > 0 => writeln!(text, "\nNo faults but those that are accepted."),
            0 => writeln!(text, "\nNo faults."),
            _ => {
                writeln!(
                    text,
                    "\n{faulty} of {} {} faults and would be rejected:",
                    count_of(read, "row"),
                    if faulty == 1 { "has" } else { "have" }
                )
            }
        };
        match self.accepted() {
            0 => {}
            1 => text.push_str("1 row has a fault that is accepted.\n"),
            accepted => {
                let _ = writeln!(text, "{accepted} rows have faults that are accepted.");
            }
        }
    }

    /// Release of the time-zone data; none if every date is in UTC or has an offset of its own.
    fn zone_data(&self) -> Option<String> {
        (self.findings.zone_use > ZoneUse::None).then(|| zone_data().described())
    }

    fn faults(&self, text: &mut String) {
        let groups = self.findings.groups();
        for group in groups.iter().take(MAX_GROUPS) {
            let rule = broken_rule(&group.member, &group.rule, &group.origin);
            let accepted = if group.is_accepted { " (accepted)" } else { "" };
            let _ = writeln!(text, "\n  {:>7}  {}{accepted}: {rule}", group.count, group.code);
            for example in &group.examples {
                let _ = writeln!(text, "           {}", row_example(example));
            }
            if group.count > group.examples.len() as u64 {
                text.push_str("           …\n");
            }
        }
        if groups.len() > MAX_GROUPS {
            let _ = writeln!(text, "\n  and {} other groups of faults", groups.len() - MAX_GROUPS);
        }
        if let (false, Some(change)) = (groups.is_empty(), self.settings.fault_listing) {
            let _ = writeln!(text, "\nTo list every fault on a line, {change}.");
        }
    }

    fn warnings(&self, text: &mut String) {
        let groups = self.findings.warnings().groups();
        if !groups.is_empty() {
            let _ = writeln!(
                text,
                "\n{}, for which no row is rejected:",
                count_of(groups.len() as u64, "warning")
            );
        }
        for Warning { code, subject, message, remedy, count, examples } in &groups {
            let count_of_rows = if *count == 0 { String::new() } else { count.to_string() };
            let _ = writeln!(text, "\n  {count_of_rows:>7}  {code}: {}", broken_rule(subject, message, ""));
            for line in example_lines(examples, *count) {
                let _ = writeln!(text, "           {line}");
            }
            if !remedy.is_empty() {
                let _ = writeln!(text, "           {remedy}");
            }
        }
        if groups.len() >= MAX_GROUPS {
            text.push_str("\nTo read every warning with a program, add --output json.\n");
        }
    }

    fn members(&self, text: &mut String) {
        let findings = &self.findings;
        let cuts = findings.warnings().by_subject(WarningCode::TextCut);
        if findings.members.iter().any(|count| count.filled > 0) {
            text.push_str("\nMembers of the requests, and rows that fill them:\n");
            let _ =
                writeln!(text, "  {:>9} {:>9} {:>7}  {:>14}  member", "filled", "left out", "cut", "longest");
        }
        for MemberCount { member, filled, left_out, limit, longest } in &findings.members {
            let chars = match (longest, limit) {
                (Some(longest), Some(limit)) => format!("{} of {limit}", longest.chars),
                (Some(longest), None) => longest.chars.to_string(),
                (None, _) => String::new(),
            };
            let cut = cuts.get(&**member).map_or_else(String::new, u64::to_string);
            let left_out = if *left_out == 0 { String::new() } else { left_out.to_string() };
            let at = longest.as_ref().map(|LongestText { file, line, .. }| match findings.files.len() {
                1 => format!(" (line {line})"),
                _ => format!(" ({file}, line {line})"),
            });
            let at = at.unwrap_or_default();
            let _ = writeln!(text, "  {filled:>9} {left_out:>9} {cut:>7}  {chars:>14}  {member}{at}");
        }
        if !findings.unused_columns.is_empty() {
            let _ = writeln!(text, "\nColumns that are not sent: {}", findings.unused_columns.join(", "));
        }
    }

    fn forecast(&self, text: &mut String) {
        let findings = &self.findings;
        text.push_str("\nA run would:\n");
        let _ = writeln!(text, "  {:>9}  send", self.to_send());
        text.push_str(&count_lines(&[
            (self.faulty(), "reject"),
            (self.accepted(), "accept as rejected"),
            (
                findings.of(RowClass::Created) + findings.of(RowClass::CreatedChanged),
                "not send again: already created",
            ),
            (findings.of(RowClass::CreatedChanged), "of the created rows have changed since"),
            (findings.of(RowClass::Unknown), "not send again: unknown, a contact may exist"),
            (findings.of(RowClass::Refused), "not send again: Connect refused them, and they are unchanged"),
            (findings.of_other_shards, "leave to other shards"),
            (findings.passed_over, "pass over: where is false for them"),
            (findings.elsewhere, "of those to send wait in the ledger, from other files"),
        ]));
        if let Some(limit) = self.settings.limit {
            let _ = writeln!(text, "  (at most {limit} rows, because of --limit)");
        }
        text.push('\n');
        if self.to_send() > 0 {
            let takes = Duration::try_from_secs_f64(self.seconds()).unwrap_or(Duration::MAX);
            let end = self.end.as_ref().map(|end| format!(", until {}", end.strftime("%Y-%m-%d %H:%M %Z")));
            // The share of a shard may have any number of digits.
            let rate = self.settings.rate;
            let rate = self.settings.shard.map_or_else(|| rate.to_string(), |_| per_second(rate));
            let _ = writeln!(text, "  {} at {rate} a second{}", rounded(takes), end.unwrap_or_default());
        }
        // No warning: every long import does, and --strict would refuse it.
        if self.outlasts_window() {
            let window = rounded(self.settings.idempotency_window);
            let _ = writeln!(
                text,
                "  longer than the idempotency window of {window}: after that an unanswered row is unknown, not sent again"
            );
        }
        if let Some(note) = self.search_note() {
            let _ = writeln!(text, "  {note}");
        }
        if findings.longest.bytes > 0 {
            let longest = &findings.longest;
            let _ = writeln!(
                text,
                "  longest request: {} bytes ({}, line {})",
                longest.bytes, findings.files[longest.file].name, longest.line
            );
        }
        if let Some(ledger) = &self.settings.ledger {
            let _ = writeln!(text, "  ledger: {}", ledger.shown());
        }
    }

    /// What has to be done before the import, so that `verify` can search for unknown rows by an attribute.
    fn search_note(&self) -> Option<String> {
        let members = self.findings.members.iter();
        let mut attributes = members.filter_map(|count| count.member.strip_prefix("Attributes.")).peekable();
        match &self.settings.search_attribute {
            _ if self.to_send() == 0 => None,
            Some(named) if attributes.any(|attribute| attribute == named) => Some(format!(
                "verify finds unknown rows by the attribute {named} only if it was registered as searchable in\n  \
                 Connect before the import"
            )),
            Some(named) => Some(format!(
                "[verify] search_attribute names {named}, an attribute that no row fills; verify would search by name"
            )),
            None if attributes.peek().is_none() => None,
            None => {
                // Other rows may share any other attribute, so that a search by it settles nothing.
                let is_key = |attribute: &str| {
                    let is_same = |column: &String| {
                        column.strip_prefix("Attributes.") == Some(attribute) || slug(column) == attribute
                    };
                    self.settings.key.iter().any(is_same)
                };
                let of_key = attributes.find(|attribute| is_key(attribute));
                let which = of_key.map_or_else(|| "that holds the key".into(), |it| format!("such as {it}"));
                Some(format!(
                    "verify searches unknown rows by name. To search by an attribute {which}, register it as\n  \
                     searchable in Connect before the import, and name it under [verify] search_attribute"
                ))
            }
        }
    }

    fn verdict(&self, text: &mut String) {
        let warnings = self.findings.warnings().groups().len() as u64;
        let findings = &self.findings;
        let selects_none = findings.passed_over > 0 && findings.checked() == 0 && findings.elsewhere == 0;
        let verdict = match (self.faulty(), warnings) {
            (0, 0) if selects_none => {
                format!("Nothing to send: where is true for none of the {} rows read.", findings.rows)
            }
            (0, 0) => "Ready.".to_owned(),
            (0, _) if self.settings.is_strict => {
                format!("Not ready: {}, and --strict allows none.", count_of(warnings, "warning"))
            }
            (0, _) => format!("Ready, with {}.", count_of(warnings, "warning")),
            (faulty, 0) => format!("Not ready: {} would be rejected.", count_of(faulty, "row")),
            (faulty, _) => {
                let (faulty, warnings) = (count_of(faulty, "row"), count_of(warnings, "warning"));
                format!("Not ready: {faulty} would be rejected; {warnings}.")
            }
        };
        let _ = writeln!(text, "\n{verdict}");
    }

    /// The members for programs.
    fn member_messages(&self) -> Vec<MemberMessage<'_>> {
        let cuts = self.findings.warnings().by_subject(WarningCode::TextCut);
        let counts = self.findings.members.iter();
        let messages = counts.map(|count| {
            let MemberCount { member, filled, left_out, limit, longest } = count;
            let longest = longest.as_ref();
            MemberMessage {
                member,
                filled: *filled,
                left_out: *left_out,
                cut: cuts.get(&**member).copied().unwrap_or_default(),
                limit: *limit,
                longest: longest.map(|longest| longest.chars),
                longest_file: longest.map(|longest| &*longest.file),
                longest_line: longest.map(|longest| longest.line),
            }
        });
        messages.collect()
    }

    /// The report as a JSON message.
    pub fn json(&self) -> String {
        let findings = &self.findings;
        let warnings = findings.warnings();
        let ledger = self.settings.ledger.as_ref().map(|path| path.to_string_lossy().into_owned());
        let summary = CheckSummary {
            exit_code: self.exit_code().code(),
            files: &findings.files,
            shard: self.settings.shard.map(|shard| shard.to_string()),
            rows_read: findings.rows,
            of_other_shards: findings.of_other_shards,
            passed_over: findings.passed_over,
            faulty: self.faulty(),
            accepted: self.accepted(),
            to_send: self.to_send(),
            already_created: findings.of(RowClass::Created) + findings.of(RowClass::CreatedChanged),
            changed_created: findings.of(RowClass::CreatedChanged),
            unknown: findings.of(RowClass::Unknown),
            refused_before: findings.of(RowClass::Refused),
            waiting_elsewhere: findings.elsewhere,
            identical_rows: warnings.count(WarningCode::IdenticalRows),
            cut: warnings.by_subject(WarningCode::TextCut),
            long_chains: warnings.count(WarningCode::LongChain),
            scheduled_far: warnings.count(WarningCode::ScheduledFar),
            rate: self.settings.rate,
            seconds: self.seconds(),
            end: self.end.as_ref().map(|end| end.timestamp().to_string()),
            outlasts_idempotency_window: self.outlasts_window(),
            error_budget_spent: self.spent_budget().is_some(),
            time_zone_data: self.zone_data(),
            longest_request_bytes: findings.longest.bytes,
            ledger: ledger.as_deref(),
            search_attribute: self.settings.search_attribute.as_deref(),
            faults: findings.groups(),
            warnings: warnings.groups(),
            members: self.member_messages(),
            unused_columns: &findings.unused_columns,
        };
        Message::Check(summary).to_string()
    }
}
