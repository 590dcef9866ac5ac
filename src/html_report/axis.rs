//! The axis of time, on which a migration of a week with a run every night has room, as has one of ten seconds.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::clock::Clock;
use super::timeline::Step;

/// Time as a plot shows it: all of it, or without the long times in which nothing was sent. Moments are milliseconds
/// since 1970.
#[derive(Clone, Debug)]
pub(super) struct TimeAxis {
    pieces: Vec<Piece>,
    ticks: Vec<i64>,
    clock: Clock,
}

/// A part of the axis.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    from: i64,
    to: i64,
    /// Where it begins and ends on the axis, from 0 to 1.
    begins: f64,
    ends: f64,
    is_cut: bool,
}

/// Between two ticks there is at least this share of the axis, so that their labels do not touch.
const APART: f64 = 0.13;

/// The same where labels have their offset from UTC.
const FAR_APART: f64 = 0.2;

/// Seconds between ticks.
const TICKS: [i64; 21] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 2_419_200,
];

impl TimeAxis {
    /// The axis for these steps, in the order of time. None where there are no steps.
    pub(super) fn new(steps: &[Step], zone: &TimeZone) -> Option<Self> {
        let mut pieces = pieces(steps)?;
        place(&mut pieces);
        let (from, to) = (pieces.first()?.from, pieces.last()?.to);
        let mut axis = TimeAxis { pieces, ticks: Vec::new(), clock: Clock::new(zone, (from, to)) };
        axis.ticks = axis.choose_ticks();
        Some(axis)
    }

    /// The times that are left out.
    pub(super) fn cuts(&self) -> impl Iterator<Item = (i64, i64)> {
        self.pieces.iter().filter(|piece| piece.is_cut).map(|piece| (piece.from, piece.to))
    }

    /// How its moments are written: as short as they can be told apart.
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

    /// Where a moment lies, from 0 to 1.
    fn share(&self, ms: i64) -> f64 {
        let Some(piece) = self.pieces.iter().find(|piece| ms <= piece.to).or(self.pieces.last()) else {
            return 0.0;
        };
        let within = (ms - piece.from) as f64 / (piece.to - piece.from).max(1) as f64;
        piece.begins + within.clamp(0.0, 1.0) * (piece.ends - piece.begins)
    }

    /// Where time goes on after a cut, and round moments between.
    fn choose_ticks(&self) -> Vec<i64> {
        let shown = || self.pieces.iter().filter(|piece| !piece.is_cut);
        let apart = if self.clock.has_offset() { FAR_APART } else { APART };
        let mut ticks: Vec<i64> = Vec::new();
        let mut take = |ms: i64| {
            let place = self.share(ms);
            if ticks.iter().all(|tick| (self.share(*tick) - place).abs() >= apart) {
                ticks.push(ms);
            }
        };
        if self.pieces.len() > 1 {
            shown().for_each(|piece| take(piece.from));
        }
        for piece in shown() {
            let length = (piece.to - piece.from) as f64 / 1000.0;
            let least = apart / (piece.ends - piece.begins) * length;
            let step = TICKS.into_iter().find(|step| *step as f64 >= least).unwrap_or(TICKS[TICKS.len() - 1]);
            // Round on the zone's clocks.
            let offset = Timestamp::from_millisecond(piece.from).unwrap_or_default();
            let offset = i64::from(self.clock.zone().to_offset(offset).seconds()) * 1000;
            let mut tick =
                (piece.from + offset + step * 1000 - 1).div_euclid(step * 1000) * step * 1000 - offset;
            while tick <= piece.to {
                take(tick);
                tick += step * 1000;
            }
        }
        ticks.sort_unstable();
        ticks
    }
}

