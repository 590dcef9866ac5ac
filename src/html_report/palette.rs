//! Colours of the page, in its light and its dark form.

use plotters::style::RGBColor;
use serde::Serialize;

/// A colour by its purpose. Plots use the light forms, all of which differ: the style sheet replaces each by its dark one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(super) struct ThemeColour {
    /// Name in the style sheet.
    pub(super) name: &'static str,
    /// Light form, also for print, `#RRGGBB`.
    pub(super) light: &'static str,
    /// Dark form, `#RRGGBB`.
    pub(super) dark: &'static str,
}

const fn colour(name: &'static str, light: &'static str, dark: &'static str) -> ThemeColour {
    ThemeColour { name, light, dark }
}

/// Background of the page.
pub(super) const PAPER: ThemeColour = colour("paper", "#FFFFFF", "#14181D");
/// Background of boxes.
pub(super) const PANEL: ThemeColour = colour("panel", "#F4F6F8", "#1D232A");
/// Text.
pub(super) const INK: ThemeColour = colour("ink", "#1B2026", "#E6E9ED");
/// Secondary text.
pub(super) const MUTED: ThemeColour = colour("muted", "#535C67", "#A8B1BC");
/// Rules and borders.
pub(super) const LINE: ThemeColour = colour("line", "#D5DAE0", "#39424D");
/// Time that a plot leaves out.
pub(super) const GAP: ThemeColour = colour("gap", "#E9ECF0", "#272E37");
/// Created contacts.
pub(super) const CONTACTS: ThemeColour = colour("contacts", "#1A7A4C", "#56C48E");
/// Waiting rows, and the target rate.
pub(super) const WAITING: ThemeColour = colour("waiting", "#2A62B4", "#8AB5F5");
/// Rejected rows.
pub(super) const REJECTED: ThemeColour = colour("rejected", "#B3261E", "#FF938A");
/// Duplicate rows.
pub(super) const DUPLICATES: ThemeColour = colour("duplicates", "#5B6472", "#B3BCC8");
/// Rows that are rejected and accepted.
pub(super) const ACCEPTED: ThemeColour = colour("accepted", "#6B6B2F", "#C9C97C");
/// Withdrawn rows.
pub(super) const WITHDRAWN: ThemeColour = colour("withdrawn", "#2F6B75", "#7CC4D0");
/// Failed rows, and throttled attempts.
pub(super) const FAILED: ThemeColour = colour("failed", "#9A5200", "#F2AA5A");
/// Unknown rows, and unanswered attempts.
pub(super) const UNKNOWN: ThemeColour = colour("unknown", "#7F35B2", "#CFA2F2");

/// All colours.
pub(super) const PALETTE: [ThemeColour; 14] = [
    PAPER, PANEL, INK, MUTED, LINE, GAP, CONTACTS, WAITING, ACCEPTED, WITHDRAWN, REJECTED, DUPLICATES,
    FAILED, UNKNOWN,
];

impl ThemeColour {
    /// The light form.
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
    fn every_text_and_plot_line_has_enough_contrast_in_both_forms() {
        for colour in
            [INK, MUTED, CONTACTS, WAITING, ACCEPTED, WITHDRAWN, REJECTED, DUPLICATES, FAILED, UNKNOWN]
        {
            for ground in [PAPER, PANEL, GAP] {
                // WCAG AA for text of any size. Lines need only 3.
                let light = contrast(colour.light, ground.light);
                let dark = contrast(colour.dark, ground.dark);
                assert!(light >= 4.5 && dark >= 4.5, "{} on {}: {light}, {dark}", colour.name, ground.name);
            }
        }
    }

    #[test]
    fn no_two_light_forms_are_equal() {
        let mut light: Vec<_> = PALETTE.iter().map(|colour| colour.light).collect();
        light.sort_unstable();
        light.dedup();
        assert_eq!(light.len(), PALETTE.len());
        assert!(light.iter().all(|colour| *colour == colour.to_uppercase() && colour.len() == 7));
    }
}
