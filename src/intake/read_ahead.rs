//! Reading on a thread of its own, so that a second core decompresses, decodes and parses while the first
//! one maps.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::IntakeError;
use crate::source::{CsvSource, Record, SourceError};

/// Rows that are handed over at a time, at most.
const ROWS: usize = 512;

/// Bytes of cells that are handed over at a time, about: cells may have megabytes.
const BYTES: usize = 1 << 20;

/// A row whose cells have more bytes than this is not written over, but let go of.
const LARGE: usize = 1 << 14;

/// Batches that may wait: enough to even out, and few enough for the memory to stay flat.
const WAITING: usize = 2;

/// Rows of an input, in file order.
#[derive(Debug, Default)]
pub struct Batch {
    /// The rows; those beyond `len` are left over from an earlier batch.
    records: Vec<Record>,
    len: usize,
    /// Bytes of the input read so far, as they lie on the disk.
    pub bytes: u64,
}

impl Batch {
    /// The rows.
    pub fn rows(&self) -> &[Record] {
        &self.records[..self.len]
    }

    /// The next row to be read.
    fn free_row(&mut self) -> &mut Record {
        if self.records.len() == self.len {
            self.records.push(Record::default());
        }
        let row = &mut self.records[self.len];
        if row.cells.as_slice().len() > LARGE {
            *row = Record::default();
        }
        row
    }
}

/// An input that is being read.
#[derive(Debug)]
pub struct ReadAhead {
    batches: Receiver<Result<Batch, SourceError>>,
    /// Batches go back, so that their rows are written over instead of made anew.
    used: Sender<Batch>,
}

impl ReadAhead {
    /// Starts to read. The thread ends with the input, or when nobody takes its batches any more.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(source: CsvSource) -> io::Result<Self> {
        let (sender, batches) = sync_channel(WAITING);
        let (used, free) = channel();
        std::thread::Builder::new().name("read".into()).spawn(move || read(source, &sender, &free))?;
        Ok(ReadAhead { batches, used })
    }

    /// The next rows; none at the end. `used` is the batch that is done with.
    ///
    /// # Errors
    /// The file cannot be read on.
    pub fn next(&self, used: Option<Batch>) -> Result<Option<Batch>, IntakeError> {
        if let Some(used) = used {
            // The thread may have ended already.
            let _ = self.used.send(used);
        }
        match self.batches.recv() {
            Ok(batch) => Ok(Some(batch?)),
            Err(_) => Ok(None),
        }
    }
}

fn read(mut source: CsvSource, sender: &SyncSender<Result<Batch, SourceError>>, free: &Receiver<Batch>) {
    let mut at_end = false;
    while !at_end {
        let mut batch = free.try_recv().unwrap_or_default();
        batch.len = 0;
        let mut bytes = 0;
        while batch.len < ROWS && bytes < BYTES {
            match source.read_record(batch.free_row()) {
                Ok(true) => {
                    bytes += batch.records[batch.len].cells.as_slice().len();
                    batch.len += 1;
                }
                Ok(false) => {
                    at_end = true;
                    break;
                }
                Err(error) => {
                    // What was read before it comes first.
                    let _ = sender.send(Ok(batch));
                    let _ = sender.send(Err(error));
                    return;
                }
            }
        }
        batch.bytes = source.progress().0;
        if sender.send(Ok(batch)).is_err() {
            return;
        }
    }
}
