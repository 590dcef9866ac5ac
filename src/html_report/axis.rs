//! Time axis of the plots. It fits ten seconds, and a week with a run every night: long gaps between runs are narrowed.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::clock::Clock;
use super::timeline::Step;

/// A time axis. Times are Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct TimeAxis {
    segments: Vec<AxisSegment>,
    ticks: Vec<i64>,
    clock: Clock,
    /// Length, pixels.
    width: f64,
}

/// A part of the axis with one scale.
#[derive(Clone, Debug, PartialEq)]
struct AxisSegment {
    from: i64,
    to: i64,
    /// Position on the axis, from 0 to 1.
    begins: f64,
    ends: f64,
    /// Whether nothing was sent in it, so that it is narrowed.
    is_gap: bool,
}

/// Minimum distance of two ticks, pixels: closer labels would touch.
const APART: f64 = 78.0;

/// Minimum distance of two ticks whose labels show their offset from UTC.
const FAR_APART: f64 = 120.0;

/// Possible distances of ticks, seconds.
const TICKS: [i64; 21] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 2_419_200,
];

impl TimeAxis {
    /// The axis of steps in their order, or `None` without steps. `width` is its length in pixels.
    pub(super) fn new(steps: &[Step], zone: &TimeZone, width: f64) -> Option<Self> {
        let mut segments = segments(steps)?;
        lay_out(&mut segments);
        let (from, to) = (segments.first()?.from, segments.last()?.to);
        let mut axis = TimeAxis { segments, ticks: Vec::new(), clock: Clock::new(zone, (from, to)), width };
        axis.ticks = axis.choose_ticks();
        Some(axis)
    }

    /// The gaps, from and to.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (i64, i64)> {
        self.segments.iter().filter(|segment| segment.is_gap).map(|segment| (segment.from, segment.to))
    }

    /// Formats times as short as the length of the axis allows.
    pub(super) fn labels(&self) -> impl Fn(&i64) -> String + use<> {
        let Range { start, end } = self.range();
        let day = |ms| self.clock.moment(ms).split_once(',').map(|(day, _)| day.to_owned());
        let is_dense = end - start < 300_000;
        let form = match (day(start) == day(end), is_dense) {
            (true, true) => "%H:%M:%S",
            (true, false) => "%H:%M",
            (false, _) => "%-d %b %H:%M",
        };
        let clock = self.clock.clone();
        move |ms| clock.at(*ms, form)
    }

    /// Position of a time, from 0 to 1.
    fn position(&self, ms: i64) -> f64 {
        let Some(segment) = self.segments.iter().find(|segment| ms <= segment.to).or(self.segments.last())
        else {
            return 0.0;
        };
        let within = (ms - segment.from) as f64 / (segment.to - segment.from).max(1) as f64;
        segment.begins + within.clamp(0.0, 1.0) * (segment.ends - segment.begins)
    }

    /// Ticks at the end of each gap and at round local times.
    fn choose_ticks(&self) -> Vec<i64> {
        let shown = || self.segments.iter().filter(|segment| !segment.is_gap);
        let apart = if self.clock.has_offset { FAR_APART } else { APART } / self.width;
        let mut ticks: Vec<i64> = Vec::new();
        let mut take = |ms: i64| {
            let position = self.position(ms);
            if ticks.iter().all(|tick| (self.position(*tick) - position).abs() >= apart) {
                ticks.push(ms);
            }
        };
        if self.segments.len() > 1 {
            shown().for_each(|segment| take(segment.from));
        }
        for segment in shown() {
            let length = (segment.to - segment.from) as f64 / 1000.0;
            let least = apart / (segment.ends - segment.begins) * length;
            let step = TICKS.into_iter().find(|step| *step as f64 >= least).unwrap_or(TICKS[TICKS.len() - 1]);
            let offset = Timestamp::from_millisecond(segment.from).unwrap_or_default();
            let offset = i64::from(self.clock.zone.to_offset(offset).seconds()) * 1000;
            let mut tick =
                (segment.from + offset + step * 1000 - 1).div_euclid(step * 1000) * step * 1000 - offset;
            while tick <= segment.to {
                take(tick);
                tick += step * 1000;
            }
        }
        ticks.sort_unstable();
        ticks
    }
}

/// Divides the axis into times of sending and gaps. Short gaps do not count, and there are none if most of the time was
/// spent sending.
fn segments(steps: &[Step]) -> Option<Vec<AxisSegment>> {
    let (first, last) = (steps.first()?, steps.last()?);
    let sending: i64 = steps.iter().map(|step| step.to_ms - step.from_ms).sum();
    let all = last.to_ms - first.from_ms;
    let segment = |from, to, is_gap| AxisSegment { from, to, begins: 0.0, ends: 0.0, is_gap };
    if sending * 10 > all * 6 {
        return Some(vec![segment(first.from_ms, last.to_ms, false)]);
    }
    let mut segments: Vec<AxisSegment> = Vec::new();
    for step in steps {
        match segments.last_mut() {
            Some(open) if step.from_ms - open.to <= sending / 20 => open.to = open.to.max(step.to_ms),
            Some(open) => {
                let gap = segment(open.to, step.from_ms, true);
                segments.extend([gap, segment(step.from_ms, step.to_ms, false)]);
            }
            None => segments.push(segment(step.from_ms, step.to_ms, false)),
        }
    }
    Some(segments)
}

