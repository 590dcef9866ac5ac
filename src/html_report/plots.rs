//! The plots, as SVG. Only this file and the axis use plotters.

use jiff::tz::TimeZone;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::ReportError;
use super::axis::TimeAxis;
use super::palette::{CONTACTS, FAILED, GAP, INK, LINE, MUTED, ThemeColour, UNKNOWN, WAITING};
use super::text::{latency, percent};
use super::timeline::Step;

/// Page that a plot is drawn for. Text keeps its size, so a plot for a wide page is not legible on a phone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PageWidth {
    /// A screen or paper.
    Wide,
    /// A phone: 360 pixels.
    Narrow,
}

impl PageWidth {
    /// Width of a plot, pixels.
    fn plot(self) -> u32 {
        match self {
            PageWidth::Wide => 760,
            PageWidth::Narrow => 360,
        }
    }

    /// Room for the labels of the values, and to the right of a time axis for half of its last label.
    fn beside_axis(self) -> (u32, u32) {
        match self {
            PageWidth::Wide => (70, 66),
            PageWidth::Narrow => (58, 44),
        }
    }

    /// Length of a time axis, pixels.
    pub(super) fn time_axis(self) -> f64 {
        let (left, right) = self.beside_axis();
        f64::from(self.plot() - left - right - MARGIN)
    }

    /// Part of an id. Both plots are in one page.
    fn id(self) -> &'static str {
        match self {
            PageWidth::Wide => "",
            PageWidth::Narrow => "-narrow",
        }
    }
}

/// Margin of a plot, pixels.
const MARGIN: u32 = 10;

/// Font size for a text height of 12 pixels; plotters divides it by 1.24.
const TEXT: f64 = 12.0 * 1.24;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<TimeAxis, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Plot of contacts per second and of the target rate, or `None` without steps. Its `description` is read aloud by
/// screen readers.
pub(super) fn contacts(
    steps: &[Step],
    zone: &TimeZone,
    description: &str,
    page: PageWidth,
) -> Result<Option<String>, ReportError> {
    let values = |step: &Step| step.contacts_per_second().max(step.rate);
    let top = steps.iter().map(values).fold(0.001, f64::max) * 1.08;
    let Some(axis) = TimeAxis::new(steps, zone, page.time_axis()) else { return Ok(None) };
    let decimals = match top {
        5.0.. => 0,
        0.5.. => 1,
        _ => 3,
    };
    let label = move |value: &f64| format!("{value:.decimals$}");
    svg(("contacts", "Contacts per second over time", description), (page, 300), |area| {
        let mut chart = chart(area, page, axis, top, "contacts per second", &label)?;
        areas(&mut chart, steps, Step::contacts_per_second, CONTACTS)?;
        lines(&mut chart, steps, |step| step.rate, WAITING)
    })
}

/// Plot of the shares of throttled and unanswered attempts, or `None` if there were none.
pub(super) fn throttling(
    steps: &[Step],
    zone: &TimeZone,
    description: &str,
    page: PageWidth,
) -> Result<Option<String>, ReportError> {
    let values = |step: &Step| step.throttled_share().max(step.unanswered_share());
    let most = steps.iter().map(values).fold(0.0, f64::max);
    let axis = TimeAxis::new(steps, zone, page.time_axis());
    let Some(axis) = axis.filter(|_| most > 0.0) else { return Ok(None) };
    let label = |value: &f64| percent(*value);
    let title = "Share of throttled and unanswered attempts over time";
    svg(("throttling", title, description), (page, 240), |area| {
        let mut chart = chart(area, page, axis, (most * 1.08).min(1.0), "share of attempts", &label)?;
        areas(&mut chart, steps, Step::throttled_share, FAILED)?;
        if steps.iter().any(|step| step.unanswered > 0) {
            lines(&mut chart, steps, Step::unanswered_share, UNKNOWN)?;
        }
        Ok(())
    })
}

