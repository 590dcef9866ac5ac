//! The one table that everything is printed into, row by row as it becomes known.

/// One line of the table.
pub(crate) struct Row<'a> {
    pub(crate) section: &'a str,
    pub(crate) case: &'a str,
    pub(crate) measure: &'a str,
    pub(crate) value: String,
    /// The value as a ratio to another, or what it should be; or nothing.
    pub(crate) against: String,
}

pub(crate) fn headline() {
    let [section, case, measure, value, against] = ["section", "case", "measure", "value", "ratio or aim"];
    print(&Row { section, case, measure, value: value.into(), against: against.into() });
}

pub(crate) fn print(row: &Row<'_>) {
    let Row { section, case, measure, value, against } = row;
    let line = format!("{section:<9} {case:<36} {measure:<38} {value:>15}  {against}");
    println!("{}", line.trim_end());
}

/// Prints rows of one section and case.
pub(crate) fn rows(section: &str, case: &str, rows: impl IntoIterator<Item = (String, String, String)>) {
    for (measure, value, against) in rows {
        print(&Row { section, case, measure: &measure, value, against });
    }
}

/// A share of one as percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// The middle one. `values` is not empty.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
