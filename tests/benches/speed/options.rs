//! What is measured, and how much of it.

use std::time::Duration;

use crate::{auto, no_quota, quota, resume, scale, scenario, start};

const USAGE: &str = "\
usage: cargo bench --bench speed [-- SECTION... OPTION...]

sections, all of them unless some are named:
  quota      the share of a known quota that is used, and how much of it is throttled
  auto       the same with an unknown quota, beside the adaptive retry modes of the SDK and of boto3
  change     the same while the quota halves and doubles back, and while another client takes a part of it
  no-quota   rows a second and CPU against a constant endpoint, beside a bare loop of SDK calls
  resume     a second run over a finished import, and status
  scale      intake and resume by the number of rows
  start      from the start of the process to the first request

options:
  --seconds N        length of a trial of auto, 120; half of it for a trial of quota and for each of the
                     three phases of change
  --rows N           rows of no-quota, 20000
  --rounds N         rounds of no-quota, 5
  --own-endpoint     no-quota with this program as the endpoint, even if there is nginx
  --ledger-rows N    rows of resume, 1000000
  --big              resume and scale with 10000000 rows as well; needs 12 GB of disk";

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Quota,
    Auto,
    Change,
    NoQuota,
    Resume,
    Scale,
    Start,
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) sections: Vec<Section>,
    pub(crate) seconds: usize,
    pub(crate) rows: u64,
    pub(crate) rounds: usize,
    pub(crate) own_endpoint: bool,
    pub(crate) ledger_rows: u64,
    pub(crate) big: bool,
}

/// What `--big` adds.
pub(crate) const BIG: u64 = 10_000_000;

impl Section {
    const ALL: [Section; 7] = [
        Section::Start,
        Section::NoQuota,
        Section::Resume,
        Section::Scale,
        Section::Quota,
        Section::Auto,
        Section::Change,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Quota => "quota",
            Section::Auto => "auto",
            Section::Change => "change",
            Section::NoQuota => "no-quota",
            Section::Resume => "resume",
            Section::Scale => "scale",
            Section::Start => "start",
        }
    }

    pub(crate) fn run(self, options: &Options) {
        match self {
            Section::Quota => quota::run(options),
            Section::Auto => auto::run(options),
            Section::Change => scenario::run(options),
            Section::NoQuota => no_quota::run(options),
            Section::Resume => resume::run(options),
            Section::Scale => scale::run(options),
            Section::Start => start::run(),
        }
    }

    /// How long it takes, about: the paced ones as long as they are told to, the others as measured on two
    /// shared cores.
    fn takes(self, options: &Options) -> Duration {
        let seconds = match self {
            Section::Start => 10,
            Section::Quota => options.phase() as u64 + 5,
            Section::Auto => 4 * (options.seconds as u64 + 10),
            Section::Change => 3 * (3 * options.phase() as u64 + 10),
            Section::NoQuota => options.rows * 6 * (options.rounds as u64 + 1) / 15_000,
            Section::Resume => options.ledger_rows / 4000 + if options.big { BIG / 15_000 } else { 0 },
            Section::Scale => (1_110_000 + if options.big { BIG } else { 0 }) / 15_000,
        };
        Duration::from_secs(seconds)
    }
}

impl Options {
    /// # Errors
    /// A word says nothing; the error is what to tell.
    pub(crate) fn read(words: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            sections: Vec::new(),
            seconds: 120,
            rows: 20_000,
            rounds: 5,
            own_endpoint: false,
            ledger_rows: 1_000_000,
            big: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut number = || -> Result<u64, String> {
                let number = words.next().and_then(|number| number.parse().ok());
                number.filter(|number| *number > 0).ok_or_else(|| format!("{word} wants a number\n\n{USAGE}"))
            };
            match *word {
                "--seconds" => options.seconds = number()? as usize,
                "--rows" => options.rows = number()?,
                "--rounds" => options.rounds = number()? as usize,
                "--ledger-rows" => options.ledger_rows = number()?,
                "--own-endpoint" => options.own_endpoint = true,
                "--big" => options.big = true,
                name => match Section::ALL.into_iter().find(|section| section.name() == name) {
                    Some(section) => options.sections.push(section),
                    None => return Err(USAGE.to_owned()),
                },
            }
        }
        if options.sections.is_empty() {
            options.sections = Section::ALL.to_vec();
        }
        Ok(options)
    }

    /// The length of a phase of a scenario, and of a trial at a known quota, in seconds.
    pub(crate) fn phase(&self) -> usize {
        (self.seconds / 2).max(1)
    }

    /// What is about to happen.
    pub(crate) fn plan(&self) -> String {
        let minutes = |time: Duration| time.as_secs_f64() / 60.0;
        let each: Vec<String> = self
            .sections
            .iter()
            .map(|section| format!("{} {:.1}", section.name(), minutes(section.takes(self))))
            .collect();
        let whole: Duration = self.sections.iter().map(|section| section.takes(self)).sum();
        format!("takes about {:.0} minutes ({})", minutes(whole).ceil(), each.join(", "))
    }
}
