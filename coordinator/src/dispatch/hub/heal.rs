//! Heals that an agent reports. The hub validates, limits and records each of them once, and acknowledges it only then. The agent keeps and
//! resends a heal that is not acknowledged.

use super::Hub;
use super::node::Session;
use crate::dispatch::limits::{self, quoted};
use crate::store::StoreError;
use podlift_common::wire::{self, WireError};
use podlift_engine::machine::Event;
use podlift_model::NodeName;
use podlift_model::documents::{HEAL_EVENT, HEAL_EVENT_OLD};
use podlift_model::heal::HealEvent;
use podlift_proto::v1;

/// Bytes of the changed lines. A whole manifest has about five thousand.
const DIFF: usize = 32 << 10;
const RULES: usize = 32;

impl Hub {
    pub(super) async fn heal(
        &self,
        node: &NodeName,
        session: &Session,
        report: v1::HealReport,
    ) -> Result<(), WireError> {
        if !self.may_heal(node) {
            self.complain(
                node,
                "heals are reported faster than an agent can heal: the agent keeps them for now",
            );
            return Ok(());
        }
        let heal = read(node, &report)?;
        if self.is_plane(node) == Some(false) {
            let why = format!("the cluster calls it a worker, and it reports a repair of {}", heal.file);
            self.complain(node, &why);
            return Ok(());
        }
        if !self.store.knows_heal(node, &heal.id)
            && let Err(error) = self.journal_heal(heal)
        {
            tracing::error!(%node, %error, "heal not journaled, not acknowledged");
            return Ok(());
        }
        let kind = Some(v1::to_agent::Kind::HealAck(v1::HealAck { id: report.id }));
        drop(session.send.send(Ok(Box::new(v1::ToAgent { kind }))).await);
        Ok(())
    }

    /// Records the heal in the open run, or in the fleet's journal if the run ends before the record is written.
    fn journal_heal(&self, heal: HealEvent) -> Result<(), StoreError> {
        if let Some(run) = self.store.open_run() {
            let event = Event::Healed { heal: heal.clone() };
            if self.store.append_with(&run.run, |s| (!s.is_over()).then_some(event))?.is_some() {
                return Ok(());
            }
        }
        self.store.append(None, Event::Healed { heal }).map(drop)
    }
}

/// A heal that may be recorded: it is of this node, its names are valid, and its diff is valid.
pub(super) fn read(node: &NodeName, report: &v1::HealReport) -> Result<HealEvent, WireError> {
    limits::document("heal_report.heal", report.heal.as_ref(), limits::HEAL)?;
    let heal: HealEvent = wire::from_renamed_document(HEAL_EVENT, HEAL_EVENT_OLD, report.heal.as_ref())?;
    let bad = |field, why: String| Err(WireError::new(field, why));
    if heal.node != *node || heal.id != report.id {
        let (id, of, wanted) = (quoted(&heal.id), &heal.node, quoted(&report.id));
        return bad("heal_report", format!("{id} of {of}, expected {wanted} of {node}"));
    }
    if !token(&heal.id) {
        return bad(
            "heal_report.id",
            format!("{:?}, expected letters, digits, '-', '_', '.'", quoted(&heal.id)),
        );
    }
    if !token(&heal.file) {
        let file = quoted(&heal.file);
        return bad("heal_report.file", format!("{file:?}, expected the name of a file without a folder"));
    }
    if heal.rules.len() > RULES || !heal.rules.iter().all(|r| token(r)) {
        return bad(
            "heal_report.rules",
            format!("{} of them, expected at most {RULES} names", heal.rules.len()),
        );
    }
    if heal.diff.len() > DIFF {
        return bad("heal_report.diff", format!("{} bytes, at most {DIFF} are accepted", heal.diff.len()));
    }
    Ok(heal)
}

fn token(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 128 && text.chars().all(fine) && !text.starts_with('.')
}
