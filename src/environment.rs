//! The process's environment variables, corrected before anything reads them.
//!
//! A variable that is set to nothing is unset (compose files and CI write `NAME=`), and white space at the ends of values is
//! no part of them (a secret that is mounted as a file ends in a line feed). The AWS SDK, the proxy rules and credential
//! processes take both as they are, and read the process's own environment. Changing that is unsafe in Rust once a thread
//! may read it, so the process is replaced by itself with the corrected environment.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use thiserror::Error;

/// Start of the names of the SDK's variables.
const OF_THE_SDK: &str = "AWS_";

/// Start of the names of this tool's variables.
const OF_THIS_TOOL: &str = "CONNECT_IMPORT_";

/// Variables of the SDK and of its transport with other names, in upper case.
const OTHERS: [&str; 8] = [
    "SECRET_ACCESS_KEY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Names that the Rust SDK does not read, with those that it reads. boto3 and the AWS CLI read both, and prefer these:
/// `findings/botocore_has_three_meanings_of_an_empty_variable.sh`.
const OLD_NAMES: [(&str, &str); 2] =
    [("AWS_DEFAULT_PROFILE", "AWS_PROFILE"), ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")];

/// The process cannot be started again with the corrected environment.
#[derive(Debug, Error)]
#[error(
    "the environment must be corrected, and connect-import cannot start itself again for it ({source}); unset these \
     variables, or set them without white space at their ends: {}", names.join(", ")
)]
pub struct EnvironmentError {
    /// Names of the variables to correct.
    pub names: Vec<String>,
    /// Error of the operating system.
    pub source: io::Error,
}

/// An environment, and how it differs from the one that it was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Corrected {
    variables: BTreeMap<OsString, OsString>,
    /// Names of the variables that were changed, set or unset.
    names: Vec<String>,
}

/// Replaces this process by itself if its environment has to be corrected: the same program, arguments, process id and
/// open files. Returns if there is nothing to correct; where a process cannot be replaced, returns the exit code of a
/// child process that did the work.
///
/// # Errors
/// [`EnvironmentError`] if the program cannot be started again.
pub fn correct() -> Result<Option<u8>, EnvironmentError> {
    let Corrected { variables, names } = corrected(env::vars_os());
    if names.is_empty() {
        return Ok(None);
    }
    let mut arguments = env::args_os();
    let zeroth = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    let start = |program: &OsStr| {
        let mut command = Command::new(program);
        command.args(&arguments).env_clear().envs(&variables);
        // The commands that are printed have the name that was typed.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, &zeroth);
        replace(&mut command)
    };
    let started = env::current_exe().and_then(|program| start(program.as_os_str()));
    // The path may be unknown, as in a chroot without /proc, or that of a file that was replaced meanwhile.
    let started = started.or_else(|error| start(&zeroth).map_err(|_| error));
    started.map(Some).map_err(|source| EnvironmentError { names, source })
}

