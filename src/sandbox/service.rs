//! One request after another: admission, random faults, the operation.
//!
//! The shared state is behind one lock. Requests hold it for microseconds, and for the write of one line to
//! the state file; a search holds it while it collects the contacts in its time range.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::api_error::{ApiError, ErrorCode};
use super::config::{Faults, SandboxConfig};
use super::contact::{ContactView, ValidRequest, since_epoch};
use super::error::SandboxError;
use super::input::CreateInput;
use super::json;
use super::latency::Latency;
use super::limits;
use super::operation::{ApiOperation, ContactLabels, CreateOperation, Route};
use super::random_faults::{RandomFaults, RequestIdentity, count_repetition};
use super::search::SearchRequest;
use super::state::{SandboxState, SandboxStats};

/// Bytes of contacts that are copied while the lock is held, about.
const CHUNK: usize = 64 * 1024;

/// The service behind the HTTP endpoint.
pub(super) struct Service {
    state: Mutex<SandboxState>,
    pub(super) latency: Latency,
    faults: Faults,
    seed: u64,
    write_failed: Notify,
}

/// The end of a request: a response, or a closed connection.
#[derive(Debug)]
pub(super) enum RequestOutcome {
    /// It gets a response, an error or the body of a success, after this delay in addition to the latency.
    Respond(Result<Value, ApiError>, Duration),
    /// A fault closes it.
    CloseConnection,
}

impl Service {
    /// A service with the contacts of the state file. The configuration has been checked.
    pub(super) fn open(config: SandboxConfig) -> Result<Service, SandboxError> {
        Ok(Service {
            state: Mutex::new(SandboxState::open(&config)?),
            latency: Latency::new(config.latency, config.jitter, config.seed),
            faults: config.faults,
            seed: config.seed,
            write_failed: Notify::new(),
        })
    }

