//! Writes the guesses as a commented job file.

use super::contact_name::{NameEvidence, NameGuess};
use super::dates::DateFormats;
use super::key_lines::key_lines;
use super::literals;
use super::references::{DateReference, Refused, UrlReference};
use super::roles::{ColumnRoles, GuessedColumn};
use super::sample::CsvSample;
use super::summary::{basis, summary};
use crate::slug::UsedKeys;

const CONNECT: &str = r#"[connect]
# Id or ARN of your instance; check and --sandbox do not need it.
# instance_id = "11111111-2222-3333-4444-555555555555"
# CreateContact creates completed tasks; StartTaskContact starts open tasks in a flow.
# operation = "CreateContact"
"#;

const PACING: &str = "\
[pacing]
# Default quota of an account, shared by all of its users and instances in the Region.
# Ask AWS Support for your quota before a bulk import.
rate = 2.0
burst = 5

[sandbox]
# A rehearsal, run --sandbox, has no quota and sends as fast as it can. Without this line it keeps the rate above.
rate = 0
";

/// The service's limits of a name and a description, in characters; for comments, too.
const NAME_LIMIT: (usize, &str) = (1024, "1,024");
const DESCRIPTION_LIMIT: (usize, &str) = (4096, "4,096");

/// A guessed job file.
#[derive(Debug)]
pub struct GuessedJob {
    /// The job file's text.
    pub text: String,
    /// The recognized export and the guesses, one fact a line.
    pub summary: String,
    /// The texts that stand for no value, as `[source] null` lists them.
    pub null: Vec<String>,
}

/// A commented job file for the sample's CSV, valid for every sample. `job_name` is the job file's name as a
/// shell needs it.
pub fn job_file(sample: &CsvSample<'_>, job_name: &str) -> GuessedJob {
    let roles = ColumnRoles::guess(sample);
    let mut writer = JobFileWriter { sample, roles, lines: Vec::new(), search_attribute: None };
    let (mut summary, null) = (summary(sample, &writer.roles), writer.null());
    let text = writer.write(&literals::comment(job_name));
    if let Some(attribute) = &writer.search_attribute {
        let attribute = literals::comment(attribute);
        summary.push_str(&format!(
            "search: register the attribute {attribute} as searchable in Connect before the import, so that verify can \
             search by it\n"
        ));
    }
    GuessedJob { text, summary, null }
}

struct JobFileWriter<'a> {
    sample: &'a CsvSample<'a>,
    roles: ColumnRoles<'a>,
    lines: Vec<String>,
    /// Key of the attribute that has the rows' key, as TOML writes it.
    search_attribute: Option<String>,
}

