//! The sections to run and their sizes.

use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "\
usage: cargo bench --bench speed [-- SECTION... OPTION...]

sections, all of them unless some are named:
  quota      the share of a known quota that is used, and how much of it is throttled
  auto       these shares at an unknown quota, beside the adaptive retry modes of the SDK and of boto3
  change     these shares while the quota is halved and restored, and while another client uses part of it
  no-quota   rows per second and CPU against a constant endpoint, beside a bare loop of SDK calls
  resume     a second run over a finished import, and status
  scale      intake and resume by the number of rows
  start      from the start of the process to the first request
  against    check, intake and sending beside another build of the tool, which --against names

options:
  --seconds N        length of a trial of auto, 120; half of it for a trial of quota and for each of the
                     three phases of change
  --rows N           rows that no-quota and against send, 20000
  --rounds N         rounds of no-quota and against, 5
  --against BINARY   the other build; without sections only `against` runs
  --own-endpoint     this program as the endpoint of no-quota and resume, even if nginx is installed
  --ledger-rows N    rows of resume, and of check and intake in against, 1000000
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
    Against,
}

/// The options of the command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) sections: Vec<Section>,
    pub(crate) seconds: usize,
    pub(crate) rows: u64,
    pub(crate) rounds: usize,
    pub(crate) own_endpoint: bool,
    pub(crate) ledger_rows: u64,
    pub(crate) big: bool,
    pub(crate) against: Option<PathBuf>,
}

/// The rows that `--big` adds to resume and scale.
pub(crate) const BIG: u64 = 10_000_000;

impl Section {
    const ALL: [Section; 8] = [
        Section::Start,
        Section::NoQuota,
        Section::Resume,
        Section::Scale,
        Section::Quota,
        Section::Auto,
        Section::Change,
        Section::Against,
    ];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Quota => "quota",
            Section::Auto => "auto",
            Section::Change => "change",
            Section::NoQuota => "no-quota",
            Section::Resume => "resume",
            Section::Scale => "scale",
            Section::Start => "start",
            Section::Against => "against",
        }
    }

    /// The approximate duration. That of the paced sections is given; that of the others was measured on two
    /// shared cores.
    fn duration(self, options: &Options) -> Duration {
        let seconds = match self {
            Section::Start => 10,
            Section::Quota => options.phase() as u64 + 5,
            Section::Auto => 4 * (options.seconds as u64 + 10),
            Section::Change => 3 * (3 * options.phase() as u64 + 10),
            Section::NoQuota => options.rows * 6 * (options.rounds as u64 + 1) / 15_000,
            Section::Resume => options.ledger_rows / 4000 + if options.big { BIG / 15_000 } else { 0 },
            Section::Against if options.against.is_none() => 0,
            Section::Against => {
                (options.rounds as u64 + 1) * (options.ledger_rows / 45_000 + options.rows / 4000)
            }
            Section::Scale => (1_110_000 + if options.big { BIG } else { 0 }) / 15_000,
        };
        Duration::from_secs(seconds)
    }
}

impl Options {
    /// Parses the command line.
    ///
    /// # Errors
    ///
    /// The message to print for an argument that is unknown or has no number.
    pub(crate) fn read(words: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            sections: Vec::new(),
            seconds: 120,
            rows: 20_000,
            rounds: 5,
            own_endpoint: false,
            ledger_rows: 1_000_000,
            big: false,
            against: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let number = |words: &mut std::slice::Iter<'_, &str>| -> Result<u64, String> {
                let number = words.next().and_then(|number| number.parse().ok());
                number
                    .filter(|number| *number > 0)
                    .ok_or_else(|| format!("{word} needs a number above 0\n\n{USAGE}"))
            };
            match *word {
                "--seconds" => options.seconds = number(&mut words)? as usize,
                "--rows" => options.rows = number(&mut words)?,
                "--rounds" => options.rounds = number(&mut words)? as usize,
                "--ledger-rows" => options.ledger_rows = number(&mut words)?,
                "--own-endpoint" => options.own_endpoint = true,
                "--big" => options.big = true,
                "--against" => {
                    let binary = words.next().ok_or_else(|| format!("{word} needs a path\n\n{USAGE}"))?;
                    // Absolute, since the tool runs in a folder of its own.
                    let path = std::path::absolute(binary).map_err(|error| error.to_string())?;
                    options.against = Some(path);
                }
                name => match Section::ALL.into_iter().find(|section| section.name() == name) {
                    Some(section) => options.sections.push(section),
                    None => return Err(USAGE.to_owned()),
                },
            }
        }
        if options.sections.is_empty() {
            options.sections = match options.against {
                Some(_) => vec![Section::Against],
                None => Section::ALL.to_vec(),
            };
        }
        Ok(options)
    }

    /// Seconds of a phase of `change`, and of a trial of `quota`.
    pub(crate) fn phase(&self) -> usize {
        (self.seconds / 2).max(1)
    }

    /// A line about the expected duration.
    pub(crate) fn plan(&self) -> String {
        let minutes = |time: Duration| time.as_secs_f64() / 60.0;
        let each: Vec<String> = self
            .sections
            .iter()
            .map(|section| format!("{} {:.1}", section.name(), minutes(section.duration(self))))
            .collect();
        let whole: Duration = self.sections.iter().map(|section| section.duration(self)).sum();
        format!("takes about {:.0} minutes ({})", minutes(whole).ceil(), each.join(", "))
    }
}
