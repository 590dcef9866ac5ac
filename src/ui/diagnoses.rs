//! What a doctor says, a line each, while it is still looking.

use std::io;

use super::messages::{self, Doctor, Message, SchemaVersion};
use super::printable::printable_lines;
use super::to_stdout;
use crate::cli::Output;
use crate::doctor::{Diagnosis, Verdict};
use crate::exit_code::ExitCode;

/// Writes diagnoses, and remembers the first failure.
#[derive(Debug)]
pub struct Diagnoses {
    output: Output,
    exit: ExitCode,
    warned: bool,
    written: io::Result<()>,
}

impl Diagnoses {
    /// None yet.
    pub fn new(output: Output) -> Self {
        Diagnoses { output, exit: ExitCode::Complete, warned: false, written: Ok(()) }
    }

    /// Writes one.
    pub fn tell(&mut self, diagnosis: &Diagnosis) {
        let Diagnosis { check, verdict, found, remedy } = diagnosis;
        match verdict {
            Verdict::Pass => {}
            Verdict::Warn => self.warned = true,
            Verdict::Fail(exit) if self.exit == ExitCode::Complete => self.exit = *exit,
            Verdict::Fail(_) => {}
        }
        let line = match self.output {
            Output::Text | Output::Csv if remedy.is_empty() => {
                format!("{}  {check:<11}  {}\n", verdict.name(), printable_lines(found))
            }
            Output::Text | Output::Csv => {
                let (found, remedy) = (printable_lines(found), printable_lines(remedy));
                format!("{}  {check:<11}  {found}\n                   {remedy}\n", verdict.name())
            }
            Output::Json => {
                let diagnosis = messages::Diagnosis {
                    schema_version: SchemaVersion,
                    check,
                    verdict: verdict.name(),
                    found,
                    remedy,
                };
                format!("{}\n", Message::Diagnosis(diagnosis))
            }
        };
        self.write(&line);
    }

    /// The last line, and what the shell is told.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn finish(mut self) -> io::Result<ExitCode> {
        let line = match (self.output, self.exit) {
            (Output::Json, exit) => {
                let doctor = Doctor { schema_version: SchemaVersion, exit_code: exit.code() };
                format!("{}\n", Message::Doctor(doctor))
            }
            (Output::Text | Output::Csv, ExitCode::Complete) if self.warned => {
                "\nReady, with what is warned of above.\n".to_owned()
            }
            (Output::Text | Output::Csv, ExitCode::Complete) => "\nReady.\n".to_owned(),
            (Output::Text | Output::Csv, _) => "\nNot ready: mend what fails above.\n".to_owned(),
        };
        self.write(&line);
        self.written.map(|()| self.exit)
    }

    fn write(&mut self, line: &str) {
        if self.written.is_ok() {
            self.written = to_stdout(line);
        }
    }
}