#[cfg(unix)]
fn replace(command: &mut Command) -> io::Result<u8> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> io::Result<u8> {
    let code = command.status()?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Corrects `variables`. Values that are not Unicode are left as they are.
fn corrected(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Corrected {
    let mut kept: BTreeMap<OsString, OsString> = BTreeMap::new();
    for (name, value) in variables {
        // Programs read the first of several values of one name.
        kept.entry(name).or_insert(value);
    }
    let mut names = Vec::new();
    for name in kept.keys().filter_map(|name| name.to_str().map(str::to_owned)).collect::<Vec<_>>() {
        let Some(value) = kept.get(OsStr::new(&name)).and_then(|value| value.to_str()) else { continue };
        let Some(wanted) = wanted(&name, value) else { continue };
        if wanted == value && !wanted.is_empty() {
            continue;
        }
        if wanted.is_empty() {
            kept.remove(OsStr::new(&name));
        } else {
            let wanted = wanted.into();
            kept.insert(name.clone().into(), wanted);
        }
        names.push(name);
    }
    for (old, new) in OLD_NAMES {
        let Some(value) = kept.get(OsStr::new(old)).filter(|value| value.to_str().is_some()).cloned() else {
            continue;
        };
        if kept.get(OsStr::new(new)) != Some(&value) {
            kept.insert(new.into(), value);
            names.push(old.to_owned());
        }
    }
    names.sort();
    names.dedup();
    Corrected { variables: kept, names }
}

/// The value that the variable `name` is to have, empty for none; `None` for a variable that is not corrected.
fn wanted<'a>(name: &str, value: &'a str) -> Option<&'a str> {
    if name.starts_with(OF_THE_SDK) || OTHERS.contains(&&*name.to_ascii_uppercase()) {
        return Some(value.trim());
    }
    // White space may be meant: a field separator, for example.
    name.starts_with(OF_THIS_TOOL).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn correct_all(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let corrected = corrected(variables.iter().map(|(name, value)| (name.into(), value.into())));
        let shown = |(name, value): (&OsString, &OsString)| format!("{}={}", name.display(), value.display());
        (corrected.variables.iter().map(shown).collect(), corrected.names)
    }

    #[test]
    fn an_empty_variable_is_unset_and_white_space_at_the_ends_is_taken_off() {
        let (left, names) = correct_all(&[
            ("AWS_REGION", ""),
            ("AWS_PROFILE", " \t"),
            ("AWS_SESSION_TOKEN", "token\r\n"),
            ("https_proxy", " http://proxy:3128\n"),
            ("NO_PROXY", ""),
            ("CONNECT_IMPORT_RATE", ""),
        ]);
        assert_eq!(left, ["AWS_SESSION_TOKEN=token", "https_proxy=http://proxy:3128"]);
        let changed = ["AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "CONNECT_IMPORT_RATE"];
        assert_eq!(names, [&changed[..], &["NO_PROXY", "https_proxy"]].concat());
    }

    #[test]
    fn other_values_stay_as_they_are() {
        let set = [
            ("AWS_EXECUTION_ENV", "a b"),
            ("CONNECT_IMPORT_DELIMITER", "\t"),
            ("CONNECT_IMPORT_NULL", " "),
            ("PATH", ""),
            ("aws_region", " x "),
        ];
        assert_eq!(correct_all(&set).1, Vec::<String>::new());
    }

    #[test]
    fn the_first_of_several_values_of_a_name_counts() {
        let (left, _) = correct_all(&[("AWS_REGION", "a"), ("AWS_REGION", "b"), ("AWS_PROFILE", "")]);
        assert_eq!(left, ["AWS_REGION=a"]);
    }

    #[test]
    fn a_name_that_only_boto3_reads_sets_the_one_that_the_sdk_reads() {
        let (left, names) = correct_all(&[("AWS_DEFAULT_PROFILE", "a "), ("AWS_PROFILE", "b")]);
        assert_eq!(left, ["AWS_DEFAULT_PROFILE=a", "AWS_PROFILE=a"]);
        assert_eq!(names, ["AWS_DEFAULT_PROFILE"]);
        let (left, names) = correct_all(&[("AWS_SECURITY_TOKEN", "t"), ("AWS_SESSION_TOKEN", "t")]);
        assert_eq!((left.len(), names.len()), (2, 0));
        let (left, _) = correct_all(&[("AWS_SECURITY_TOKEN", ""), ("AWS_SESSION_TOKEN", "t")]);
        assert_eq!(left, ["AWS_SESSION_TOKEN=t"]);
    }

    #[cfg(unix)]
    #[test]
    fn values_that_are_not_unicode_stay_as_they_are() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(vec![b' ', 0xff, b' ']);
        for name in ["AWS_REGION", "AWS_DEFAULT_PROFILE"] {
            let corrected = corrected([(name.into(), value.clone())]);
            assert_eq!(corrected.variables.get(OsStr::new(name)), Some(&value));
            assert!(corrected.names.is_empty());
        }
    }

    proptest! {
        /// Otherwise the process would start itself again without end.
        #[test]
        fn a_corrected_environment_needs_no_correction(
            variables in proptest::collection::vec(
                (
                    "(AWS_(REGION|PROFILE|DEFAULT_PROFILE|SECURITY_TOKEN|SESSION_TOKEN|X)|[a-zA-Z_]{0,3}|NO_PROXY|http_proxy\
                      |CONNECT_IMPORT_(RATE|NULL))",
                    "([ \\t\\r\\n\u{a0}\u{2028}a=]|\\PC){0,4}",
                ),
                0..12,
            )
        ) {
            let once = corrected(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
            let twice = corrected(once.variables.clone());
            prop_assert_eq!(&twice.names, &Vec::<String>::new());
            prop_assert_eq!(twice.variables, once.variables);
        }
    }
}