/// Sets the positions of the segments. All gaps have one width, and together at most a third of the axis.
fn lay_out(segments: &mut [AxisSegment]) {
    let gaps = segments.iter().filter(|segment| segment.is_gap).count();
    let gap = (0.3 / gaps.max(1) as f64).min(0.04);
    let shown: i64 =
        segments.iter().filter(|segment| !segment.is_gap).map(|segment| segment.to - segment.from).sum();
    let for_shown = 1.0 - gap * gaps as f64;
    let mut position = 0.0;
    for segment in segments {
        segment.begins = position;
        position += if segment.is_gap {
            gap
        } else {
            for_shown * (segment.to - segment.from) as f64 / shown.max(1) as f64
        };
        segment.ends = position;
    }
}

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = i64;

    fn map(&self, value: &i64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.position(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<i64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<i64> {
        let ends = self.segments.first().zip(self.segments.last());
        ends.map_or(0..1, |(first, last)| first.from..last.to)
    }
}

impl ValueFormatter<i64> for TimeAxis {}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// Of a plot for a wide page, pixels.
    const WIDTH: f64 = 600.0;

    fn steps(spans: &[(i64, i64)]) -> Vec<Step> {
        spans.iter().map(|&(from_ms, to_ms)| Step { from_ms, to_ms, ..Step::default() }).collect()
    }

    fn labels(axis: &TimeAxis) -> Vec<String> {
        axis.ticks.iter().map(axis.labels()).collect()
    }

    #[test]
    fn the_axis_of_a_short_run_shows_seconds() {
        let axis = TimeAxis::new(&steps(&[(5000, 17_000)]), &TimeZone::UTC, WIDTH).unwrap();
        assert_eq!(labels(&axis), ["00:00:06", "00:00:08", "00:00:10", "00:00:12", "00:00:14", "00:00:16"]);
        assert_eq!((axis.map(&5000, (0, 120)), axis.map(&17_000, (0, 120))), (0, 120));
        assert_eq!(axis.gaps().count(), 0);
    }

    #[test]
    fn the_days_between_nightly_runs_are_narrowed() {
        let nights: Vec<(i64, i64)> =
            (0..4).map(|day| (day * 24 * HOUR, day * 24 * HOUR + 5 * HOUR)).collect();
        let axis = TimeAxis::new(&steps(&nights), &TimeZone::UTC, WIDTH).unwrap();
        assert_eq!(axis.gaps().count(), 3);
        let said = labels(&axis);
        assert_eq!(said[..2], ["1 Jan 00:00", "2 Jan 00:00"]);
        // Each night has the same width, and positions increase with time.
        let widths: Vec<i32> =
            nights.iter().map(|(from, to)| axis.map(to, (0, 1000)) - axis.map(from, (0, 1000))).collect();
        assert!(widths.iter().all(|width| (220..=222).contains(width)), "{widths:?}");
        let places: Vec<i32> = (0..80).map(|hour| axis.map(&(hour * HOUR), (0, 1000))).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn a_short_gap_is_not_narrowed() {
        let axis =
            TimeAxis::new(&steps(&[(0, 10 * HOUR), (12 * HOUR, 24 * HOUR)]), &TimeZone::UTC, WIDTH).unwrap();
        assert_eq!((axis.gaps().count(), axis.map(&(12 * HOUR), (0, 100))), (0, 50));
    }

    #[test]
    fn ticks_are_at_round_local_times() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let axis = TimeAxis::new(&steps(&[(0, 6 * HOUR)]), &zone, WIDTH).unwrap();
        assert_eq!(labels(&axis), ["06:00", "07:00", "08:00", "09:00", "10:00", "11:00"]);
    }

    #[test]
    fn labels_show_their_offset_where_it_changes() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let midnight = 1_792_886_400_000;
        let axis = TimeAxis::new(&steps(&[(midnight - HOUR, midnight + 2 * HOUR)]), &zone, WIDTH).unwrap();
        assert_eq!(labels(&axis), ["00:00 +01", "01:00 +01", "01:00 +00", "02:00 +00"]);
    }

    proptest::proptest! {
        #[test]
        fn labels_never_touch(spans in proptest::collection::vec((1_i64..100_000_000, 1000_i64..50_000_000), 1..40)) {
            let mut now = 0;
            let spans: Vec<(i64, i64)> = spans.into_iter().map(|(pause, length)| {
                let from = now + pause;
                now = from + length;
                (from, now)
            }).collect();
            let axis = TimeAxis::new(&steps(&spans), &TimeZone::UTC, WIDTH).unwrap();
            let places: Vec<f64> = axis.ticks.iter().map(|tick| axis.position(*tick)).collect();
            proptest::prop_assert!(places.windows(2).all(|two| two[1] - two[0] >= APART / WIDTH - 1e-9), "{places:?}");
            proptest::prop_assert!(places.len() < 9 && places.iter().all(|place| (0.0..=1.0).contains(place)));
        }
    }
}
