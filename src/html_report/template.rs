//! Renders the page from its facts.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
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

/// Templates of the page, in their order.
const TEMPLATES: [(&str, &str); 7] = [
    ("head.html", include_str!("templates/head.html")),
    ("rows.html", include_str!("templates/rows.html")),
    ("plots.html", include_str!("templates/plots.html")),
    ("doubtful.html", include_str!("templates/doubtful.html")),
    ("runs.html", include_str!("templates/runs.html")),
    ("job.html", include_str!("templates/job.html")),
    ("foot.html", include_str!("templates/foot.html")),
];

const STYLE: &str = include_str!("templates/page.css");

/// Renders the page.
pub(super) fn render(facts: &Facts, options: &ReportOptions) -> Result<String, ReportError> {
    let made = |error: minijinja::Error| ReportError::Render(format!("{error:#}"));
    let clock = Clock::new(&options.zone, facts.period.unwrap_or((options.now_ms, options.now_ms)));
    let mut environment = environment(&clock);
    for (name, text) in TEMPLATES.into_iter().chain([("page.css", STYLE)]) {
        environment.add_template(name, text).map_err(made)?;
    }
    let style = environment.get_template("page.css").map_err(made)?;
    let style = style.render(context! { palette => Value::from(Serde(PALETTE)) }).map_err(made)?;
    let context = context! {
        facts => Value::from(Serde(facts)),
        // The style sheet contains no facts, so it needs no escaping.
        style => Value::from_safe_string(style),
        plots => Value::from(Serde(Plots::of(facts, &clock)?)),
        job => Value::from(Serde(&options.job)),
        version => options.version,
        now_ms => options.now_ms,
        zone => zone_name(&options.zone, options.tz.as_deref(), options.now_ms),
    };
    let mut page = String::new();
    for (name, _) in TEMPLATES {
        let part = environment.get_template(name).and_then(|part| part.render(&context)).map_err(made)?;
        page.push_str(&part);
        page.push('\n');
    }
    Ok(page)
}

/// An environment that escapes every value.
fn environment(clock: &Clock) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| match name {
        "page.css" => AutoEscape::None,
        _ => AutoEscape::Html,
    });
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default(),
    );
    environment.add_filter("number", count);
    let clock = clock.clone();
    environment.add_filter("moment", move |ms: i64| clock.moment(ms));
    environment
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
    steps: Vec<StepRow>,
    /// Names and values of the latencies.
    times: Vec<(&'static str, String)>,
    answers: u64,
    attempts: u64,
    throttled: u64,
    unanswered: u64,
    throttled_share: String,
    unanswered_share: String,
}

#[derive(Debug, Serialize)]
struct StepRow {
    from: String,
    created: u64,
    contacts_per_second: String,
    rate: String,
    attempts: u64,
    throttled: String,
    unanswered: String,
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
        let zone = clock.zone();
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
            steps: facts.listed.1.iter().zip(begins).map(|(step, from)| StepRow::of(step, from)).collect(),
            times: times.iter().map(|(name, seconds)| (*name, latency(*seconds))).collect(),
            answers: facts.latencies.answers(),
            attempts,
            throttled,
            unanswered,
            throttled_share: share(throttled),
            unanswered_share: share(unanswered),
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

impl StepRow {
    fn of(step: &Step, from: String) -> Self {
        StepRow {
            from,
            created: step.created,
            contacts_per_second: per_second(step.contacts_per_second()),
            rate: per_second(step.rate),
            attempts: step.attempts,
            throttled: percent(step.throttled_share()),
            unanswered: percent(step.unanswered_share()),
        }
    }
}
