//! The page's colours, in the light and in the dark.

use plotters::style::RGBColor;
use serde::Serialize;

/// A colour by what it stands for. Plots are drawn in the light ones, which are all different, so that the style sheet
/// can give each its dark one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Paint {
    /// What the style sheet calls it.
    pub(super) name: &'static str,
    /// In the light, and on paper.
    pub(super) light: &'static str,
    /// In the dark.
    pub(super) dark: &'static str,
}

const fn paint(name: &'static str, light: &'static str, dark: &'static str) -> Paint {
    Paint { name, light, dark }
}

/// The page itself.
pub(super) const PAPER: Paint = paint("paper", "#FFFFFF", "#14181D");
/// What lies on it.
pub(super) const PANEL: Paint = paint("panel", "#F4F6F8", "#1D232A");
/// Text.
pub(super) const INK: Paint = paint("ink", "#1B2026", "#E6E9ED");
/// Text that matters less.
pub(super) const MUTED: Paint = paint("muted", "#535C67", "#A8B1BC");
/// Lines between things.
pub(super) const LINE: Paint = paint("line", "#D5DAE0", "#39424D");
/// Time that is left out of a plot.
pub(super) const SILENCE: Paint = paint("silence", "#E9ECF0", "#272E37");
/// Contacts.
pub(super) const CONTACTS: Paint = paint("contacts", "#1A7A4C", "#56C48E");
/// Rows that still wait, and the rate that was set.
pub(super) const WAITING: Paint = paint("waiting", "#2A62B4", "#8AB5F5");
/// Rejected rows.
pub(super) const REJECTED: Paint = paint("rejected", "#B3261E", "#FF938A");
/// Duplicates.
pub(super) const DUPLICATES: Paint = paint("duplicates", "#5B6472", "#B3BCC8");
/// Rows that have left their file.
pub(super) const WITHDRAWN: Paint = paint("withdrawn", "#2F6B75", "#7CC4D0");
/// Failed rows, and what Connect throttled.
pub(super) const FAILED: Paint = paint("failed", "#9A5200", "#F2AA5A");
/// Unknown rows, and what went unanswered.
pub(super) const UNKNOWN: Paint = paint("unknown", "#7F35B2", "#CFA2F2");

/// All of them.
pub(super) const PAINTS: [Paint; 13] = [
    PAPER, PANEL, INK, MUTED, LINE, SILENCE, CONTACTS, WAITING, WITHDRAWN, REJECTED, DUPLICATES, FAILED,
    UNKNOWN,
];

impl Paint {
    /// The light colour, for a plot.
    pub(super) fn rgb(self) -> RGBColor {
        let [red, green, blue] = channels(self.light);
        RGBColor(red, green, blue)
    }
}

/// Red, green and blue of `#RRGGBB`.
fn channels(colour: &str) -> [u8; 3] {
    [1, 3, 5].map(|at| {
        colour.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours as WCAG 2 defines it, from 1 to 21.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |colour| {
            let linear = |channel: u8| match f64::from(channel) / 255.0 {
                dark if dark <= 0.04045 => dark / 12.92,
                light => ((light + 0.055) / 1.055).powf(2.4),
            };
            let [red, green, blue] = channels(colour).map(linear);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn black_on_white_has_the_greatest_contrast() {
        assert!((contrast("#000000", "#FFFFFF") - 21.0).abs() < 1e-9);
        assert!((contrast("#767676", "#FFFFFF") - 4.54).abs() < 0.01);
    }

    #[test]
    fn every_text_and_every_line_of_a_plot_can_be_seen_in_the_light_and_in_the_dark() {
        for paint in [INK, MUTED, CONTACTS, WAITING, WITHDRAWN, REJECTED, DUPLICATES, FAILED, UNKNOWN] {
            for ground in [PAPER, PANEL, SILENCE] {
                // AA for text of any size; what is drawn would need 3.
                let light = contrast(paint.light, ground.light);
                let dark = contrast(paint.dark, ground.dark);
                assert!(light >= 4.5 && dark >= 4.5, "{} on {}: {light}, {dark}", paint.name, ground.name);
            }
        }
    }

    #[test]
    fn the_style_sheet_can_tell_the_colours_of_a_plot_apart() {
        let mut light: Vec<_> = PAINTS.iter().map(|paint| paint.light).collect();
        light.sort_unstable();
        light.dedup();
        assert_eq!(light.len(), PAINTS.len());
        assert!(light.iter().all(|colour| *colour == colour.to_uppercase() && colour.len() == 7));
    }
}
