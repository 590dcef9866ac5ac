//! Renders the page from its facts.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use super::axis::TimeAxis;
use super::clock::{Clock, zone_name};
use super::facts::Facts;
use super::palette::PALETTE;
use super::plots::{PageWidth, contacts, latencies, throttling};
use super::text::{capitalized, count, latency, percent};
use super::timeline::Step;
use super::verification::shown_verifications;
use super::{ReportError, ReportOptions};
use crate::printable::printable_page;
use crate::ui::per_second;

const PAGE: &str = include_str!("page.html");

/// Renders the page.
pub(super) fn render(facts: &Facts, options: &ReportOptions) -> Result<String, ReportError> {
    let clock = Clock::new(&options.zone, facts.period.unwrap_or((options.now_ms, options.now_ms)));
    let zone = zone_name(&options.zone, options.tz.as_deref(), options.now_ms);
    let next = facts.next.as_ref().and_then(|next| next.command.as_deref());
    let context = context! {
        facts => Value::from(Serde(facts)),
        palette => Value::from(Serde(PALETTE)),
        plots => plots(facts, &clock)?,
        verifications => Value::from(Serde(shown_verifications(&facts.verified, &clock, &zone, next))),
        job => Value::from(Serde(&options.job)),
        version => options.version,
        now_ms => options.now_ms,
        zone,
    };
    let page = environment(clock).and_then(|made| made.render_named_str("page.html", PAGE, context));
    page.map(|page| printable_page(&page)).map_err(|error| ReportError::Render(format!("{error:#}")))
}

/// An environment that escapes every value of an HTML template.
fn environment(clock: Clock) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("number", count);
    environment.add_filter("capitalized", |text: &str| capitalized(text));
    environment.add_filter("percent", percent);
    environment.add_filter("rate", per_second);
    environment.add_filter("latency", latency);
    environment.add_filter("moment", move |ms: i64| clock.moment(ms));
    Ok(environment)
}

/// Names of the latency percentiles, long and short.
const PERCENTILES: [(&str, &str, f64); 5] = [
    ("half of the answers (p50)", "p50", 50.0),
    ("90 of 100 (p90)", "p90", 90.0),
    ("95 of 100 (p95)", "p95", 95.0),
    ("99 of 100 (p99)", "p99", 99.0),
    ("the slowest (max)", "max", 100.0),
];

/// The plots, and their numbers as tables.
fn plots(facts: &Facts, clock: &Clock) -> Result<Value, ReportError> {
    let zone = &clock.zone;
    let (minutes, steps) = &facts.plotted;
    let sum = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
    let (attempts, throttled) = (sum(|step| step.attempts), sum(|step| step.throttled));
    let unanswered = sum(|step| step.unanswered);
    let share = |number: u64| percent(number as f64 / attempts.max(1) as f64);
    let most = steps.iter().map(Step::contacts_per_second).fold(0.0, f64::max);
    let times: Vec<(&str, &str, f64)> = PERCENTILES
        .into_iter()
        .filter_map(|(name, short, at)| Some((name, short, facts.latencies.percentile(at)?.as_secs_f64())))
        .collect();
    let words = times.iter().map(|(name, _, seconds)| format!("{name}: {}", latency(*seconds)));
    let words = words.collect::<Vec<_>>().join("; ");
    // The slowest answer is not plotted: it would leave the others no room.
    let drawn = times.len().saturating_sub(1);
    let created =
        format!("At most {} contacts per second in a step of {}.", per_second(most), length(*minutes));
    let refused =
        format!("{} throttled and {} unanswered of all attempts.", share(throttled), share(unanswered));
    let (listed_minutes, listed) = &facts.listed;
    let begins = clock.moments(&listed.iter().map(|step| step.from_ms).collect::<Vec<_>>());
    let table: Vec<(String, Step)> = begins.into_iter().zip(listed.iter().copied()).collect();
    Ok(context! {
        contacts => for_each_width(|page| contacts(steps, zone, &created, page))?,
        throttling => for_each_width(|page| throttling(steps, zone, &refused, page))?,
        latencies => for_each_width(|page| {
            latencies(&times[..drawn], &format!("Maximum latency of {words}."), page)
        })?,
        // Whether gaps are narrowed.
        has_gaps => TimeAxis::new(steps, zone, PageWidth::Wide.time_axis())
            .is_some_and(|axis| axis.gaps().next().is_some()),
        step => length(*minutes),
        listed_step => length(*listed_minutes),
        steps => Value::from(Serde(table)),
        latency_table => Value::from(Serde(times)),
        answers => facts.latencies.answers(),
        attempts,
        throttled,
        unanswered,
    })
}

/// A plot for wide pages and one for narrow pages. The style sheet shows one of them.
fn for_each_width(
    plot: impl Fn(PageWidth) -> Result<Option<String>, ReportError>,
) -> Result<Option<Value>, ReportError> {
    let (wide, narrow) = (plot(PageWidth::Wide)?, plot(PageWidth::Narrow)?);
    let both = |(wide, narrow)| {
        Value::from_safe_string(format!(
            "<div class=\"for-wide\">{wide}</div><div class=\"for-narrow\">{narrow}</div>"
        ))
    };
    Ok(wide.zip(narrow).map(both))
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
