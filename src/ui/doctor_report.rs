//! Results of doctor, each written as soon as its test is done.

use std::io;

use super::json::{DiagnosisMessage, DoctorSummary, Message};
use super::result_output::to_stdout;
use crate::cli::Output;
use crate::doctor::{CheckResult, CheckStatus};
use crate::exit_code::ExitCode;
use crate::printable::printable_lines;

/// Writer of the results to standard output.
#[derive(Debug)]
pub struct DoctorReport {
    output: Output,
    /// Exit code of the first failure.
    exit: ExitCode,
    has_warnings: bool,
    written: io::Result<()>,
}

impl DoctorReport {
    /// A report without results.
    pub fn new(output: Output) -> Self {
        DoctorReport { output, exit: ExitCode::Complete, has_warnings: false, written: Ok(()) }
    }

    /// Writes the result of a test.
    pub fn add(&mut self, diagnosis: &CheckResult) {
        let CheckResult { check, status, found, remedy } = diagnosis;
        match status {
            CheckStatus::Warn => self.has_warnings = true,
            CheckStatus::Fail(exit) if self.exit == ExitCode::Complete => self.exit = *exit,
            CheckStatus::Info | CheckStatus::Pass | CheckStatus::Fail(_) => {}
        }
        let verdict = status.name();
        self.write(&match self.output {
            Output::Text | Output::Csv => {
                let remedy = match remedy.is_empty() {
                    true => String::new(),
                    false => format!("                   {}\n", printable_lines(remedy)),
                };
                format!("{verdict}  {check:<11}  {}\n{remedy}", printable_lines(found))
            }
            Output::Json => {
                let message = DiagnosisMessage { check, verdict, found, remedy };
                format!("{}\n", Message::Diagnosis(message))
            }
        });
    }

    /// Writes the result of all tests, and returns the exit code.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn finish(mut self) -> io::Result<ExitCode> {
        let line = match (self.output, self.exit) {
            (Output::Json, exit) => {
                let summary = DoctorSummary { exit_code: exit.code() };
                format!("{}\n", Message::Doctor(summary))
            }
            (Output::Text | Output::Csv, ExitCode::Complete) if self.has_warnings => {
                "\nReady, with warnings.\n".to_owned()
            }
            (Output::Text | Output::Csv, ExitCode::Complete) => "\nReady.\n".to_owned(),
            (Output::Text | Output::Csv, _) => "\nNot ready: fix the failures above.\n".to_owned(),
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
