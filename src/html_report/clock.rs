//! Local times of a time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Formats the times of a page in one zone.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// The time zone.
    pub(super) zone: TimeZone,
    /// Whether each time shows its offset from UTC.
    pub(super) has_offset: bool,
}

const HOUR_MS: i64 = 3_600_000;

impl Clock {
    /// A clock for times within a period, Unix milliseconds. Times show their offset if the offset changes in the period
    /// or within an hour of it, where a local time can occur twice.
    pub(super) fn new(zone: &TimeZone, (from_ms, to_ms): (i64, i64)) -> Self {
        let moment = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
        let (from, to) = (moment(from_ms - HOUR_MS), moment(to_ms + HOUR_MS));
        let offset = zone.to_offset(from);
        let mut changes = zone.following(from).take_while(|change| change.timestamp() <= to);
        Clock { zone: zone.clone(), has_offset: changes.any(|change| change.offset() != offset) }
    }

    /// Formats Unix milliseconds, such as `16 Nov 2026, 01:30`.
    pub(super) fn moment(&self, ms: i64) -> String {
        self.at(ms, "%-d %b %Y, %H:%M")
    }

    /// Formats successive times, with seconds if two are in one minute.
    pub(super) fn moments(&self, moments: &[i64]) -> Vec<String> {
        let all = |form| moments.iter().map(|ms| self.at(*ms, form)).collect::<Vec<_>>();
        let minutes = all("%-d %b %Y, %H:%M");
        match minutes.windows(2).any(|two| two[0] == two[1]) {
            true => all("%-d %b %Y, %H:%M:%S"),
            false => minutes,
        }
    }

    /// Formats Unix milliseconds by a format of jiff's `strtime`, with the offset where times show it.
    pub(super) fn at(&self, ms: i64, form: &str) -> String {
        let mut text = at(ms, &self.zone, form);
        if self.has_offset {
            text.push_str(&at(ms, &self.zone, " %:::z"));
        }
        text
    }
}

fn at(ms: i64, zone: &TimeZone, form: &str) -> String {
    let moment = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned_datetime(zone.clone());
    moment.strftime(form).to_string()
}

/// Name of a zone: its IANA name, otherwise the value of the variable TZ, otherwise the offset from UTC at a time.
pub(super) fn zone_name(zone: &TimeZone, given: Option<&str>, ms: i64) -> String {
    match (zone.iana_name(), given) {
        (Some("UTC" | "Etc/UTC"), _) => "UTC".to_owned(),
        (Some(name), _) if name != "Etc/Unknown" => name.replace('_', " "),
        (None, Some(given)) => given.to_owned(),
        (_, _) => format!("UTC{}", at(ms, zone, "%:z")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 25 October 2026, 00:00 UTC; in London clocks are put back from 02:00 to 01:00 an hour later.
    const MIDNIGHT: i64 = 1_792_886_400_000;

    #[test]
    fn times_are_local_and_the_zone_has_a_name() {
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(Clock::new(&zone, (0, 1)).moment(1_763_251_200_000), "15 Nov 2025, 19:00");
        assert_eq!(zone_name(&zone, Some("x"), 0), "America/New York");
        assert_eq!(zone_name(&TimeZone::fixed(jiff::tz::offset(2)), None, 0), "UTC+02:00");
        assert_eq!(zone_name(&TimeZone::UTC, None, 0), "UTC");
        let rule = "GMT0BST,M3.5.0/1,M10.5.0";
        assert_eq!(zone_name(&TimeZone::posix(rule).unwrap(), Some(rule), 0), rule);
    }

    #[test]
    fn a_local_time_that_occurs_twice_shows_its_offset() {
        let rule = TimeZone::posix("GMT0BST,M3.5.0/1,M10.5.0").unwrap();
        for zone in [TimeZone::get("Europe/London").unwrap(), rule] {
            let moments = [MIDNIGHT, MIDNIGHT + HOUR_MS];
            for period in [
                (MIDNIGHT, MIDNIGHT + HOUR_MS),
                (MIDNIGHT, MIDNIGHT),
                (MIDNIGHT + HOUR_MS, MIDNIGHT + HOUR_MS),
            ] {
                let said = Clock::new(&zone, period).moments(&moments);
                assert_eq!(said, ["25 Oct 2026, 01:00 +01", "25 Oct 2026, 01:00 +00"]);
            }
            assert_eq!(Clock::new(&zone, (0, 1)).moment(MIDNIGHT), "25 Oct 2026, 01:00");
        }
        let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
        assert!(!Clock::new(&kolkata, (MIDNIGHT, MIDNIGHT + 9000 * HOUR_MS)).has_offset);
    }

    #[test]
    fn times_in_one_minute_have_seconds() {
        let clock = Clock::new(&TimeZone::UTC, (0, 60_000));
        assert_eq!(clock.moments(&[0, 60_000]), ["1 Jan 1970, 00:00", "1 Jan 1970, 00:01"]);
        assert_eq!(clock.moments(&[1000, 59_000]), ["1 Jan 1970, 00:00:01", "1 Jan 1970, 00:00:59"]);
    }
}
