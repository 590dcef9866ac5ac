//! Whether the first record is a header: not a title above the table, and not a row.
//!
//! A file is refused only if later records contradict its first one: either is then silent harm, since a row taken for
//! the header is never imported, and a title makes every row ragged. The job's `columns` name the columns of any file
//! that is refused wrongly.

use std::collections::HashMap;

use super::cell_kind::CellKind;
use super::delimiter::TextSample;
use crate::source::dialect::Dialect;
use crate::source::error::SourceError;
use crate::source::line_end::line_ends;

/// Records to compare the first one with.
const RECORDS: usize = 200;

/// First line of PowerShell's `Export-Csv` without `-NoTypeInformation`.
const TYPE_LINE: &[u8] = b"#TYPE ";

/// Refuses a text whose first record is no header. `line` is the line of the file on which it starts, `others` are
/// delimiters that a table below a title may have.
///
/// # Errors
/// - [`SourceError::Preamble`]: a later line looks like the header.
/// - [`SourceError::HeaderIsRow`]: the first record has cells as those of the records below it.
pub(super) fn expect_header(
    file: &str,
    sample: TextSample<'_>,
    line: u64,
    dialect: &Dialect,
    delimiter: u8,
    others: &[u8],
) -> Result<(), SourceError> {
    let table = SampleTable::of(sample, dialect, delimiter);
    let offset = title_end(sample.text).or_else(|| {
        let own = table.header_below_title(true).map(|found| (found.cells, found.offset));
        let others = others.iter().filter(|other| **other != delimiter).filter_map(|other| {
            let found = SampleTable::of(sample, dialect, *other).header_below_title(false)?;
            Some((found.cells, found.offset))
        });
        own.into_iter().chain(others).max_by_key(|(cells, _)| *cells).map(|(_, offset)| offset)
    });
    if let Some(offset) = offset {
        let line_of = |offset| line + line_ends(&sample.text[..offset]);
        let line = line_of(table.records.first().map_or(0, |record| record.offset));
        return Err(SourceError::Preamble { file: file.to_owned(), line, header_line: line_of(offset) });
    }
    let Some((first, rows)) = table.records.split_first() else { return Ok(()) };
    match evidence_of_row(first, rows) {
        Some(evidence) => Err(SourceError::HeaderIsRow {
            file: file.to_owned(),
            line: line + line_ends(&sample.text[..first.offset]),
            columns: first.cells.len(),
            evidence,
        }),
        None => Ok(()),
    }
}

/// The end of a line that is known to precede a header.
fn title_end(text: &[u8]) -> Option<usize> {
    let start = text.strip_prefix(b"\"").unwrap_or(text);
    let end = memchr::memchr(b'\n', text).filter(|_| start.starts_with(TYPE_LINE))?;
    Some(end + 1)
}

/// The first records of a text under one delimiter.
struct SampleTable {
    records: Vec<SampleRecord>,
}

struct SampleRecord {
    /// Position of its first byte in the text.
    offset: usize,
    cells: Vec<String>,
    /// Number of cells that are not blank.
    filled: usize,
    is_after_blank_line: bool,
}

/// A header below a title.
struct FoundHeader {
    offset: usize,
    /// Number of cells of it and of the records below it.
    cells: usize,
    /// Whether all of its cells are filled.
    is_full: bool,
    /// [`RowScore::total`] of its cells.
    score: i32,
}

impl SampleTable {
    fn of(sample: TextSample<'_>, dialect: &Dialect, delimiter: u8) -> Self {
        let records = sample.records(dialect, delimiter).into_iter().take(RECORDS).map(|record| {
            let start = record.position().map_or(0, |position| position.byte());
            let start = usize::try_from(start).unwrap_or(usize::MAX).min(sample.text.len());
            let is_line_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
            let offset = start + sample.text[start..].iter().take_while(is_line_end).count();
            let before = &sample.text[..offset];
            let cells: Vec<String> =
                record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            SampleRecord {
                offset,
                filled: cells.iter().filter(|cell| !cell.trim().is_empty()).count(),
                cells,
                is_after_blank_line: [&b"\n\n"[..], b"\n\r\n", b"\r\r"]
                    .iter()
                    .any(|end| before.ends_with(end)),
            }
        });
        SampleTable { records: records.collect() }
    }

