//! The operations that create contacts.

use std::time::SystemTime;

use serde_json::{Map, Value};

use super::{Outcome, Reply, Service, State};
use crate::sandbox::fate::Fate;
use crate::sandbox::faults::Faults;
use crate::sandbox::limits;
use crate::sandbox::model::{self, Created, Plan, Request};
use crate::sandbox::operation::Creation;
use crate::sandbox::refusal::{Code, Refusal};
use crate::sandbox::wire::Input;

impl Service {
    /// Creates a contact, or finds the one that the client token created before.
    pub(super) fn create(
        &self,
        creation: Creation,
        members: Result<&Map<String, Value>, &Refusal>,
        region: &str,
        fate: Fate,
        now: SystemTime,
    ) -> Outcome {
        // Decoding and checking need nothing that is behind the lock.
        let request = members.map_err(Clone::clone).and_then(|members| {
            let input = Input::read(creation, members)?;
            limits::check(&input, now)?;
            Ok(Request {
                creation,
                instance_id: input.common.instance_id.unwrap_or_default(),
                client_token: input.common.client_token,
                region,
                members,
                digest: model::digest(members),
            })
        });
        let mut state = self.lock();
        let answer = request.and_then(|request| state.create(&request, &self.faults, now));
        match &answer {
            Ok(created) if created.replayed => state.stats.replayed += 1,
            Ok(_) => state.stats.created += 1,
            Err(refusal) => {
                state.stats.refuse(refusal.code);
                if refusal.code == Code::Internal {
                    self.broken.notify_one();
                }
            }
        }
        self.settle(&mut state, answer.map(Reply::Created), fate)
    }
}

impl State {
    fn create(
        &mut self,
        request: &Request<'_>,
        faults: &Faults,
        now: SystemTime,
    ) -> Result<Created, Refusal> {
        match self.model.plan(request, now)? {
            Plan::Replay(created) => Ok(created),
            Plan::New(_) if faults.full(self.model.len() as u64) => {
                let message = "the sandbox has as many contacts as its quota allows";
                Err(Refusal::new(Code::QuotaExceeded, message))
            }
            Plan::New(contact) => {
                let created = contact.created();
                if let Some(journal) = &mut self.journal
                    && let Err(error) = journal.append(&contact)
                {
                    // The first failure is the cause; later ones only follow from it.
                    self.failure.get_or_insert(error);
                    let message = "the sandbox could not write its state file";
                    return Err(Refusal::new(Code::Internal, message));
                }
                self.model.insert(contact);
                Ok(created)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::sandbox::SandboxConfig;
    use crate::sandbox::latency::Latency;
    use crate::sandbox::route::Route;

    #[test]
    fn a_scheduled_task_that_comes_again_after_its_time_is_refused() {
        let config = SandboxConfig { rate: None, ..SandboxConfig::default() };
        let latency = Latency::new(config.latency, config.jitter, config.seed).unwrap();
        let service = Service::open(config, None, latency).unwrap();
        let start = |now: u64| {
            let body =
                br#"{"InstanceId":"i","Name":"n","ContactFlowId":"f","ClientToken":"t","ScheduledTime":100}"#;
            let now = UNIX_EPOCH + Duration::from_secs(now);
            let route = Route::Create(Creation::StartTaskContact);
            match service.perform(route, Ok(body.to_vec()), "r", now) {
                Outcome::Answer(Ok(Reply::Created(created)), _) => Ok(created),
                Outcome::Answer(Err(refusal), _) => Err(refusal),
                other => unreachable!("{other:?}"),
            }
        };
        let first = start(99).unwrap();
        let second = start(100).unwrap();
        assert_eq!((first.id, second.replayed), (second.id, true));
        assert_eq!(start(101).unwrap_err().code, Code::InvalidParameter);
        assert_eq!(service.contact_count(), 1);
    }
}