/// Bar plot of latencies, seconds, each with its name and its name for a narrow page.
pub(super) fn latencies(
    times: &[(&str, &str, f64)],
    description: &str,
    page: PageWidth,
) -> Result<Option<String>, ReportError> {
    let Some(longest) = times.iter().map(|(_, _, seconds)| *seconds).reduce(f64::max) else {
        return Ok(None);
    };
    let height = 34 * times.len() as u32 + 46;
    let names = match page {
        PageWidth::Wide => 170,
        PageWidth::Narrow => 44,
    };
    svg(("answers", "Time to an answer", description), (page, height), |area| {
        let bars = times.len() as f64;
        let mut chart = ChartBuilder::on(area)
            .margin(MARGIN)
            .margin_right(90)
            .x_label_area_size(28)
            .y_label_area_size(names)
            .build_cartesian_2d(0.0..(longest * 1.02).max(0.000_1), 0.0..bars)?;
        let label = |seconds: &f64| if *seconds == 0.0 { "0".to_owned() } else { latency(*seconds) };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(if page == PageWidth::Wide { 5 } else { 3 })
            .max_light_lines(0)
            .bold_line_style(LINE.rgb())
            .axis_style(LINE.rgb())
            .x_label_style(text(MUTED))
            .x_label_formatter(&label)
            .draw()?;
        for (index, (name, short, seconds)) in times.iter().enumerate() {
            let name = if page == PageWidth::Wide { name } else { short };
            let middle = bars - index as f64 - 0.5;
            let (low, high) = ((0.0, middle - 0.32), (*seconds, middle + 0.32));
            let name =
                Text::new((*name).to_owned(), (-10, 0), text(INK).pos(Pos::new(HPos::Right, VPos::Center)));
            let value =
                Text::new(latency(*seconds), (8, 0), text(INK).pos(Pos::new(HPos::Left, VPos::Center)));
            chart.draw_series([Rectangle::new([low, high], WAITING.rgb().filled())])?;
            chart.draw_series([EmptyElement::at((0.0, middle)) + name])?;
            chart.draw_series([EmptyElement::at((*seconds, middle)) + value])?;
        }
        Ok(())
    })
}

/// An empty chart over time with its gaps marked.
fn chart<'a, 'b>(
    area: &'a Area<'b>,
    page: PageWidth,
    axis: TimeAxis,
    top: f64,
    unit: &str,
    label: &dyn Fn(&f64) -> String,
) -> Result<Chart<'a, 'b>, DrawingAreaErrorKind<std::io::Error>> {
    let (left, right) = page.beside_axis();
    let labels = axis.labels();
    let gaps: Vec<(i64, i64)> = axis.gaps().collect();
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_right(right)
        .x_label_area_size(32)
        .y_label_area_size(left)
        .build_cartesian_2d(axis, 0.0..top)?;
    let gap = |(from, to): (i64, i64)| Rectangle::new([(from, 0.0), (to, top)], GAP.rgb().filled());
    chart.draw_series(gaps.into_iter().map(gap))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_labels(5)
        .max_light_lines(0)
        .bold_line_style(LINE.rgb())
        .axis_style(MUTED.rgb())
        .label_style(text(MUTED))
        .axis_desc_style(text(MUTED))
        .y_desc(unit)
        .x_label_formatter(&labels)
        .y_label_formatter(label)
        .draw()?;
    Ok(chart)
}

fn text(colour: ThemeColour) -> TextStyle<'static> {
    let color = colour.rgb().to_backend_color();
    TextStyle { color, ..TextStyle::from(("sans-serif", TEXT).into_font()) }
}

/// Draws steps as filled areas, interrupted by pauses.
fn areas(chart: &mut Chart<'_, '_>, steps: &[Step], value: fn(&Step) -> f64, colour: ThemeColour) -> Drawn {
    for group in groups(steps) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let outline = outline(group, value);
        let mut shape = vec![(first.from_ms, 0.0)];
        shape.extend(&outline);
        shape.push((last.to_ms, 0.0));
        chart.draw_series([Polygon::new(shape.clone(), colour.rgb().mix(0.3))])?;
        // The outline keeps an area visible that is narrower than a pixel.
        chart.draw_series([PathElement::new(shape, colour.rgb().stroke_width(2))])?;
    }
    Ok(())
}

/// Draws steps as lines, interrupted by pauses.
fn lines(chart: &mut Chart<'_, '_>, steps: &[Step], value: fn(&Step) -> f64, colour: ThemeColour) -> Drawn {
    let paths =
        groups(steps).map(|group| PathElement::new(outline(group, value), colour.rgb().stroke_width(2)));
    chart.draw_series(paths).map(drop)
}

/// Groups of steps without a pause between them.
fn groups(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    steps.chunk_by(|one, next| next.from_ms - one.to_ms <= 1000)
}

fn outline(group: &[Step], value: fn(&Step) -> f64) -> Vec<(i64, f64)> {
    group.iter().flat_map(|step| [step.from_ms, step.to_ms].map(|ms| (ms, value(step)))).collect()
}

/// An SVG that scales to the width of the page, with a prefix of element ids, a title and a description.
fn svg(
    (id, title, description): (&str, &str, &str),
    (page, height): (PageWidth, u32),
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<Option<String>, ReportError> {
    let (width, id) = (page.plot(), format!("{id}{}", page.id()));
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
    let drawn = draw(&area).and_then(|()| area.present());
    drawn.map_err(|error| ReportError::Render(format!("{id}: {error}")))?;
    drop(area);
    let content = svg.split_once('>').map(|(_, content)| content);
    let content = content.ok_or_else(|| ReportError::Render(format!("{id}: not an SVG")))?;
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    Ok(Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-description\"><title id=\"{id}-title\">{}</title>\
         <desc id=\"{id}-description\">{}</desc>{content}",
        escaped(title),
        escaped(description),
    )))
}
