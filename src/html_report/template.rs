//! Renders the page from its facts.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::axis::TimeAxis;
use super::clock::{Clock, zone_name};
use super::facts::Facts;
use super::palette::PALETTE;
use super::plots::{self, PlotCaption};
use super::text::{count, latency, percent};
use super::timeline::Step;
use super::{ReportError, ReportOptions};
use crate::ui::per_second;

const PAGE: &str = include_str!("page.html");

/// Renders the page.
pub(super) fn render(facts: &Facts, options: &ReportOptions) -> Result<String, ReportError> {
    let clock = Clock::new(&options.zone, facts.period.unwrap_or((options.now_ms, options.now_ms)));
    let context = context! {
        facts => Value::from(Serde(facts)),
        palette => Value::from(Serde(PALETTE)),
        plots => Value::from(Serde(Plots::of(facts, &clock)?)),
        job => Value::from(Serde(&options.job)),
        version => options.version,
        now_ms => options.now_ms,
        zone => zone_name(&options.zone, options.tz.as_deref(), options.now_ms),
    };
    let page = environment(clock).and_then(|made| made.render_named_str("page.html", PAGE, context));
    page.map_err(|error| ReportError::Render(format!("{error:#}")))
}

/// An environment that escapes every value of an HTML template.
fn environment(clock: Clock) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("number", count);
    environment.add_filter("percent", percent);
    environment.add_filter("rate", per_second);
    environment.add_filter("latency", latency);
    environment.add_filter("moment", move |ms: i64| clock.moment(ms));
    Ok(environment)
}

/// The plots, and their numbers as tables.
#[derive(Debug, Serialize)]
struct Plots {
    contacts: Option<Value>,
    throttling: Option<Value>,
    latencies: Option<Value>,
    /// Whether gaps are narrowed.
    has_gaps: bool,
    /// Length of a step of the plots.
    step: String,
    /// Length of a step of the table.
    listed_step: String,
    /// Steps of the table and their formatted starts.
    steps: Vec<(String, Step)>,
    /// Latencies in seconds by name.
    latency_table: Vec<(&'static str, f64)>,
    answers: u64,
    attempts: u64,
    throttled: u64,
    unanswered: u64,
}

/// Names of the latency percentiles.
const PERCENTILES: [(&str, f64); 5] = [
    ("half of the answers (p50)", 50.0),
    ("90 of 100 (p90)", 90.0),
    ("95 of 100 (p95)", 95.0),
    ("99 of 100 (p99)", 99.0),
    ("the slowest (max)", 100.0),
];

impl Plots {
    fn of(facts: &Facts, clock: &Clock) -> Result<Self, ReportError> {
        let zone = &clock.zone;
        let (minutes, steps) = &facts.plotted;
        let sum = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
        let (attempts, throttled) = (sum(|step| step.attempts), sum(|step| step.throttled));
        let unanswered = sum(|step| step.unanswered);
        let share = |number: u64| percent(number as f64 / attempts.max(1) as f64);
        let most = steps.iter().map(Step::contacts_per_second).fold(0.0, f64::max);
        let times: Vec<(&str, f64)> = PERCENTILES
            .into_iter()
            .filter_map(|(name, at)| Some((name, facts.latencies.percentile(at)?.as_secs_f64())))
            .collect();
        let words = times.iter().map(|(name, seconds)| format!("{name}: {}", latency(*seconds)));
        let words = words.collect::<Vec<_>>().join("; ");
        // The slowest answer is not plotted: it would leave the others no room.
        let drawn = times.len().saturating_sub(1);
        let caption = |id, title, description| PlotCaption { id, title, description };
        let contacts = caption(
            "contacts",
            "Contacts per second over time",
            format!("At most {} contacts per second in a step of {}.", per_second(most), length(*minutes)),
        );
        let throttling = caption(
            "throttling",
            "Share of throttled and unanswered attempts over time",
            format!("{} throttled and {} unanswered of all attempts.", share(throttled), share(unanswered)),
        );
        let answers = caption("answers", "Latency of Amazon Connect", format!("Maximum latency of {words}."));
        let begins: Vec<i64> = facts.listed.1.iter().map(|step| step.from_ms).collect();
        let begins = clock.moments(&begins);
        let safe = |svg: Option<String>| svg.map(Value::from_safe_string);
        Ok(Plots {
            contacts: safe(plots::contacts(steps, zone, &contacts)?),
            throttling: safe(plots::throttling(steps, zone, &throttling)?),
            latencies: safe(plots::latencies(&times[..drawn], &answers)?),
            has_gaps: TimeAxis::new(steps, zone).is_some_and(|axis| axis.gaps().next().is_some()),
            step: length(*minutes),
            listed_step: length(facts.listed.0),
            steps: begins.into_iter().zip(facts.listed.1.iter().copied()).collect(),
            latency_table: times,
            answers: facts.latencies.answers(),
            attempts,
            throttled,
            unanswered,
        })
    }
}

/// Formats minutes: `1 minute`, `2 hours`, `1 day`.
fn length(minutes: i64) -> String {
    let (number, unit) = match minutes {
        days if days % 1440 == 0 => (days / 1440, "day"),
        hours if hours % 60 == 0 => (hours / 60, "hour"),
        minutes => (minutes, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