    /// The header below a title, if the first record is one. Of the delimiter that the file was found to have
    /// (`is_own`), less evidence is needed: without a title its rows would be ragged.
    fn header_below_title(&self, is_own: bool) -> Option<FoundHeader> {
        let found =
            self.header_below(is_own, |record, cells| record.cells.len() < cells || record.filled <= 1);
        // Spreadsheets fill lines of a name and a value up with empty cells.
        found.or_else(|| {
            let is_padded = |record: &SampleRecord, cells| {
                record.filled < cells && record.cells.last().is_none_or(|cell| cell.trim().is_empty())
            };
            let found = self.header_below(is_own, is_padded)?;
            let (first, rest) = self.records.split_first()?;
            // The first line may be the header all the same, with a last column that has no name.
            (found.is_full && found.score < score(first, rest).total.min(0)).then_some(found)
        })
    }

    /// The header below the records that `is_title`, given the usual number of cells, holds for.
    fn header_below(
        &self,
        is_own: bool,
        is_title: impl Fn(&SampleRecord, usize) -> bool,
    ) -> Option<FoundHeader> {
        let (first, rest) = self.records.split_first()?;
        let cells = usual_cells(rest)?;
        let is_title = |record: &SampleRecord| is_title(record, cells);
        let above = rest.iter().take_while(|record| is_title(record)).count();
        let (titles, below) = rest.split_at(above);
        let (header, rows) = below.split_first()?;
        let is_wide_enough =
            cells > 1 && header.cells.len() == cells && header.filled * 2 > cells && header.filled > 1;
        if !is_title(first) || !is_wide_enough || rows.is_empty() || !has_names(header) {
            return None;
        }
        let regular = rows.iter().filter(|row| row.cells.len() == cells).count();
        let score = score(header, rows);
        let is_alone = first.filled <= 1 && titles.iter().all(|title| title.filled <= 1);
        let is_found = if is_own {
            score.total < 0 || score.total == 0 && (is_alone || header.is_after_blank_line)
        } else {
            let is_certain = score.total < 0 || score.total == 0 && cells > 2 && rows.len() > 1;
            is_certain && is_alone && regular == rows.len()
        };
        (is_found && regular * 2 > rows.len()).then_some(FoundHeader {
            offset: header.offset,
            cells,
            is_full: header.filled == cells,
            score: score.total,
        })
    }
}

/// The most frequent number of cells; the smallest one of several.
fn usual_cells(records: &[SampleRecord]) -> Option<usize> {
    let mut counts = HashMap::new();
    for record in records.iter().filter(|record| record.filled > 0) {
        *counts.entry(record.cells.len()).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(cells, count)| (*count, std::cmp::Reverse(*cells)))
        .map(|(cells, _)| cells)
}

/// Whether the filled cells differ, and none begins with the space that follows a comma of a text.
fn has_names(header: &SampleRecord) -> bool {
    let mut seen = std::collections::HashSet::new();
    let mut filled = header.cells.iter().filter(|cell| !cell.trim().is_empty());
    filled
        .all(|cell| cell.contains(char::is_alphabetic) && !cell.starts_with(' ') && seen.insert(cell.trim()))
}

