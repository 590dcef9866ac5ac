//! The operations that read contacts.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Outcome, Reply, Service};
use crate::sandbox::fate::Fate;
use crate::sandbox::limits;
use crate::sandbox::model::{Contact, View, since_epoch};
use crate::sandbox::refusal::{Code, Refusal};
use crate::sandbox::search::{Page, Search};
use crate::sandbox::wire::{self, Labels, SearchContacts};

/// How many contacts are taken at a time while the lock is held.
const STRETCH: usize = 1024;

impl Service {
    /// Shows one contact.
    pub(super) fn describe(&self, labels: Result<&Labels, &Refusal>, fate: Fate) -> Outcome {
        let answer = labels.map_err(Clone::clone).and_then(|labels| self.description(labels));
        let mut state = self.lock();
        match &answer {
            Ok(_) => state.stats.described += 1,
            Err(refusal) => state.stats.refuse(refusal.code),
        }
        self.settle(&mut state, answer.map(Reply::Read), fate)
    }

    /// Finds contacts.
    pub(super) fn search(&self, body: Result<&Vec<u8>, &Refusal>, fate: Fate, now: SystemTime) -> Outcome {
        let answer = body.map_err(Clone::clone).and_then(|body| {
            let members = wire::decode(body)?;
            let search = limits::check_search(&SearchContacts::read(&members)?)?;
            self.page(&search, now)
        });
        let mut state = self.lock();
        match &answer {
            Ok(_) => state.stats.searched += 1,
            Err(refusal) => state.stats.refuse(refusal.code),
        }
        self.settle(&mut state, answer.map(Reply::Read), fate)
    }

    fn description(&self, labels: &Labels) -> Result<Value, Refusal> {
        limits::check_description(labels)?;
        let contact = self.lock().model.find(&labels.contact_id);
        let shown = contact.as_deref().map(View::of).filter(|view| view.is_in(&labels.instance_id));
        match shown {
            Some(view) => Ok(json!({"Contact": view.description()})),
            None => Err(Refusal::new(Code::NotFound, "the instance has no contact of this ContactId")),
        }
    }

    fn page(&self, search: &Search<'_>, now: SystemTime) -> Result<Value, Refusal> {
        let last = search.next_token.map(|token| {
            let unknown = || Refusal::new(Code::InvalidParameter, "NextToken must be one that a search gave");
            self.lock().model.place(token).ok_or_else(unknown)
        });
        let found = self.found(search, now);
        let Page { places, more } = Page::of(&found, search.order, last.transpose()?, search.max_results);
        let contacts: Vec<Arc<Contact>> =
            places.iter().flat_map(|place| self.stretch(*place, place + 1)).collect();
        let shown: Vec<_> = contacts.iter().map(|contact| View::of(contact).summary()).collect();
        let mut page = json!({"Contacts": shown, "TotalCount": found.len()});
        if let (true, Some(last)) = (more, contacts.last()) {
            page["NextToken"] = last.id().into();
        }
        Ok(page)
    }

    /// The places of everything that a search finds, in the order of creation.
    fn found(&self, search: &Search<'_>, now: SystemTime) -> Vec<usize> {
        let now = since_epoch(now);
        let lag = self.faults.index_lag;
        // Contacts are only ever added: the first `end` of them stay what they are.
        let end = self.contact_count();
        let mut found = Vec::new();
        for start in (0..end).step_by(STRETCH) {
            let stretch = self.stretch(start, end.min(start + STRETCH));
            let places = (start..).zip(stretch);
            found.extend(
                places.filter(|(_, contact)| search.finds(contact, now, lag)).map(|(place, _)| place),
            );
        }
        found
    }

    /// Contacts to be looked at without the lock.
    fn stretch(&self, start: usize, end: usize) -> Vec<Arc<Contact>> {
        self.lock().model.contacts(start..end).map(Arc::clone).collect()
    }
}