    /// Counts a request, and denies, throttles or refuses it before its body is looked at.
    pub(super) fn admit<'a>(&self, route: Option<Route<'a>>, now: Instant) -> Result<Route<'a>, ApiError> {
        self.lock().admit(route, &self.faults, now)
    }

    /// Performs an operation, unless a fault prevents it. A contact that it creates is in the state file, if
    /// one is configured, before this returns.
    pub(super) fn perform(
        &self,
        route: Route<'_>,
        body: Result<Vec<u8>, ApiError>,
        region: &str,
        now: SystemTime,
    ) -> RequestOutcome {
        let operation = route.operation();
        match route {
            Route::Create(create) => {
                let members = body.as_ref().map_err(Clone::clone).and_then(|body| json::decode(body));
                let token = members.as_ref().ok().and_then(|members| members.get("ClientToken")?.as_str());
                let bytes = body.as_deref().unwrap_or_default();
                let identity = token.map_or(RequestIdentity::Body(bytes), RequestIdentity::ClientToken);
                let faults = self.draw_faults(operation, identity);
                self.with_faults(operation, faults, || self.create(create, &members?, region, now))
            }
            Route::Describe { instance_id, contact_id } => {
                let labels = ContactLabels::decode(instance_id, contact_id);
                let id = labels.as_ref().map_or(contact_id, |labels| &labels.contact_id);
                let faults = self.draw_faults(operation, RequestIdentity::ContactId(id));
                self.with_faults(operation, faults, || self.describe(&labels?))
            }
            Route::Search => {
                let bytes = body.as_deref().unwrap_or_default();
                let faults = self.draw_faults(operation, RequestIdentity::Body(bytes));
                self.with_faults(operation, faults, || self.search(&body?, now))
            }
        }
    }

    fn draw_faults(&self, operation: ApiOperation, identity: RequestIdentity<'_>) -> RandomFaults {
        if !self.faults.is_random() {
            return RandomFaults::default();
        }
        let request = identity.hash(operation);
        let repetition = count_repetition(&mut self.lock().repetitions, request);
        RandomFaults::draw(&self.faults, self.seed, request, repetition)
    }

    /// Performs the operation between the faults that apply before it and those that apply after it.
    fn with_faults(
        &self,
        operation: ApiOperation,
        faults: RandomFaults,
        perform: impl FnOnce() -> Result<Value, ApiError>,
    ) -> RequestOutcome {
        if faults.reset {
            self.lock().stats.reset += 1;
            return RequestOutcome::CloseConnection;
        }
        if faults.fail {
            self.lock().stats.failed += 1;
            let error = ApiError::new(ErrorCode::Internal, "a fault of the sandbox fails this request");
            return RequestOutcome::Respond(Err(error), Duration::ZERO);
        }
        let mut result = perform();
        let mut state = self.lock();
        if let Err(error) = &result {
            state.stats.count_error(error.code);
        }
        if faults.lose && result.is_ok() && matches!(operation, ApiOperation::Create(_)) {
            state.stats.lost += 1;
            return RequestOutcome::CloseConnection;
        }
        if faults.stale && matches!(operation, ApiOperation::Create(_)) {
            state.answer_with_another_contact(&mut result);
        }
        let delay = self.faults.slow.filter(|_| faults.slow).map(|slow| slow.delay);
        state.stats.slowed += u64::from(delay.is_some());
        RequestOutcome::Respond(result, delay.unwrap_or_default())
    }

    fn create(
        &self,
        operation: CreateOperation,
        members: &Map<String, Value>,
        region: &str,
        now: SystemTime,
    ) -> Result<Value, ApiError> {
        let input = CreateInput::read(operation, members)?;
        limits::check_create(operation, &input, now)?;
        let request = ValidRequest {
            operation,
            instance_id: input.instance_id.unwrap_or_default(),
            client_token: input.client_token,
            region,
            members,
        };
        let created = self.lock().create(&request, &self.faults, now);
        if created.as_ref().is_err_and(|error| error.code == ErrorCode::Internal) {
            self.write_failed.notify_one();
        }
        Ok(created?.creation())
    }

    fn describe(&self, labels: &ContactLabels) -> Result<Value, ApiError> {
        limits::check_labels(labels)?;
        let contact = self.lock().contacts.find(&labels.contact_id);
        let view = contact.as_deref().map(ContactView::new).filter(|view| view.is_in(&labels.instance_id));
        let not_found =
            || ApiError::new(ErrorCode::NotFound, "the instance has no contact with this ContactId");
        let description = view.ok_or_else(not_found)?.description();
        self.lock().stats.described += 1;
        Ok(json!({"Contact": description}))
    }

    fn search(&self, body: &[u8], now: SystemTime) -> Result<Value, ApiError> {
        let members = json::decode(body)?;
        let search = SearchRequest::read(&members)?;
        let (last_position, candidates) = {
            let state = self.lock();
            let position = |token| {
                let unknown = || limits::invalid_parameter("NextToken must be one that a search returned");
                state.contacts.position(token).ok_or_else(unknown)
            };
            let (now, index_lag) = (since_epoch(now), self.faults.index_lag);
            let contacts = state.contacts.contacts(0..state.contacts.len()).enumerate();
            let in_range = contacts.filter(|(_, contact)| search.is_in_range(contact, now, index_lag));
            let candidates: Vec<_> =
                in_range.map(|(position, contact)| (position, contact.clone())).collect();
            (search.next_token.map(position).transpose()?, candidates)
        };
        let page = search.page(&candidates, last_position);
        self.lock().stats.searched += 1;
        Ok(page)
    }

    pub(super) fn stats(&self) -> SandboxStats {
        let state = self.lock();
        SandboxStats { contacts: state.contacts.len() as u64, ..state.stats }
    }

    pub(super) fn contact_count(&self) -> usize {
        self.lock().contacts.len()
    }

    /// Contacts as JSON objects separated by commas, from position `start` to below `end`, about one chunk of
    /// them; and the position of the next contact.
    pub(super) fn contact_documents(&self, start: usize, end: usize) -> (String, usize) {
        let state = self.lock();
        let mut chunk = String::new();
        let mut next = start;
        for contact in state.contacts.contacts(start..end) {
            if next > start {
                chunk.push_str(",\n");
            }
            chunk.push_str(&contact.document);
            next += 1;
            if chunk.len() >= CHUNK {
                break;
            }
        }
        (chunk, next)
    }

    /// Resolves once the state file could not be written.
    pub(super) async fn write_failed(&self) {
        self.write_failed.notified().await;
    }

    /// Closes the state file, so that another sandbox can open it even while a handle is kept, and returns
    /// the error of writing it, if any. It is called after the last connection has ended.
    pub(super) fn close(&self) -> Option<SandboxError> {
        let mut state = self.lock();
        state.file = None;
        state.failure.take()
    }

    #[cfg(test)]
    pub(super) fn break_state_file(&self) {
        if let Some(file) = &mut self.lock().file {
            file.break_writes();
        }
    }

    fn lock(&self) -> MutexGuard<'_, SandboxState> {
        // Nothing panics while it holds the lock. If something did, the counters would still be useful.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Service {
    /// Leaves the contacts out: they contain names and descriptions.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("stats", &self.stats())
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_scheduled_task_repeated_after_its_time_is_refused() {
        let service = Service::open(SandboxConfig { rate: None, ..SandboxConfig::default() }).unwrap();
        let start = |now: u64| {
            let body =
                br#"{"InstanceId":"i","Name":"n","ContactFlowId":"f","ClientToken":"t","ScheduledTime":100}"#;
            let now = UNIX_EPOCH + Duration::from_secs(now);
            let route = Route::Create(CreateOperation::StartTaskContact);
            match service.perform(route, Ok(body.to_vec()), "r", now) {
                RequestOutcome::Respond(result, _) => result,
                other => unreachable!("{other:?}"),
            }
        };
        assert_eq!(start(99).unwrap()["ContactId"], start(100).unwrap()["ContactId"]);
        assert_eq!(service.stats().replayed, 1);
        assert_eq!(start(101).unwrap_err().code, ErrorCode::InvalidParameter);
        assert_eq!(service.contact_count(), 1);
    }
}
