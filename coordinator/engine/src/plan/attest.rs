//! What no machine can know and a person has to say: asked for once for a run, recorded with who and when, shown in plan and report.

use crate::machine::{Event, Record};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What has to be said before a run, and what it means.
pub const ATTESTATIONS: &[(&str, &str)] = &[
    ("application-backups", "the owners of the applications have backups of their own"),
    ("maintenance-window", "the maintenance window is agreed with the users"),
    ("rollback-reviewed", "the way back has been read and understood"),
];

/// Said within a run, about what it found different at its end; never asked for beforehand.
pub const DIFFERENCES: &str = "differences-accepted";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// One of `ATTESTATIONS`.
    pub id: String,
    /// Identity of who said it.
    pub by: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("attestation {name:?} is not known: expected one of {known}")]
pub struct UnknownAttestation {
    name: String,
    known: String,
}

/// Refuses a name that nobody asks for.
pub fn known_attestation(name: &str) -> Result<(), UnknownAttestation> {
    let known = || ATTESTATIONS.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ");
    match name == DIFFERENCES || ATTESTATIONS.iter().any(|(id, _)| *id == name) {
        true => Ok(()),
        false => Err(UnknownAttestation { name: name.into(), known: known() }),
    }
}

impl Attestation {
    /// In the place of what was said before under the same name.
    pub(crate) fn put_into(self, said: &mut Vec<Attestation>) {
        said.retain(|a| a.id != self.id);
        said.push(self);
        said.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// What holds for the next plan: said since the last run came to its end. A fold over the journal; it is the same however often it is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attested(Vec<Attestation>);

impl Attested {
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut all = Self::default();
        records.into_iter().for_each(|r| all.hear(r.at, &r.event));
        all
    }

    pub fn hear(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Attested { name, by, note } => {
                let (id, by, note) = (name.clone(), by.clone(), note.clone());
                Attestation { id, by, at, note }.put_into(&mut self.0);
            }
            // They were about this window and this way back.
            Event::RunSucceeded | Event::RunAborted { .. } => self.0.clear(),
            _ => {}
        }
    }

    pub fn all(&self) -> &[Attestation] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, by: &str) -> Event {
        Event::Attested { name: name.into(), by: by.into(), note: String::new() }
    }

    fn reason() -> crate::machine::StopReason {
        let text = String::new;
        let code = "operator".into();
        crate::machine::StopReason { code, message: text(), detail: text(), undone: text(), next: text() }
    }

    #[test]
    fn the_last_word_counts_until_a_run_is_over() {
        let (mut all, at) = (Attested::default(), |s| Timestamp::from_second(s).unwrap());
        all.hear(at(1), &said("rollback-reviewed", "jane"));
        all.hear(at(2), &said("application-backups", "bob"));
        all.hear(at(3), &said("rollback-reviewed", "eve"));
        let told: Vec<_> = all.all().iter().map(|a| (a.id.as_str(), a.by.as_str(), a.at)).collect();
        assert_eq!(told, [("application-backups", "bob", at(2)), ("rollback-reviewed", "eve", at(3))]);
        all.hear(at(4), &Event::RunPaused { reason: reason(), by: None });
        assert_eq!(all.all().len(), 2);
        all.hear(at(5), &Event::RunSucceeded);
        assert_eq!(all, Attested::default());
    }

    #[test]
    fn a_name_that_nobody_asks_for_is_refused() {
        assert_eq!(known_attestation("maintenance-window"), Ok(()));
        let text = known_attestation("all-good").unwrap_err().to_string();
        assert!(text.contains("\"all-good\"") && text.contains("rollback-reviewed"), "{text}");
    }
}
