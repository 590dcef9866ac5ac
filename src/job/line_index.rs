//! Lines of a text by byte offset.

/// The line of each offset of one text. A job file may have a hundred thousand members, each with its line.
#[derive(Debug)]
pub(super) struct LineIndex {
    /// Offsets of the line ends.
    ends: Vec<usize>,
}

impl LineIndex {
    pub(super) fn new(text: &str) -> Self {
        LineIndex { ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect() }
    }

    /// The line that the byte at `offset` is on, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_is_part_of_its_line() {
        let lines = LineIndex::new("ab\n\nc");
        assert_eq!([0, 2, 3, 4, 9].map(|offset| lines.line_of(offset)), [1, 1, 2, 3, 3]);
        assert_eq!(LineIndex::new("").line_of(0), 1);
    }
}
