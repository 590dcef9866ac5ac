//! The order of day and month in a format, where both are numbers.

/// Whether the day or the month comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayMonthOrder {
    DayFirst,
    MonthFirst,
}

impl DayMonthOrder {
    pub(crate) fn other(self) -> Self {
        match self {
            DayMonthOrder::DayFirst => DayMonthOrder::MonthFirst,
            DayMonthOrder::MonthFirst => DayMonthOrder::DayFirst,
        }
    }
}

/// The order of day and month in a format that has both as numbers, one character apart. None if the year
/// comes before them: nobody writes `2024-05-03` with the day first.
pub(crate) fn numeric_order(format: &str) -> Option<DayMonthOrder> {
    place(format).map(|(_, order)| order)
}

/// The format with day and month exchanged; none without a numeric order.
pub(crate) fn swapped(format: &str) -> Option<String> {
    let (at, order) = place(format)?;
    let (first, second) = match order {
        DayMonthOrder::DayFirst => ("%m", "%d"),
        DayMonthOrder::MonthFirst => ("%d", "%m"),
    };
    let rest = &format[at + 2..];
    let separator = rest.chars().next()?;
    Some(format!("{}{first}{separator}{second}{}", &format[..at], &rest[separator.len_utf8() + 2..]))
}

/// Where day and month begin, and their order.
fn place(format: &str) -> Option<(usize, DayMonthOrder)> {
    for (at, _) in format.match_indices('%') {
        let order = match format.get(at..at + 2)? {
            "%d" => DayMonthOrder::DayFirst,
            "%m" => DayMonthOrder::MonthFirst,
            "%Y" | "%y" => return None,
            _ => continue,
        };
        let rest = &format[at + 2..];
        let separator = rest.chars().next()?.len_utf8();
        let second = if order == DayMonthOrder::DayFirst { "%m" } else { "%d" };
        return rest[separator..].starts_with(second).then_some((at, order));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_told_of_numbers_only() {
        for (format, order, other) in [
            ("%d/%m/%y %H:%M", Some(DayMonthOrder::DayFirst), Some("%m/%d/%y %H:%M")),
            ("%m-%d-%Y", Some(DayMonthOrder::MonthFirst), Some("%d-%m-%Y")),
            ("%H:%M %d.%m.%Y", Some(DayMonthOrder::DayFirst), Some("%H:%M %m.%d.%Y")),
            ("%d/%b/%Y", None, None),
            ("%Y-%m-%d", None, None),
            ("%b %d, %Y", None, None),
            ("%Y年%m月%d日", None, None),
            ("%d%m%Y", None, None),
            ("iso_8601", None, None),
            ("%d", None, None),
        ] {
            assert_eq!((numeric_order(format), swapped(format).as_deref()), (order, other), "{format}");
            assert_eq!(order.map(|order| order.other().other()), order);
        }
    }
}
