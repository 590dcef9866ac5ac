//! Whether the instance is there, as far as one may ask. Pure.

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::ledger::Cause;
use crate::submission::AttemptError;

const CHECK: &str = "instance";

/// `asked` is the instance's status, or why it is not known.
pub(super) fn instance(asked: &Result<String, AttemptError>) -> Diagnosis {
    match asked {
        Ok(status) if status == "ACTIVE" => Diagnosis::pass(CHECK, "is there, and active"),
        Ok(status) => Diagnosis::warn(CHECK, format!("is there, and {status}"), "wait until it is active"),
        Err(trouble) => {
            let Cause { code, message } = trouble.cause();
            let found = format!("{code}: {message}");
            match trouble {
                AttemptError::NotFound(_) => {
                    let remedy = "look at the instance's id, the Region and the account";
                    Diagnosis::fail(CHECK, ExitCode::Fatal, found, remedy)
                }
                _ => {
                    let remedy = "allow connect:DescribeInstance to have it looked at, or see by a pilot (run --limit 1)";
                    Diagnosis::warn(CHECK, format!("not known ({found})"), remedy)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn an_instance_that_may_not_be_asked_for_is_not_known() {
        let cause = || Cause { code: "c".into(), message: "m".into() };
        assert_eq!(instance(&Ok("ACTIVE".into())).verdict, Verdict::Pass);
        assert_eq!(instance(&Ok("CREATION_IN_PROGRESS".into())).verdict, Verdict::Warn);
        assert_eq!(instance(&Err(AttemptError::Denied(cause()))).verdict, Verdict::Warn);
        assert_eq!(instance(&Err(AttemptError::NotFound(cause()))).verdict, Verdict::Fail(ExitCode::Fatal));
    }
}
