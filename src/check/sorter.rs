//! Sorting more than fits into memory: what exceeds it goes to temporary files in sorted runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};

/// Four numbers, compared from left to right.
pub(super) type Entry = [u64; 4];

const BYTES: usize = size_of::<Entry>();

/// Entries held in memory: 8 MiB of them.
const HELD: usize = 1 << 18;

/// Takes entries in any order and gives them back sorted.
#[derive(Debug)]
pub(super) struct Sorter {
    held: Vec<Entry>,
    most: usize,
    runs: Vec<File>,
}

impl Sorter {
    pub(super) fn new() -> Self {
        Sorter::holding(HELD)
    }

    fn holding(most: usize) -> Self {
        Sorter { held: Vec::new(), most, runs: Vec::new() }
    }

    /// Takes an entry.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub(super) fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.held.len() == self.most {
            self.spill()?;
        }
        self.held.push(entry);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let mut writer = BufWriter::new(tempfile::tempfile()?);
        for entry in self.held.drain(..) {
            for number in entry {
                writer.write_all(&number.to_le_bytes())?;
            }
        }
        let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        Ok(())
    }

    /// All entries, sorted.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        self.held.sort_unstable();
        let mut runs: Vec<Run> = self.runs.into_iter().map(|file| Run::File(BufReader::new(file))).collect();
        runs.push(Run::Memory(self.held.into_iter()));
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (index, run) in runs.iter_mut().enumerate() {
            if let Some(entry) = run.next()? {
                heads.push(Reverse((entry, index)));
            }
        }
        Ok(Sorted { runs, heads })
    }
}

/// Sorted entries, one by one.
pub(super) struct Sorted {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Entry, usize)>>,
}

enum Run {
    File(BufReader<File>),
    Memory(std::vec::IntoIter<Entry>),
}

impl Run {
    fn next(&mut self) -> io::Result<Option<Entry>> {
        match self {
            Run::Memory(entries) => Ok(entries.next()),
            Run::File(reader) => {
                let mut bytes = [0; BYTES];
                match reader.read_exact(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                    outcome => outcome?,
                }
                let mut entry = [0; 4];
                for (number, bytes) in entry.iter_mut().zip(bytes.chunks_exact(8)) {
                    let mut own = [0; 8];
                    own.copy_from_slice(bytes);
                    *number = u64::from_le_bytes(own);
                }
                Ok(Some(entry))
            }
        }
    }
}

impl Sorted {
    /// The next entry; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let Some(Reverse((entry, index))) = self.heads.pop() else {
            return Ok(None);
        };
        if let Some(next) = self.runs[index].next()? {
            self.heads.push(Reverse((next, index)));
        }
        Ok(Some(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn entries_come_back_sorted_whether_or_not_they_fit(mut entries in proptest::collection::vec(proptest::array::uniform4(0_u64..9), 0..40), most in 1_usize..50) {
            let mut sorter = Sorter::holding(most);
            for entry in &entries {
                sorter.push(*entry).unwrap();
            }
            let mut sorted = sorter.sorted().unwrap();
            let mut read = Vec::new();
            while let Some(entry) = sorted.next().unwrap() {
                read.push(entry);
            }
            entries.sort_unstable();
            proptest::prop_assert_eq!(read, entries);
        }
    }
}
