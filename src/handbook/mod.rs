//! The chapters of the documentation, one Markdown file each, readable on the web as well. Tests generate the tables that
//! follow from the code.

#[doc = include_str!("job_file.md")]
pub mod job_file {}

#[doc = include_str!("exporters.md")]
pub mod exporters {}

#[doc = include_str!("guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("environments.md")]
pub mod environments {}

#[doc = include_str!("pace.md")]
pub mod pace {}

#[doc = include_str!("ledger.md")]
pub mod ledger {}

#[doc = include_str!("design.md")]
pub mod design {}
