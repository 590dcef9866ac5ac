//! Times as a zone's clocks show them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The clocks of a zone, by which all times of a page are told.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    /// Whether the offset from UTC belongs to each time.
    has_offset: bool,
}

const HOUR_MS: i64 = 3_600_000;

impl Clock {
    /// Clocks for times within a period, in milliseconds since 1970. If they are changed in it, or so shortly before or
    /// after it that an hour is told twice, each time has its offset.
    pub(super) fn new(zone: &TimeZone, (from_ms, to_ms): (i64, i64)) -> Self {
        let moment = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
        let (from, to) = (moment(from_ms - HOUR_MS), moment(to_ms + HOUR_MS));
        let offset = zone.to_offset(from);
        let mut changes = zone.following(from).take_while(|change| change.timestamp() <= to);
        Clock { zone: zone.clone(), has_offset: changes.any(|change| change.offset() != offset) }
    }

    /// The zone.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether the offset belongs to each time.
    pub(super) fn has_offset(&self) -> bool {
        self.has_offset
    }

    /// A moment in milliseconds since 1970, such as `16 Nov 2026, 01:30`.
    pub(super) fn moment(&self, ms: i64) -> String {
        self.at(ms, "%-d %b %Y, %H:%M")
    }

    /// Moments that follow one another, with seconds where these are needed to tell them apart.
    pub(super) fn moments(&self, moments: &[i64]) -> Vec<String> {
        let all = |form| moments.iter().map(|ms| self.at(*ms, form)).collect::<Vec<_>>();
        let minutes = all("%-d %b %Y, %H:%M");
        match minutes.windows(2).any(|two| two[0] == two[1]) {
            true => all("%-d %b %Y, %H:%M:%S"),
            false => minutes,
        }
    }

    /// A moment in a form of one's own, see jiff's strtime; and its offset, where that belongs to it.
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

/// A zone by its name; where it has none, as it was `given` by the variable TZ, or by its distance from UTC as it is at
/// a moment.
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
    fn times_are_those_of_the_zone_and_the_zone_has_a_name() {
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(Clock::new(&zone, (0, 1)).moment(1_763_251_200_000), "15 Nov 2025, 19:00");
        assert_eq!(zone_name(&zone, Some("x"), 0), "America/New York");
        assert_eq!(zone_name(&TimeZone::fixed(jiff::tz::offset(2)), None, 0), "UTC+02:00");
        assert_eq!(zone_name(&TimeZone::UTC, None, 0), "UTC");
        let rule = "GMT0BST,M3.5.0/1,M10.5.0";
        assert_eq!(zone_name(&TimeZone::posix(rule).unwrap(), Some(rule), 0), rule);
    }

    #[test]
    fn an_hour_that_comes_twice_is_told_apart() {
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
        assert!(!Clock::new(&kolkata, (MIDNIGHT, MIDNIGHT + 9000 * HOUR_MS)).has_offset());
    }

    #[test]
    fn times_of_one_minute_have_seconds() {
        let clock = Clock::new(&TimeZone::UTC, (0, 60_000));
        assert_eq!(clock.moments(&[0, 60_000]), ["1 Jan 1970, 00:00", "1 Jan 1970, 00:01"]);
        assert_eq!(clock.moments(&[1000, 59_000]), ["1 Jan 1970, 00:00:01", "1 Jan 1970, 00:00:59"]);
    }
}
