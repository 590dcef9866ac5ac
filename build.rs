//! Passes the Git commit to the build, for `--version`.

use std::path::Path;
use std::process::Command;

fn main() {
    let version = env!("CARGO_PKG_VERSION");
    let version = commit().map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=CONNECT_IMPORT_VERSION={version}");
    println!("cargo::rerun-if-changed=build.rs");
    // The log changes with every commit and checkout.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
}

/// The abbreviated commit; `None` outside of the repository, such as in a package.
fn commit() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    let answer = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    (answer.status.success() && !commit.is_empty()).then_some(commit)
}
