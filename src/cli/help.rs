//! Options of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;

/// Options of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import completions bash > ~/.local/share/bash-completion/completions/connect-import\n  \
    connect-import completions zsh > ~/.zfunc/_connect-import\n  \
    connect-import completions fish > ~/.config/fish/completions/connect-import.fish")]
pub struct CompletionsArgs {
    /// Shell to print completions for
    pub shell: clap_complete::Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    connect-import man | man -l -\n  \
    connect-import man --to ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Folder to write connect-import.1 and a page for each command to; created if missing
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
}
