//! Reads inputs on a thread of its own, so that one core decompresses, decodes and parses while another one maps.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::Duration;

use super::error::IntakeError;
use super::prepared::{PreparedInput, Rules, now};
use crate::event::{Preparation, Reporter, RunEvent};
use crate::shutdown::Shutdown;
use crate::source::{CsvSource, Header, Input, Record, SourceError};

/// Maximum number of rows in a batch.
const ROWS: usize = 512;

/// Bytes of fields after which a batch is full: a field may have megabytes.
const BYTES: usize = 1 << 20;

/// Bytes of fields above which a record's buffer is freed instead of reused.
const LARGE: usize = 1 << 14;

/// Batches that may wait for the visitor. More would smooth no further and use memory.
const WAITING: usize = 2;

/// How often a reader that waits for input looks whether the run has to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Consecutive rows of an input.
#[derive(Debug, Default)]
struct Batch {
    /// The rows, followed by records of an earlier batch whose buffers are reused.
    records: Vec<Record>,
    len: usize,
    /// Bytes of the input read so far, as stored on disk.
    bytes: u64,
}

impl Batch {
    fn rows(&self) -> &[Record] {
        &self.records[..self.len]
    }

    /// The record to read the next row into.
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

/// Receives the rows of inputs in order.
pub trait Visitor {
    /// Error that stops the reading.
    type Error: From<IntakeError>;

    /// Begins an input.
    ///
    /// # Errors
    /// Defined by the visitor.
    fn begin(&mut self, input: &Input, header: &Header) -> Result<(), Self::Error>;

    /// Receives the next rows of the input. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Defined by the visitor.
    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), Self::Error>;

    /// Ends an input that was read completely.
    ///
    /// # Errors
    /// Defined by the visitor.
    fn end(&mut self) -> Result<(), Self::Error>;
}

/// Reads every input to its end, in order, and emits the progress. Blocks; must not be called on a thread of the async
/// runtime.
///
/// # Errors
/// - [`IntakeError::Source`]: an input cannot be read.
/// - [`IntakeError::Interrupted`], [`IntakeError::TimeBudget`]: a signal arrived, or the run's time is over.
/// - Errors of the visitor.
pub fn read_all<V: Visitor>(
    inputs: Vec<PreparedInput>,
    reporter: &Reporter,
    shutdown: &Shutdown,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let sizes: Option<Vec<u64>> = inputs.iter().map(|input| input.bytes).collect();
    let bytes_total = sizes.map(|sizes| sizes.iter().sum());
    let (mut rows, mut bytes_before) = (0, 0);
    // Opening and the first batch may take long, for example from a pipe.
    reporter.emit(RunEvent::ReadingInput { rows, bytes: bytes_before, bytes_total });
    for prepared in inputs {
        let (source, rules) = prepared.open().map_err(IntakeError::from)?;
        let (file, rows_before) = (source.input().to_string(), rows);
        visitor.begin(source.input(), source.header())?;
        let (sender, batches) = sync_channel(WAITING);
        let (used, free) = channel();
        // It ends with the input, or when `batches` is dropped.
        let thread = std::thread::Builder::new().name("read".into());
        thread.spawn(move || read(source, &sender, &free)).map_err(IntakeError::Thread)?;
        let mut bytes = 0;
        while let Some(batch) = next_batch(&batches, shutdown)? {
            visitor.rows(&rules, batch.rows(), now())?;
            rows += batch.len as u64;
            bytes = batch.bytes;
            reporter.emit(RunEvent::ReadingInput { rows, bytes: bytes_before + bytes, bytes_total });
            // The thread reuses its buffers, or has ended.
            let _ = used.send(batch);
        }
        bytes_before += bytes;
        visitor.end()?;
        reporter.emit(RunEvent::Prepared(Preparation::InputRead { file, rows: rows - rows_before }));
    }
    Ok(())
}

/// The next batch; none at the end of the input. An input that delivers nothing, such as a pipe, must not keep a run from
/// stopping.
fn next_batch(
    batches: &Receiver<Result<Batch, SourceError>>,
    shutdown: &Shutdown,
) -> Result<Option<Batch>, IntakeError> {
    loop {
        let received = batches.recv_timeout(LOOK_UP);
        if let Some(signal) = shutdown.signal() {
            return Err(IntakeError::Interrupted(signal));
        }
        if shutdown.budget().is_used_up() {
            return Err(IntakeError::TimeBudget);
        }
        match received {
            Ok(batch) => return Ok(Some(batch?)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
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
                    // The rows before the error are valid.
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
