//! Reading on a thread of its own, so that a second core decompresses, decodes and parses while the first
//! one maps.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::{IntakeError, Prepared, Rules, now};
use crate::event::{Reporter, RunEvent};
use crate::shutdown::Shutdown;
use crate::source::{CsvSource, Header, Input, Record, SourceError};

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
struct Batch {
    /// The rows; those beyond `len` are left over from an earlier batch.
    records: Vec<Record>,
    len: usize,
    /// Bytes of the input read so far, as they lie on the disk.
    bytes: u64,
}

impl Batch {
    /// The rows.
    fn rows(&self) -> &[Record] {
        &self.records[..self.len]
    }

    /// The next row to be read.
    fn free_row(&mut self) -> &mut Record {
        if self.records.len() == self.len {
            self.records.push(Record::default());
        }
        let row = &mut self.records[self.len];
        if row.fields.as_slice().len() > LARGE {
            *row = Record::default();
        }
        row
    }
}

/// Takes the rows of inputs in.
pub trait Visitor {
    /// What may go wrong with it.
    type Error: From<IntakeError>;

    /// An input begins.
    ///
    /// # Errors
    /// The visitor's own.
    fn begin(&mut self, input: &Input, header: &Header) -> Result<(), Self::Error>;

    /// The next rows of the input, at `now` in seconds since 1970.
    ///
    /// # Errors
    /// The visitor's own.
    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), Self::Error>;

    /// The input has been read to its end.
    ///
    /// # Errors
    /// The visitor's own.
    fn end(&mut self) -> Result<(), Self::Error>;
}

/// Reads every input to its end, one after the other, and tells of the progress. Blocks; not for the async
/// runtime's threads.
///
/// # Errors
/// An input cannot be read, a signal comes, or the visitor's own.
pub fn read_all<V: Visitor>(
    inputs: Vec<Prepared>,
    reporter: &Reporter,
    shutdown: &Shutdown,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let sizes: Option<Vec<u64>> = inputs.iter().map(|input| input.bytes).collect();
    let bytes_total = sizes.map(|sizes| sizes.iter().sum());
    let (mut rows, mut bytes_before) = (0, 0);
    // The first rows may take their time to come.
    reporter.emit(RunEvent::ReadingInput { rows, bytes: bytes_before, bytes_total });
    for prepared in inputs {
        let (source, rules) = prepared.open().map_err(IntakeError::from)?;
        visitor.begin(source.input(), source.header())?;
        let reading = ReadAhead::start(source).map_err(IntakeError::Thread)?;
        let (mut batch, mut bytes) = (None, 0);
        while let Some(next) = reading.next(batch.take())? {
            if let Some(signal) = shutdown.signal() {
                return Err(IntakeError::Interrupted(signal).into());
            }
            visitor.rows(&rules, next.rows(), now())?;
            rows += next.len as u64;
            bytes = next.bytes;
            reporter.emit(RunEvent::ReadingInput { rows, bytes: bytes_before + bytes, bytes_total });
            batch = Some(next);
        }
        bytes_before += bytes;
        visitor.end()?;
    }
    Ok(())
}

/// An input that is being read.
#[derive(Debug)]
struct ReadAhead {
    batches: Receiver<Result<Batch, SourceError>>,
    /// Batches go back, so that their rows are written over instead of made anew.
    used: Sender<Batch>,
}

impl ReadAhead {
    /// Starts to read. The thread ends with the input, or when nobody takes its batches any more.
    ///
    /// # Errors
    /// The system gives no thread.
    fn start(source: CsvSource) -> io::Result<Self> {
        let (sender, batches) = sync_channel(WAITING);
        let (used, free) = channel();
        std::thread::Builder::new().name("read".into()).spawn(move || read(source, &sender, &free))?;
        Ok(ReadAhead { batches, used })
    }

    /// The next rows; none at the end. `used` is the batch that is done with.
    ///
    /// # Errors
    /// The file cannot be read on.
    fn next(&self, used: Option<Batch>) -> Result<Option<Batch>, IntakeError> {
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
                    bytes += batch.records[batch.len].fields.as_slice().len();
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