/// The times in which something was sent and those between them; short ones are no matter. Where most of the time was
/// spent sending, nothing is cut.
fn pieces(steps: &[Step]) -> Option<Vec<Piece>> {
    let (first, last) = (steps.first()?, steps.last()?);
    let sending: i64 = steps.iter().map(|step| step.to_ms - step.from_ms).sum();
    let all = last.to_ms - first.from_ms;
    let piece = |from, to, is_cut| Piece { from, to, begins: 0.0, ends: 0.0, is_cut };
    if sending * 10 > all * 6 {
        return Some(vec![piece(first.from_ms, last.to_ms, false)]);
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for step in steps {
        match pieces.last_mut() {
            Some(open) if step.from_ms - open.to <= sending / 20 => open.to = open.to.max(step.to_ms),
            Some(open) => {
                let cut = piece(open.to, step.from_ms, true);
                pieces.extend([cut, piece(step.from_ms, step.to_ms, false)]);
            }
            None => pieces.push(piece(step.from_ms, step.to_ms, false)),
        }
    }
    Some(pieces)
}

/// Shares the axis out: each cut is as wide as any other, and all of them together take no more than a third.
fn place(pieces: &mut [Piece]) {
    let cuts = pieces.iter().filter(|piece| piece.is_cut).count();
    let cut = (0.3 / cuts.max(1) as f64).min(0.04);
    let shown: i64 = pieces.iter().filter(|piece| !piece.is_cut).map(|piece| piece.to - piece.from).sum();
    let for_shown = 1.0 - cut * cuts as f64;
    let mut place = 0.0;
    for piece in pieces {
        piece.begins = place;
        place +=
            if piece.is_cut { cut } else { for_shown * (piece.to - piece.from) as f64 / shown.max(1) as f64 };
        piece.ends = place;
    }
}

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = i64;

    fn map(&self, value: &i64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.share(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<i64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<i64> {
        let ends = self.pieces.first().zip(self.pieces.last());
        ends.map_or(0..1, |(first, last)| first.from..last.to)
    }
}

impl ValueFormatter<i64> for TimeAxis {}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn steps(spans: &[(i64, i64)]) -> Vec<Step> {
        spans.iter().map(|&(from_ms, to_ms)| Step { from_ms, to_ms, ..Step::default() }).collect()
    }

    fn labels(axis: &TimeAxis) -> Vec<String> {
        axis.ticks.iter().map(axis.labels()).collect()
    }

    #[test]
    fn a_run_of_seconds_has_seconds_on_its_axis() {
        let axis = TimeAxis::new(&steps(&[(5000, 17_000)]), &TimeZone::UTC).unwrap();
        assert_eq!(labels(&axis), ["00:00:06", "00:00:08", "00:00:10", "00:00:12", "00:00:14", "00:00:16"]);
        assert_eq!((axis.map(&5000, (0, 120)), axis.map(&17_000, (0, 120))), (0, 120));
        assert_eq!(axis.cuts().count(), 0);
    }

    #[test]
    fn nights_follow_one_another_without_the_days_between() {
        let nights: Vec<(i64, i64)> =
            (0..4).map(|day| (day * 24 * HOUR, day * 24 * HOUR + 5 * HOUR)).collect();
        let axis = TimeAxis::new(&steps(&nights), &TimeZone::UTC).unwrap();
        assert_eq!(axis.cuts().count(), 3);
        let said = labels(&axis);
        assert_eq!(said[..2], ["1 Jan 00:00", "2 Jan 00:00"]);
        // Each night has the same room, and time never runs backwards.
        let widths: Vec<i32> =
            nights.iter().map(|(from, to)| axis.map(to, (0, 1000)) - axis.map(from, (0, 1000))).collect();
        assert!(widths.iter().all(|width| (220..=222).contains(width)), "{widths:?}");
        let places: Vec<i32> = (0..80).map(|hour| axis.map(&(hour * HOUR), (0, 1000))).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn what_is_nearly_without_a_pause_is_not_cut() {
        let axis = TimeAxis::new(&steps(&[(0, 10 * HOUR), (12 * HOUR, 24 * HOUR)]), &TimeZone::UTC).unwrap();
        assert_eq!((axis.cuts().count(), axis.map(&(12 * HOUR), (0, 100))), (0, 50));
    }

    #[test]
    fn ticks_are_round_on_the_clocks_of_the_zone() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let axis = TimeAxis::new(&steps(&[(0, 6 * HOUR)]), &zone).unwrap();
        assert_eq!(labels(&axis), ["06:00", "07:00", "08:00", "09:00", "10:00", "11:00"]);
    }

    #[test]
    fn where_clocks_are_changed_labels_have_their_offset() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let midnight = 1_792_886_400_000;
        let axis = TimeAxis::new(&steps(&[(midnight - HOUR, midnight + 2 * HOUR)]), &zone).unwrap();
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
            let axis = TimeAxis::new(&steps(&spans), &TimeZone::UTC).unwrap();
            let places: Vec<f64> = axis.ticks.iter().map(|tick| axis.share(*tick)).collect();
            proptest::prop_assert!(places.windows(2).all(|two| two[1] - two[0] >= APART - 1e-9), "{places:?}");
            proptest::prop_assert!(places.len() < 9 && places.iter().all(|place| (0.0..=1.0).contains(place)));
        }
    }
}
