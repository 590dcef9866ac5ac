//! A verification in one line. Pure.

use crate::ledger::{VerificationCounts, VerificationRecord};

/// The verification in a line, such as `verified 2026-11-30 18:40 UTC: 193 of 193 contacts looked up in
/// connect.eu-west-2.amazonaws.com, as sent`. `when` is its start, and `number` formats numbers of rows. The endpoint of a
/// rehearsal is the sandbox, whatever its port.
pub(crate) fn verified(
    record: &VerificationRecord,
    is_rehearsal: bool,
    when: &str,
    number: &dyn Fn(u64) -> String,
) -> String {
    let VerificationRecord { scope, counts, created_since, .. } = record;
    let begins = match record.ending.as_deref() {
        Some(_) if record.is_complete() => format!("verified {when}"),
        Some(ending) => format!("verification of {when} stopped early ({ending})"),
        None => format!("verification of {when} not finished"),
    };
    let of_sample = if scope.sample.is_some() { ", a sample drawn at random," } else { "" };
    let at = match &scope.endpoint {
        _ if is_rehearsal => " in the sandbox".to_owned(),
        Some(endpoint) => format!(" in {endpoint}"),
        None => String::new(),
    };
    let mut line = format!(
        "{begins}: {} of {}{of_sample} looked up{at}{}",
        number(counts.asked),
        contacts(counts.created, number),
        result(counts, number)
    );
    if counts.unknown > 0 {
        let found = [
            (counts.found, "found"),
            (counts.ambiguous, "ambiguous"),
            (counts.not_found, "not found"),
            (counts.unsearchable, "not searchable"),
        ];
        let rows = if counts.unknown == 1 { "row" } else { "rows" };
        line.push_str(&format!("; of {} unknown {rows} {}", number(counts.unknown), listed(&found, number)));
    }
    if *created_since > 0 {
        let are = if *created_since == 1 { "is" } else { "are" };
        line.push_str(&format!("; {} created since {are} not verified", contacts(*created_since, number)));
    }
    line
}

fn contacts(count: u64, number: &dyn Fn(u64) -> String) -> String {
    format!("{} {}", number(count), if count == 1 { "contact" } else { "contacts" })
}

/// Result of the lookups.
fn result(counts: &VerificationCounts, number: &dyn Fn(u64) -> String) -> String {
    let VerificationCounts { asked, same, different, missing, refused, shared, .. } = *counts;
    if same == asked && shared == 0 {
        return if asked > 0 { ", as sent".to_owned() } else { String::new() };
    }
    let parts = [
        (same, "as sent"),
        (different, "different"),
        (missing, "missing"),
        (refused, "not answered"),
        (shared, "shared with another row"),
    ];
    format!(", {}", listed(&parts, number))
}

/// The counts that are not 0.
fn listed(counts: &[(u64, &str)], number: &dyn Fn(u64) -> String) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<String> = some.map(|(count, words)| format!("{} {words}", number(*count))).collect();
    if texts.is_empty() { "none searched for".to_owned() } else { texts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::VerificationScope;

    fn line(change: impl FnOnce(&mut VerificationRecord)) -> String {
        let counts = VerificationCounts { created: 193, asked: 193, same: 193, ..Default::default() };
        let scope = VerificationScope { endpoint: Some("h".into()), ..Default::default() };
        let ending = Some("complete".to_owned());
        let mut record = VerificationRecord { counts, scope, ending, ..Default::default() };
        change(&mut record);
        verified(&record, false, "T", &|rows| rows.to_string())
    }

    #[test]
    fn a_verification_is_a_line_with_every_count_that_is_not_zero() {
        assert_eq!(line(|_| ()), "verified T: 193 of 193 contacts looked up in h, as sent");
        let of_sandbox = verified(&VerificationRecord::default(), true, "T", &|rows| rows.to_string());
        assert_eq!(of_sandbox, "verification of T not finished: 0 of 0 contacts looked up in the sandbox");
        let early = line(|record| {
            record.ending = Some("interrupted".into());
            (record.counts.asked, record.counts.same) = (0, 0);
            record.scope.endpoint = None;
        });
        assert_eq!(early, "verification of T stopped early (interrupted): 0 of 193 contacts looked up");
        let died = line(|record| {
            record.ending = None;
            record.created_since = 1;
        });
        let since = "; 1 contact created since is not verified";
        assert_eq!(
            died,
            format!("verification of T not finished: 193 of 193 contacts looked up in h, as sent{since}")
        );
        let all = line(|record| {
            record.scope.sample = Some(10);
            record.created_since = 2;
            record.counts = VerificationCounts {
                created: 193,
                asked: 10,
                same: 1,
                different: 2,
                missing: 3,
                refused: 4,
                shared: 5,
                unknown: 20,
                found: 6,
                ambiguous: 7,
                not_found: 8,
                unsearchable: 9,
                in_doubt: 0,
            };
        });
        assert_eq!(
            all,
            "verified T: 10 of 193 contacts, a sample drawn at random, looked up in h, 1 as sent, 2 different, \
             3 missing, 4 not answered, 5 shared with another row; of 20 unknown rows 6 found, 7 ambiguous, 8 not found, \
             9 not searchable; 2 contacts created since are not verified"
        );
    }
}