/// How much a record looks like those below it.
#[derive(Default)]
struct RowScore {
    /// Positive: like a row. Negative: like a header.
    total: i32,
    /// The columns that look like a row's, by number, with what they are.
    columns: Vec<(usize, &'static str)>,
}

impl RowScore {
    fn add(&mut self, points: i32, index: usize, found: &'static str) {
        self.total += points;
        self.columns.push((index + 1, found));
    }
}

/// Compares the cells of `first` with the columns below them.
fn score(first: &SampleRecord, rows: &[SampleRecord]) -> RowScore {
    let mut score = RowScore::default();
    let kinds: Vec<CellKind> = first.cells.iter().map(|cell| CellKind::of(cell)).collect();
    let has_words = kinds.contains(&CellKind::Text);
    let (mut numbers, mut repeated) = (Vec::new(), Vec::new());
    for (index, (cell, kind)) in first.cells.iter().zip(&kinds).enumerate() {
        let own = |row: &SampleRecord| {
            row.cells.len() == first.cells.len() && !is_repetition(&row.cells, &first.cells)
        };
        let column: Vec<&str> =
            rows.iter().filter(|row| own(row)).map(|row| row.cells[index].as_str()).collect();
        match column_kind(&column) {
            Some(below) if is_same_kind(kind, &below) => match kind {
                CellKind::Number | CellKind::Year => numbers.push(index),
                kind => score.add(2, index, kind.name()),
            },
            Some(_) if matches!(kind, CellKind::Text | CellKind::Code(_)) => score.total -= 2,
            None if kind.is_value() && column.iter().all(|cell| cell.trim().is_empty()) => {
                score.add(1, index, kind.name());
            }
            Some(_) | None => {}
        }
        if *kind == CellKind::Text && column.contains(&cell.as_str()) {
            repeated.push(index);
        }
    }
    // Columns may be named 2023 and 2024, or 0, 1, 2 where they have no names: numbers speak for a row if they are
    // the first column, which most often is the id, or most columns.
    let is_row = numbers.first() == Some(&0) || numbers.len() * 2 > first.cells.len();
    if is_row && !count_up(first, &numbers, has_words) {
        numbers.iter().for_each(|index| score.add(1, *index, "a number"));
    }
    // One text may be equal to the name of its column by chance.
    if score.total > 0 || score.total == 0 && repeated.len() > 1 && repeated.len() * 2 >= first.cells.len() {
        repeated.iter().for_each(|index| score.add(1, *index, "a text of the rows below"));
    }
    score
}

/// Whether the cells are those of the first record once more, as in files that were joined.
fn is_repetition(cells: &[String], first: &[String]) -> bool {
    let text = |cell: &String| cell.trim_start_matches('\u{feff}').trim().to_owned();
    cells.iter().map(text).eq(first.iter().map(text))
}

/// Whether numbers in consecutive columns count up, as the days of a month and unnamed columns do.
fn count_up(first: &SampleRecord, numbers: &[usize], has_words: bool) -> bool {
    let parsed: Option<Vec<u64>> =
        numbers.iter().map(|index| first.cells[*index].trim().parse().ok()).collect();
    let Some(parsed) = parsed else { return false };
    let is_counting = parsed.len() > 1 && parsed.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    is_counting && (has_words || parsed[0] == 0)
}

/// The kind of nearly all cells of a column that hold something; none if they differ or are texts.
fn column_kind(cells: &[&str]) -> Option<CellKind> {
    let mut counts: HashMap<CellKind, usize> = HashMap::new();
    let mut filled = 0;
    for kind in cells.iter().map(|cell| CellKind::of(cell)).filter(|kind| *kind != CellKind::Nothing) {
        filled += 1;
        *counts.entry(kind).or_default() += 1;
    }
    let years = counts.remove(&CellKind::Year).unwrap_or_default();
    if years > 0 && years == filled {
        return Some(CellKind::Year);
    }
    // Some numbers look like years.
    *counts.entry(CellKind::Number).or_default() += years;
    let (kind, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    let is_code_once = matches!(kind, CellKind::Code(_)) && count < 2;
    (filled > 0 && kind != CellKind::Text && !is_code_once && count * 10 >= filled * 9).then_some(kind)
}

/// Whether a cell of kind `own` is one of a column of kind `below`. A year above other numbers names its column.
fn is_same_kind(own: &CellKind, below: &CellKind) -> bool {
    own == below || *own == CellKind::Number && *below == CellKind::Year
}

/// The columns that show that the first record is a row; none if it may be a header.
fn evidence_of_row(first: &SampleRecord, rows: &[SampleRecord]) -> Option<String> {
    const SHOWN: usize = 3;
    let score = score(first, rows);
    let shown = score.columns.iter().take(SHOWN).map(|(column, found)| format!("column {column} is {found}"));
    (score.total > 0).then(|| shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::detect::delimiter::{detect_delimiter, usable_candidates};

    fn judged(text: &str) -> Result<(), SourceError> {
        let sample = TextSample { text: text.as_bytes(), is_whole: true };
        let dialect = Dialect::default();
        let delimiter = detect_delimiter(sample, &dialect);
        expect_header("t.csv", sample, 1, &dialect, delimiter, &usable_candidates(&dialect))
    }

    #[track_caller]
    fn header_line(text: &str) -> u64 {
        match judged(text) {
            Err(SourceError::Preamble { header_line, .. }) => header_line,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_header_below_a_title_is_named_by_its_line() {
        let table = "Ticket ID,Subject,Created\nT-1,Printer,2024-03-05\nT-2,\"VPN, slow\",2024-03-06\n";
        for (title, line) in [
            ("Ticket report\nGenerated 2024-03-05 09:15 by Alice\n\n", 4),
            ("Ticket report\r\n\r\n", 3),
            ("#TYPE System.Management.Automation.PSCustomObject\r\n", 2),
            ("Ticket report,,\n,,\n", 3),
            ("\"Tickets of\nMarch\",,\n", 3),
            // Parameters of a report, as names and values.
            ("Report,Tickets\nFrom,2024-03-01\nTo,2024-03-31\n\n", 5),
            ("Tickets, March 2024\n\n", 3),
            ("Open tickets\n  Filtered by: Status equals Closed\n  Units: tickets\n\n", 5),
        ] {
            assert_eq!(header_line(&format!("{title}{table}")), line, "{title}");
            let semicolons = table.replace("VPN, slow", "VPN").replace(',', ";");
            let title = title.replace(",,", ";;");
            assert_eq!(header_line(&format!("{title}{semicolons}")), line, "{title}{semicolons}");
        }
        // A spreadsheet's: as wide as the table.
        let padded = "Report:,Tickets,\nFrom:,2024-03-01,\nTo:,2024-03-31,\n";
        assert_eq!(header_line(&format!("{padded}{table}")), 4);
        assert_eq!(
            header_line(&format!("{padded},,\n{table}").replace(',', ";").replace("VPN; slow", "VPN")),
            5
        );
        // The header has no rows.
        assert_eq!(header_line("#TYPE Selected.Ticket\n\"Id\",\"Subject\"\n"), 2);
        // Rows of texts only.
        assert_eq!(header_line("Report\nName;Text;Owner\na;b;c\nd;e;f\n"), 2);
    }

    #[test]
    fn a_table_of_one_column_or_of_ragged_rows_has_its_header_in_the_first_line() {
        for text in [
            "Name\nfoo\nbar, baz\nqux\n",
            "Name\nfoo, bar\nbaz, qux\n",
            "Name\nfoo; bar\nbaz; qux\nx; y\n",
            "only\n1;2\n3;4\n",
            "id,Name\n1,a\n2\n3,c,d\n",
            "id,Name\n1\n2\n",
            // The header of R's write.table lacks the names of the rows.
            "\"id\",\"subject\"\n\"1\",\"T-1\",\"x\"\n\"2\",\"T-2\",\"y\"\n",
            "\"a\",\"b\"\n\"r\",\"s\",\"x\"\n\"r\",\"t\",\"y\"\n",
            // Trailing columns without a name.
            "id,Name,,\n1,a,,\n2,b,,\n",
            "Ticket,Subject,\nT-1,Printer,\nT-2,VPN,later\nT-3,Mail,\n",
            "Owner,Created,\nann,2024-03-05,\nbob,none,later\ncyd,2024-03-07,\n",
            "id\n1\n2\n",
            "",
        ] {
            judged(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[track_caller]
    fn evidence(text: &str) -> String {
        match judged(text) {
            Err(SourceError::HeaderIsRow { evidence, .. }) => evidence,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_first_record_like_the_rows_below_it_is_no_header() {
        for (text, expected) in [
            (
                "1,HD-0001,Printer,high,2024-03-05 09:15:00+00,1234.50\n2,HD-0002,Hi,low,2024-03-05 23:59:59+00,0.10\n\
                 3,HD-0003,x,,2024-12-31 00:00:00+00,\n",
                "column 2 is a code as in the rows below, column 5 is a date, column 1 is a number",
            ),
            ("1,Printer on fire\n2,VPN\n", "column 1 is a number"),
            (
                "1,Printer,high\n2,VPN,low\n3,Mail,high\n",
                "column 1 is a number, column 3 is a text of the rows below",
            ),
            ("HD-1;Printer\nHD-2;VPN\nHD-3;Mail\n", "column 1 is a code as in the rows below"),
            ("a@x.org,hello\nb@x.org,hi\n", "column 1 is an e-mail address"),
            ("Printer,2024-03-05\n", "column 2 is a date"),
            ("2023,Printer\n2024,VPN\n", "column 1 is a number"),
            (
                "high,Printer\nlow,Printer\nhigh,VPN\n",
                "column 1 is a text of the rows below, column 2 is a text of the rows below",
            ),
            ("\\N,Printer,2024-03-05\n\\N,VPN,2024-03-06\n", "column 3 is a date"),
            ("1,Printer,2024-03-05\n2,VPN,\n3,Mail,\n", "column 3 is a date, column 1 is a number"),
        ] {
            assert_eq!(evidence(text), expected, "{text}");
        }
    }

    #[test]
    fn columns_may_be_named_by_numbers_and_dates() {
        for text in [
            "Ticket,Subject,2023,2024\nT-1,foo,3,4\nT-2,bar,5,6\n",
            "Subject,2023,2024\nfoo,3,4\nbar,2000,6\n",
            "2023,2024\n3,4\n",
            "id,subject,created,404\n1,x,2024-03-05,7\n2,y,2024-03-06,8\n",
            "name,subject,owner,404\nann,foo,bob,7\nann,bar,bob,8\n",
            "Agent,2024-03-05,2024-03-06\nAnn,3,4\nBob,5,6\n",
            "Agent,1,2,3,4\nAnn,3,4,5,6\nBob,5,6,7,8\n",
            ",0,1\n0,a,5\n1,b,6\n",
            "0,1,2\n7,8,9\n",
            "field1,field2\nx1,y1\nx2,y2\n",
            "Q1,Q2\n10,20\n30,40\n",
            "Type,Status,Text\nStatus,a,x\nType,b,y\n",
            // A header once more.
            "Name,Text\na,b\nName,Text\nc,d\n",
            "Name,Text\na,b\n\u{feff}Name ,Text\nc,d\n",
            "Name,Date,E-Mail\n",
            "1,2\n",
        ] {
            judged(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let sample = TextSample { text: b"\r\nTitle\r\n\r\nId;Text\r\n1;x\r\n2;y\r\n", is_whole: true };
        let error = expect_header("t.csv", sample, 3, &Dialect::default(), b';', &[]).unwrap_err();
        assert!(matches!(error, SourceError::Preamble { line: 4, header_line: 6, .. }), "{error}");
    }
}
