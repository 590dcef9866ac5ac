//! The guess as the text of a job file.

use super::Sample;
use super::keys::Keys;
use super::quote;
use super::references::{DateReference, Order};
use super::roles::{Roles, Told};

/// A commented job file for the sample's CSV. `job_name` is the job file as it is typed on a command line.
///
/// The text is a valid job file whatever the sample holds.
pub fn job_file(sample: &Sample<'_>, job_name: &str) -> String {
    let writer = Writer { sample, roles: Roles::guess(sample), lines: Vec::new() };
    writer.write(&quote::comment(job_name))
}

struct Writer<'a> {
    sample: &'a Sample<'a>,
    roles: Roles<'a>,
    lines: Vec<String>,
}

impl Writer<'_> {
    fn write(mut self, job_name: &str) -> String {
        self.head(job_name);
        self.connect();
        self.source();
        self.request();
        self.attributes();
        self.dates();
        self.urls();
        self.without();
        self.pacing();
        self.lines.push(String::new());
        self.lines.join("\n")
    }

    fn say<S: Into<String>>(&mut self, lines: impl IntoIterator<Item = S>) {
        self.lines.extend(lines.into_iter().map(Into::into));
    }

    fn name_of(&self, index: usize) -> &str {
        self.roles.columns.get(index).map_or("", |column| column.name)
    }

    /// `row['Exact Header']` of a column.
    fn cell(&self, index: usize) -> String {
        quote::column(self.name_of(index))
    }

    fn head(&mut self, job_name: &str) {
        let file = quote::comment(self.sample.file);
        let seen = match (self.sample.rows.len(), self.sample.complete) {
            (0, _) => "the header".to_owned(),
            (1, true) => "the header and the only row".to_owned(),
            (rows, true) => format!("the header and all {rows} rows"),
            (rows, false) => format!("the header and the first {rows} rows"),
        };
        self.say([
            format!("# A job for connect-import, guessed from {seen} of {file}."),
            "# Read it through and change what is not as you want it. Then:".to_owned(),
            format!("#   connect-import check --job {job_name}            finds every fault; sends nothing"),
            format!("#   connect-import run --job {job_name} --sandbox    rehearses on this machine"),
            String::new(),
        ]);
    }

    fn connect(&mut self) {
        self.say([
            "[connect]",
            "# Your instance, by id or ARN; check and the sandbox do without.",
            "# instance_id = \"11111111-2222-3333-4444-555555555555\"",
            "# CreateContact makes completed tasks; StartTaskContact starts open ones in a flow.",
            "# operation = \"CreateContact\"",
            "",
        ]);
    }

    fn source(&mut self) {
        let sample = self.sample;
        self.say(["[source]".to_owned(), format!("files = [{}]", quote::toml(sample.file))]);
        if let Some(delimiter) = sample.delimiter {
            let name = if delimiter == '\t' { "tab".to_owned() } else { delimiter.to_string() };
            self.say([format!("delimiter = {}", quote::toml(&name))]);
        }
        for (key, given) in [("quote", sample.quote), ("escape", sample.escape)] {
            if let Some(given) = given {
                self.say([format!("{key} = {}", quote::toml(given))]);
            }
        }
        if let Some(encoding) = sample.encoding {
            self.say([
                "# Guessed: the file is not UTF-8. If letters such as é or ß come out wrong, name another."
                    .to_owned(),
                format!("encoding = {}", quote::toml(encoding)),
            ]);
        }
        match self.roles.key {
            Some(key) => {
                let key = format!("key = [{}]", quote::toml(self.name_of(key)));
                let reason = match sample.rows.len() {
                    0 | 1 => "# Guessed by its name.".to_owned(),
                    rows => format!("# Guessed: no two of the {rows} rows share it."),
                };
                let what = "# What makes a row the same row, in this file and in every later one.".to_owned();
                self.say([what, reason, key]);
            }
            None => self.say([
                "# No column looks like an id of the row, so the whole row is the key: a row that changes",
                "# is a new row then, and is imported again. If a column tells rows apart, name it:",
                "# key = [\"Exact Header\"]",
            ]),
        }
        self.say([""]);
    }

    fn request(&mut self) {
        self.say([
            "# The members of the request, spelt as in the AWS API. {{ row['Exact Header'] }} is a cell;",
            "# what comes out empty is left out.",
            "[request]",
        ]);
        self.told("Name", self.roles.name, 1024, "the first column that could be one");
        self.told("Description", self.roles.description, 4096, "the column of the longest texts");
        self.say([""]);
    }

    /// `Name` or `Description`, cut to what the service allows.
    fn told(&mut self, member: &str, told: Option<Told>, chars: usize, reason: &str) {
        let Some(told) = told else {
            let example = format!("# {member} = \"{{{{ row['Exact Header'] | truncate({chars}) }}}}\"");
            return self.say([format!("# No column looks like a {}:", member.to_lowercase()), example]);
        };
        if !told.by_name {
            let is_key = Some(told.column) == self.roles.key;
            let reason = if is_key { "no column looks like a name, so this is the key" } else { reason };
            self.say([format!("# Guessed: {reason}.")]);
        }
        let template = format!("{{{{ {} | truncate({chars}) }}}}", self.cell(told.column));
        self.say([format!("{member} = {}", quote::toml(&template))]);
    }

    fn attributes(&mut self) {
        let mut keys = Keys::default();
        let mut line = |index: usize| {
            let name = self.roles.columns.get(index).map_or("", |column| column.name);
            let template = format!("{{{{ {} }}}}", quote::column(name));
            format!("{} = {}", keys.attribute(name, index + 1), quote::toml(&template))
        };
        let attributes: Vec<String> = self.roles.attributes.iter().map(|index| line(*index)).collect();
        let empty: Vec<String> = self.roles.empty.iter().map(|index| format!("# {}", line(*index))).collect();
        if attributes.is_empty() && empty.is_empty() {
            return;
        }
        self.say([
            "# All other columns. Delete what you do not need: all attributes of a contact together may",
            "# have 32,768 bytes.",
            "[request.Attributes]",
        ]);
        self.say(attributes);
        if !empty.is_empty() {
            self.say(["# Empty in every row:"]);
            self.say(empty);
        }
        self.say([""]);
    }

    fn dates(&mut self) {
        let mut is_first = true;
        let mut has_no_zone_yet = true;
        for (index, key, date) in std::mem::take(&mut self.roles.references.dates) {
            if std::mem::take(&mut is_first) {
                self.say([
                    "# A contact is dated when it is created, so the original dates are kept: above as they were",
                    "# written, here as dates. A cell that is no such date rejects its row.",
                ]);
            }
            if !date.has_offset && std::mem::take(&mut has_no_zone_yet) {
                self.say([
                    "# Set tz to the zone of the CSV's times, such as 'Europe/London'; UTC is only a guess.",
                ]);
            }
            let template = self.epoch(index, &date);
            self.say([
                format!("[request.References.{}]", quote::toml_key(&key)),
                "Type = \"DATE\"".to_owned(),
            ]);
            self.say(order_comment(&date.order));
            self.say([format!("Value = {}", quote::toml(&template)), String::new()]);
        }
    }

    /// The template that makes epoch seconds of a date.
    fn epoch(&self, index: usize, date: &DateReference) -> String {
        let cell = self.cell(index);
        // An offset in the text wins; a bare `UTC` or `GMT` in it is what tz says by default.
        match (&date.format, date.has_offset) {
            (None, true) => format!("{{{{ {cell} | epoch }}}}"),
            (None, false) => format!("{{{{ {cell} | epoch(tz='UTC') }}}}"),
            (Some(format), true) => format!("{{{{ {cell} | epoch('{format}') }}}}"),
            (Some(format), false) => format!("{{{{ {cell} | epoch('{format}', tz='UTC') }}}}"),
        }
    }

    fn urls(&mut self) {
        for (index, key) in std::mem::take(&mut self.roles.references.urls) {
            let template = format!("{{{{ {} }}}}", self.cell(index));
            self.say([
                format!("[request.References.{}]", quote::toml_key(&key)),
                "Type = \"URL\"".to_owned(),
                format!("Value = {}", quote::toml(&template)),
                String::new(),
            ]);
        }
    }

    /// Which dates and addresses are no references, and why.
    fn without(&mut self) {
        let names = self.roles.references.without.iter().map(|index| quote::comment(self.name_of(*index)));
        let names: Vec<String> = names.map(|name| format!("#   {name}")).collect();
        if !names.is_empty() {
            self.say(["# Attributes only: all references of a contact together may have 4096 bytes."]);
            self.say(names);
            self.say([""]);
        }
    }

    fn pacing(&mut self) {
        self.say([
            "[pacing]",
            "# The documented quota of an account: for all of its users and instances in the Region",
            "# together. Ask AWS Support for yours before a bulk import.",
            "rate = 2.0",
            "burst = 5",
        ]);
    }
}

fn order_comment(order: &Order) -> Vec<String> {
    match order {
        Order::Sure => vec![],
        Order::AsElsewhere(other) => vec![
            "# Day and month are in the order of the file's other dates. The other order fits, too:"
                .to_owned(),
            format!("# '{other}'."),
        ],
        Order::Semicolon(other) => vec![
            "# AMBIGUOUS: day first, as is usual in files with semicolons. If the month is first,".to_owned(),
            format!("# the format is '{other}'."),
        ],
        Order::Unknown(other) => vec![
            "# AMBIGUOUS: the day or the month could be first; this takes the month. If the day is"
                .to_owned(),
            format!("# first, the format is '{other}'."),
        ],
    }
}
