//! Attestations of operators, for the next program.

use super::chain::Record;
use super::event::Event;
use crate::program::Attestation;
use jiff::Timestamp;

/// The attestations for the next plan: those made since the last run ended. A fold over the journal that can be repeated with the same
/// result.
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
            // These attestations applied to the window and the rollback of the run that has ended.
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
    use crate::program::StopReason;

    fn said(name: &str, by: &str) -> Event {
        Event::Attested { name: name.into(), by: by.into(), note: String::new() }
    }

    fn reason() -> StopReason {
        let text = String::new;
        let code = "operator".into();
        StopReason { code, message: text(), detail: text(), undone: text(), next: text() }
    }

    #[test]
    fn the_last_word_counts_until_a_run_is_over() {
        let (mut all, at) = (Attested::default(), |s| Timestamp::from_second(s).unwrap());
        all.hear(at(1), &said("rollback-reviewed", "jane"));
        all.hear(at(2), &said("application-backups", "bob"));
        all.hear(at(3), &said("rollback-reviewed", "eve"));
        let told: Vec<_> = all.all().iter().map(|a| (a.id.as_str(), a.by.as_str(), a.at)).collect();
        assert_eq!(told, [("application-backups", "bob", at(2)), ("rollback-reviewed", "eve", at(3))]);
        all.hear(at(4), &Event::RunPaused { reason: reason(), by: None, now: false });
        assert_eq!(all.all().len(), 2);
        all.hear(at(5), &Event::RunSucceeded);
        assert_eq!(all, Attested::default());
    }
}
