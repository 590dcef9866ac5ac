//! An Amazon Connect endpoint on loopback, to rehearse an import against.
//!
//! It serves `CreateContact` (`PUT /contact/create-contact`), `StartTaskContact` (`PUT /contact/task`),
//! `DescribeContact` (`GET /contacts/{InstanceId}/{ContactId}`) and `SearchContacts` (`POST
//! /search-contacts`) in the service's protocol, restJson1. Signatures are not checked, so the importer, the
//! AWS CLI and boto3 work against it. It enforces a throttling quota for each operation, remembers client
//! tokens, and validates requests by the service's documented limits. [`Faults`] make it fail as a network
//! and a service do.
//!
//! It imports nothing from the importer but the permissions of new files: a mistake in one of the two then
//! shows against the other. The test `agreement` compares their validations.
//!
//! The files, in the order in which a request passes them:
//!
//! | file | holds |
//! |---|---|
//! | `config`, `error` | the settings and faults, and why a sandbox cannot start or continue |
//! | `server` | the listener and its connections |
//! | `http` | request bodies, responses, headers, and the sandbox's own pages |
//! | `operation` | the operations, and which one a method and a path name; pure |
//! | `service` | one request: admission, random faults, the operation |
//! | `state` | everything behind the service's lock, with its counters |
//! | `quota`, `latency`, `random_faults` | token buckets, delays and faults; pure but for one counter |
//! | `json`, `input` | a request body as typed members; pure |
//! | `limits` | the service's documented limits; pure |
//! | `contact`, `contact_store` | the contacts and the client tokens; pure |
//! | `search` | the two searches that the importer sends; pure |
//! | `state_file` | contacts on disk, each written before its response is sent |
//! | `api_error` | the errors of the service: code, status, message |
//!
//! Two pages belong to the sandbox itself. Quotas, latency and faults do not apply to them: `GET
//! /_sandbox/stats` shows [`SandboxStats`]. `GET /_sandbox/contacts` is a JSON array of every contact in the
//! order of creation: `ContactId`, `ContactArn`, `InitiationTimestamp` (epoch seconds), `Operation` unless it
//! was `CreateContact`, then the members of the request as they were sent.
//!
//! It does not imitate:
//!
//! - permissions, and the existence of instances, users, related contacts, flows, quick connects, task
//!   templates and attachments;
//! - the quotas on open and on linked tasks (a fault limits the number of all contacts), and the delay until
//!   a scheduled time;
//! - a lifetime of client tokens, unless a fault sets one; the service documents none;
//! - changes to a contact after its creation: only a contact initiated as COMPLETED has a
//!   `DisconnectTimestamp`, equal to its initiation;
//! - `References` and segment attributes in a description, which `ListContactReferences` and the service's
//!   own additions would show, and the deletion of contacts after 24 months;
//! - the registration of attributes for search: every attribute counts as registered;
//! - other searches than the two of the importer, see `search`; they are refused with 400.

mod error;
mod config;
mod operation;
mod api_error;
mod json;
mod input;
mod limits;
mod contact;
mod contact_store;
mod search;
mod state_file;
mod quota;
mod random_faults;
mod latency;
mod state;
mod service;
mod http;
mod server;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;

pub use config::{Faults, ParseSlowResponsesError, SandboxConfig, SlowResponses};
pub use error::SandboxError;
pub use server::{Sandbox, SandboxHandle};
pub use state::SandboxStats;
pub use state_file::STATE_LINE_START;
