//! Reads the dates of a CSV: by a format, in the languages and notations of exports, and by time-zone data.
//!
//! One reader serves the filters of a mapping and `init`, so that a format that `init` writes is read as `init`
//! read it.
//!
//! Promises: a date outside of 1900 to 2199, and a date that exporters write for "no value", is a fault and
//! never a moment; no error repeats a cell. The only I/O is that of [`zone_data()`], once a process.
//!
//! Imports nothing of the crate.

mod fault;
mod day_month;
mod reading;
mod spelling;
mod names;
mod numbers;
mod reader;
mod zone_data;
mod zone_names;

pub(crate) use day_month::{DayMonthOrder, numeric_order, swapped};
pub(crate) use fault::DateFault;
pub(crate) use reader::DateReader;
pub(crate) use reading::DateReading;
pub(crate) use zone_data::zone_data;
