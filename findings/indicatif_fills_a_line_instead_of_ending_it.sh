#!/usr/bin/env bash
# indicatif writes no line break between the lines of a bar: it fills each to the width of the terminal, the last one too.
#
# Version: indicatif 0.18.6.
# Seen: a bar of the lines "0/10" and "two" on 12 columns is written as 24 characters without a line end, and the next draw moves up by
# one line to clear it. The cursor waits at the right end of the last line, so that what the terminal echoes there, such as the ^C of
# an interrupt, stands on a further line. A draw after it clears from one line too low, and the bar's first line stays on the screen.
# Here: the status area begins with an empty line where the terminal has one to spare, so that the line that stays is empty; the tests
# of `terminal` send Ctrl-C to a run in an emulated terminal and expect no line of the bar above the report.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
indicatif = "=0.18.6"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::io::Result;
use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// A terminal of 12 columns that records what is written.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<String>>);

impl Recorder {
    fn add(&self, text: &str) -> Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }
}

impl TermLike for Recorder {
    fn width(&self) -> u16 {
        12
    }
    fn height(&self) -> u16 {
        24
    }
    fn move_cursor_up(&self, lines: usize) -> Result<()> {
        self.add(&format!("<up {lines}>"))
    }
    fn move_cursor_down(&self, lines: usize) -> Result<()> {
        self.add(&format!("<down {lines}>"))
    }
    fn move_cursor_right(&self, columns: usize) -> Result<()> {
        self.add(&format!("<right {columns}>"))
    }
    fn move_cursor_left(&self, columns: usize) -> Result<()> {
        self.add(&format!("<left {columns}>"))
    }
    fn write_line(&self, text: &str) -> Result<()> {
        self.add(&format!("{text}<line end>"))
    }
    fn write_str(&self, text: &str) -> Result<()> {
        self.add(text)
    }
    fn clear_line(&self) -> Result<()> {
        self.add("<clear>")
    }
    fn flush(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let terminal = Recorder::default();
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let bar = ProgressBar::with_draw_target(Some(10), target);
    bar.set_style(ProgressStyle::with_template("{pos}/{len}\n{msg}").unwrap());
    bar.set_message("two");
    terminal.0.lock().unwrap().clear();
    bar.force_draw();
    println!("{}", terminal.0.lock().unwrap().replace(' ', "."));
}
RUST
seen="$(cargo run --quiet --manifest-path "$folder/Cargo.toml")"
echo "$seen"
[ "$seen" = "<up.1><clear><down.1><clear><up.1>0/10........two........." ]
