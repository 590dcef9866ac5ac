//! The cells of the bar: the only file that names indicatif. Where on the screen they stand is the foot's affair:
//! indicatif joins lines by having them wrap, and a window that is resized tears them.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// What is done, and what is not.
pub(super) const CELLS: [char; 2] = ['█', '░'];

/// A bar of so many cells, of which a share from 0 to 1 is done.
pub(super) fn cells(share: f64, cells: usize) -> String {
    /// Steps of the share; more than there are cells on any screen.
    const STEPS: f64 = 1e6;
    let sheet = Sheet::default();
    let target = ProgressDrawTarget::term_like(Box::new(sheet.clone()));
    let bar = ProgressBar::with_draw_target(Some(STEPS as u64), target);
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:{cells}}}")) {
        bar.set_style(style.progress_chars(&String::from_iter(CELLS)));
    }
    bar.set_position((share * STEPS) as u64);
    bar.force_draw();
    sheet.0.lock().unwrap_or_else(PoisonError::into_inner).trim_end().to_owned()
}

/// Keeps what is drawn.
#[derive(Clone, Debug, Default)]
struct Sheet(Arc<Mutex<String>>);

impl TermLike for Sheet {
    /// More than any bar is long.
    fn width(&self) -> u16 {
        256
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // What fills the line up, and the drawings before the last, are nothing to keep.
        if !text.trim().is_empty() {
            text.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_its_cells_and_no_more_of_them_are_done_than_were() {
        assert_eq!(cells(0.0, 4), "░░░░");
        assert_eq!(cells(0.49, 4), "█░░░");
        assert_eq!(cells(0.999_999, 4), "███░");
        assert_eq!(cells(1.0, 4), "████");
        assert_eq!(cells(0.5, 40).chars().count(), 40);
    }
}
