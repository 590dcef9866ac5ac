//! Names of zones and offsets in a date that jiff does not read.

/// Zones with one offset everywhere, in minutes from UTC: those of RFC 2822, section 4.3, and those of Europe.
/// `BST` and `IST` mean several zones and are not read.
const ZONES: [(&str, i16); 22] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("WET", 0),
    ("WEST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("MET", 60),
    ("MEST", 120),
    ("EET", 120),
    ("EEST", 180),
];

/// The minutes from UTC of a zone that has one offset everywhere; none for other names.
pub(super) fn offset_of_zone(name: &str) -> Option<i16> {
    let (_, minutes) = ZONES.iter().find(|(zone, _)| zone.eq_ignore_ascii_case(name))?;
    Some(*minutes)
}

/// Appends an offset in minutes, as a directive with this number of colons reads it.
pub(super) fn push_offset(minutes: i16, colons: usize, text: &mut String) {
    let colon = if colons == 0 { "" } else { ":" };
    let seconds = if colons > 1 { ":00" } else { "" };
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    text.push_str(&format!("{sign}{:02}{colon}{:02}{seconds}", minutes / 60, minutes % 60));
}

/// The minutes and the length of an offset that jiff does not read: after `GMT` or `UTC`, or with hours of
/// one digit, as the CLDR writes both: `GMT+1`, `UTC−5:30`, `GMT+01:00`. None for other texts.
pub(super) fn offset_from_utc(text: &str, word: &str) -> Option<(i16, usize)> {
    let is_named = ["GMT", "UTC"].iter().any(|name| name.eq_ignore_ascii_case(word));
    if !is_named && !word.is_empty() {
        return None;
    }
    let signed = &text[word.len()..];
    let sign = signed.chars().next().filter(|sign| "+-\u{2212}".contains(*sign))?;
    let number = &signed[sign.len_utf8()..];
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (hours, minutes, length) = match digits(number) {
        4 => (&number[..2], &number[2..4], 4),
        count @ (1 | 2) => match number[count..].strip_prefix(':') {
            Some(minutes) if digits(minutes) == 2 => (&number[..count], &minutes[..2], count + 3),
            Some(_) => return None,
            None => (&number[..count], "0", count),
        },
        _ => return None,
    };
    if !is_named && hours.len() > 1 && sign != '\u{2212}' {
        return None;
    }
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let east = hours * 60 + minutes;
    let offset = if sign == '+' { east } else { -east };
    Some((offset, word.len() + sign.len_utf8() + length))
}

#[cfg(test)]
mod tests {
    use super::super::names::NamePattern;
    use super::*;

    #[test]
    fn a_zone_by_name_is_its_offset() {
        let offset = |format: &str, text: &str| {
            NamePattern::new(format).parse(text).ok()?.offset().map(|offset| offset.seconds() / 60)
        };
        for (name, minutes) in ZONES {
            for format in
                ["%Y-%m-%d %H:%M %z", "%Y-%m-%d %H:%M %:z", "%Y-%m-%d %H:%M %Z", "%Y-%m-%d %H:%M %::z"]
            {
                let text = format!("2024-03-05 09:15 {name}");
                assert_eq!(offset(format, &text), Some(i32::from(minutes)), "{format} {text}");
            }
        }
        assert_eq!(offset("%Y %Z", "2024 +0130"), Some(90));
        assert_eq!(offset("%H:%M:%S %Z %Y", "09:15:00 CET 2024"), Some(60));
        assert_eq!(offset("%b %H:%M %z %Y", "déc. 09:15 +0100 2024"), Some(60));
        for (text, minutes) in [
            ("GMT+1", 60),
            ("GMT-5", -300),
            ("UTC\u{2212}5", -300),
            ("utc+5:30", 330),
            ("GMT+01:00", 60),
            ("GMT+0100", 60),
            ("UTC-03", -180),
            ("+1", 60),
            ("-9:30", -570),
            ("\u{2212}03:00", -180),
        ] {
            for format in ["%Y %z", "%Y %:z", "%Y %Z"] {
                assert_eq!(offset(format, &format!("2024 {text}")), Some(minutes), "{format} {text}");
            }
            assert_eq!(offset("%z %Y", &format!("{text} 2024")), Some(minutes), "{text}");
        }
        assert_eq!(offset("%Y GMT%z", "2024 GMT+1"), Some(60));
        for wrong in ["GMT+", "GMT+15", "GMT+1:5", "GMT+123", "EST+1", "GMT+1:75", "GMT +1", "+1:5"] {
            assert_eq!(offset("%Y %z", &format!("2024 {wrong}")), None, "{wrong}");
        }
        for ambiguous in ["BST", "IST", "A", "XYZ"] {
            assert_eq!(offset("%Y %z", &format!("2024 {ambiguous}")), None, "{ambiguous}");
        }
    }
}