impl JobFileWriter<'_> {
    fn write(&mut self, job_name: &str) -> String {
        self.head(job_name);
        self.push([CONNECT]);
        self.source();
        self.request();
        self.attributes();
        self.dates();
        self.urls();
        self.left_out();
        self.mapping();
        self.push([PACING]);
        self.verify();
        self.lines.join("\n")
    }

    fn push<S: Into<String>>(&mut self, lines: impl IntoIterator<Item = S>) {
        self.lines.extend(lines.into_iter().map(Into::into));
    }

    fn name_of(&self, index: usize) -> &str {
        self.roles.columns[index].name
    }

    /// `row['Exact Header']` of a column.
    fn cell(&self, index: usize) -> String {
        literals::column(self.name_of(index))
    }

    fn head(&mut self, job_name: &str) {
        let file = literals::comment(self.sample.file);
        self.push([format!("# Job file for connect-import, guessed from {} of {file}.", basis(self.sample))]);
        if let Some(exporter) = self.roles.exporter {
            self.push([format!("# Recognized by its header: {}.", exporter.name)]);
        }
        self.push([
            "# Review the guesses, then run:".to_owned(),
            format!(
                "#   connect-import check --job {job_name}            lists all invalid rows; sends nothing"
            ),
            format!(
                "#   connect-import run --job {job_name} --sandbox    sends to a sandbox on this machine"
            ),
            String::new(),
        ]);
    }

    /// The texts that stand for no value.
    fn null(&self) -> Vec<String> {
        let given = self.sample.null;
        let of_references = self.roles.references.nulls.iter().filter(|null| !given.contains(null));
        given.iter().chain(of_references).cloned().collect()
    }

    fn source(&mut self) {
        let sample = self.sample;
        self.push(["[source]".to_owned(), format!("files = [{}]", literals::toml(sample.file))]);
        if let Some(delimiter) = sample.delimiter {
            let name = if delimiter == '\t' { "tab".to_owned() } else { delimiter.to_string() };
            self.push([format!("delimiter = {}", literals::toml(&name))]);
        }
        for (key, given) in [("quote", sample.quote), ("escape", sample.escape)] {
            if let Some(given) = given {
                self.push([format!("{key} = {}", literals::toml(given))]);
            }
        }
        self.push(sample.source_lines.iter().cloned());
        if let Some(encoding) = sample.encoding {
            self.push([
                "# Guessed, since the file is not UTF-8. If letters such as é or ß come out wrong, set another."
                    .to_owned(),
                format!("encoding = {}", literals::toml(encoding)),
            ]);
        }
        let null = self.null();
        if !null.is_empty() {
            self.push([
                "# Guessed: cells that are exactly this stand for no value. They are empty in every column.",
            ]);
            if null.iter().any(|marker| marker.len() > 2 && marker.starts_with('"')) {
                self.push(["# Where the file has them in quotes, they are in quotes here too."]);
            }
            let null: Vec<String> = null.iter().map(|marker| literals::toml(marker)).collect();
            self.push([format!("null = [{}]", null.join(", "))]);
        }
        let key = key_lines(self.sample, &self.roles);
        self.push(key);
        self.push([""]);
    }

    fn request(&mut self) {
        self.push([
            "# Members of the request, spelt as in the AWS API. {{ row['Exact Header'] }} is a cell.",
            "# A member without text is left out.",
            "[request]",
        ]);
        match self.roles.name.take() {
            Some(name) => self.name(&name),
            None => self.push(["# No column looks like a name:", "# Name = \"{{ row['Exact Header'] }}\""]),
        }
        match self.roles.description {
            Some(guess) => self.description(guess),
            None => self.push([
                "# No column looks like a description:",
                "# Description = \"{{ row['Exact Header'] }}\"",
            ]),
        }
        self.push([""]);
    }

    fn name(&mut self, name: &NameGuess) {
        let key = self.roles.key_column();
        let first = &self.roles.columns[name.columns[0]];
        let (rows, empty, distinct) = (first.rows(), first.empty_cells(), first.distinct_cells());
        let cells: Vec<String> = name.columns.iter().map(|index| self.cell(*index)).collect();
        let mut template = match &cells[..] {
            [cell] => format!("{{{{ {cell} }}}}"),
            // Without the space beside an empty cell.
            cells => format!("{{{{ ({}) | trim }}}}", cells.join(" ~ ' ' ~ ")),
        };
        let key_cell = key.filter(|key| name.columns != [*key]).map(|key| self.cell(key));
        let comment = match name.evidence {
            NameEvidence::Header => None,
            NameEvidence::Texts => Some("# Guessed: short texts, nearly all of them different."),
            NameEvidence::Key => {
                Some("# Guessed: no other column tells the contacts apart, so this is the key.")
            }
            NameEvidence::Distinct => Some("# Guessed: no column looks like a name; this differs most."),
            NameEvidence::Any => Some("# Guessed: no column looks like a name."),
        };
        self.push(comment);
        if let Some(key_cell) = key_cell.filter(|_| rows > 0) {
            if empty > 0 {
                let are = if empty == 1 { "is" } else { "are" };
                self.push([format!("# {empty} of {rows} cells {are} empty: there the key is the name.")]);
                template = format!("{{{{ {} or {key_cell} }}}}", cells[0]);
            }
            if distinct * 2 < rows {
                let longer = literals::toml(&format!("{{{{ {key_cell} }}}} {template}"));
                self.push([
                    format!("# {rows} rows have {distinct} different names. To tell them apart, use:"),
                    format!("# Name = {longer}"),
                ]);
            }
        }
        self.cuts(name.columns[0], NAME_LIMIT);
        self.push([format!("Name = {}", literals::toml(&template))]);
    }

    fn description(&mut self, guess: GuessedColumn) {
        if !guess.is_by_name {
            self.push(["# Guessed: the column of the longest texts."]);
        }
        self.cuts(guess.column, DESCRIPTION_LIMIT);
        let template = format!("{{{{ {} }}}}", self.cell(guess.column));
        self.push([format!("Description = {}", literals::toml(&template))]);
    }

    /// Says how many cells of a column are longer than their member may be.
    fn cuts(&mut self, column: usize, (most, chars): (usize, &str)) {
        let cells = &self.roles.columns[column].cells;
        let long = cells.iter().filter(|cell| cell.chars().count() > most).count();
        if long > 0 {
            let are = if long == 1 { "is" } else { "are" };
            let rows = self.sample.rows.len();
            self.push([format!(
                "# {long} of {rows} cells {are} longer than {chars} characters; see on_too_long below."
            )]);
        }
    }

    fn attributes(&mut self) {
        let mut keys = UsedKeys::default();
        let mut line = |index: usize| {
            let name = self.roles.columns[index].name;
            let template = format!("{{{{ {} }}}}", literals::column(name));
            format!("{} = {}", keys.attribute(name, index + 1), literals::toml(&template))
        };
        let attributes: Vec<String> = self.roles.attributes.iter().map(|index| line(*index)).collect();
        let key = self.roles.key_column();
        let of_key = self.roles.attributes.iter().zip(&attributes).find(|(index, _)| Some(**index) == key);
        // The key of a row is the attribute to search by: no other row has it.
        self.search_attribute = of_key.and_then(|(_, line)| line.split(" = ").next()).map(str::to_owned);
        let empty: Vec<String> = self.roles.empty.iter().map(|index| format!("# {}", line(*index))).collect();
        if attributes.is_empty() && empty.is_empty() {
            return;
        }
        self.push([
            "# All other columns. Delete those that you do not need: all attributes of a contact together",
            "# may have at most 32,768 bytes.",
            "[request.Attributes]",
        ]);
        if let Some(attribute) = &self.search_attribute {
            let attribute = literals::comment(attribute);
            self.lines.extend([
                "# verify finds a contact whose answer was lost by an attribute, if that was registered as".to_owned(),
                format!("# searchable in Connect before the import: register {attribute}; see search_attribute below."),
            ]);
        }
        self.push(attributes);
        if !empty.is_empty() {
            self.push(["# Empty in every row:"]);
            self.push(empty);
        }
        self.push([""]);
    }

    fn dates(&mut self) {
        let dates = std::mem::take(&mut self.roles.references.dates);
        if !dates.is_empty() {
            self.push([
                "# A contact's own times are those of the import, so the original dates are kept: as texts in",
                "# the attributes, as dates here. A cell that is not a date of this format rejects its row.",
            ]);
        }
        let first_without_zone = dates.iter().position(|reference| !reference.dates.has_offset);
        for (number, DateReference { column, key, dates, evidence }) in dates.into_iter().enumerate() {
            if Some(number) == first_without_zone {
                self.push([
                    "# Guessed: UTC. Set tz to the time zone of the CSV's dates, such as 'Europe/London'.",
                ]);
                if self.roles.exporter.is_some() {
                    self.push([
                        "# Check whose time zone that is: it may be that of the user who exported the file.",
                    ]);
                }
            }
            let template = self.epoch_template(column, &dates);
            let mut comment = Vec::new();
            if let (Some(evidence), Some(other)) = (evidence, &dates.other_order) {
                comment.extend([format!("# {evidence}"), format!("# {}.", quoted(other))]);
            }
            if dates.misfits.count > 0 {
                let what = dates.misfits.described("date", "dates", self.sample.lines);
                comment.extend([
                    format!("# {}: {what}.", literals::comment(self.name_of(column))),
                    "# Such a cell rejects its row until it is corrected or [source] null lists it."
                        .to_owned(),
                ]);
            }
            self.reference(&key, "DATE", comment, &template);
        }
    }

    fn reference(&mut self, key: &str, kind: &str, comment: Vec<String>, template: &str) {
        self.push([
            format!("[request.References.{}]", literals::toml_key(key)),
            format!("Type = \"{kind}\""),
        ]);
        self.push(comment);
        self.push([format!("Value = {}", literals::toml(template)), String::new()]);
    }

    /// The template for a date's epoch seconds.
    fn epoch_template(&self, index: usize, dates: &DateFormats) -> String {
        let cell = self.cell(index);
        let formats = quoted(&dates.formats);
        match (formats.as_str(), dates.has_offset) {
            ("", true) => format!("{{{{ {cell} | epoch }}}}"),
            ("", false) => format!("{{{{ {cell} | epoch(tz='UTC') }}}}"),
            (formats, true) => format!("{{{{ {cell} | epoch({formats}) }}}}"),
            (formats, false) => format!("{{{{ {cell} | epoch({formats}, tz='UTC') }}}}"),
        }
    }

    fn urls(&mut self) {
        for UrlReference { column, key, misfits } in std::mem::take(&mut self.roles.references.urls) {
            let template = format!("{{{{ {} }}}}", self.cell(column));
            let mut comment = Vec::new();
            if misfits.count > 0 {
                let what = misfits.described("URL", "URLs", self.sample.lines);
                comment.extend([
                    format!("# {}: {what}.", literals::comment(self.name_of(column))),
                    "# Such a cell is sent as it is, and is no link then.".to_owned(),
                ]);
            }
            self.reference(&key, "URL", comment, &template);
        }
    }

    /// Lists the dates and URLs that are no references.
    fn left_out(&mut self) {
        let refused = std::mem::take(&mut self.roles.references.refused);
        if !refused.is_empty() {
            self.push(["# Attributes only, since their cells are not certain to be dates or URLs:"]);
            for (index, reason) in refused {
                let what = match reason {
                    Refused::FewDates(misfits) => misfits.described("date", "dates", self.sample.lines),
                    Refused::FewUrls(misfits) => misfits.described("URL", "URLs", self.sample.lines),
                    Refused::BothOrders => {
                        "the day is first in some cells and the month in others; correct the export"
                            .to_owned()
                    }
                    Refused::YearFirst => {
                        "the year may be the first number, as in '%y/%m/%d', or the last; give \
                                           the format that the export has"
                            .to_owned()
                    }
                };
                self.push([format!("#   {}: {what}", literals::comment(self.name_of(index)))]);
            }
            self.push([""]);
        }
        let names =
            self.roles.references.left_out.iter().map(|index| literals::comment(self.name_of(*index)));
        let names: Vec<String> = names.map(|name| format!("#   {name}")).collect();
        if !names.is_empty() {
            self.push(["# Attributes only: a contact's references together may have at most 4,096 bytes."]);
            self.push(names);
            self.push([""]);
        }
    }

    fn verify(&mut self) {
        if let Some(attribute) = self.search_attribute.clone() {
            self.push([
                "[verify]".to_owned(),
                "# The attribute that unknown rows are searched by, once it is registered; by name without it.".to_owned(),
                format!("# search_attribute = {}", literals::comment(&literals::toml(&attribute))),
                String::new(),
            ]);
        }
    }

    fn mapping(&mut self) {
        let ((_, name), (_, description)) = (NAME_LIMIT, DESCRIPTION_LIMIT);
        self.push([
            "[mapping]".to_owned(),
            format!("# A name over {name} characters, a description over {description} and values over the"),
            "# service's limits are cut, and check counts the cuts. \"reject\" rejects such rows.".to_owned(),
            "on_too_long = \"truncate\"".to_owned(),
            String::new(),
        ]);
    }
}

/// Formats as arguments of a filter.
fn quoted(formats: &[String]) -> String {
    let formats: Vec<String> = formats.iter().map(|format| format!("'{format}'")).collect();
    formats.join(", ")
}
