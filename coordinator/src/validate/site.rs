//! The scripts of the site. The agent of the head node lists them, refuses those that others could change, and runs the rest, one after
//! another; the coordinator starts no process.

use super::{ValidateAsk, Validator};
use crate::cluster::NO_PROBES;
use crate::dispatch::Progress;
use podlift_engine::Severity;
use podlift_engine::validate::{SiteOutcome, SiteSeen};
use podlift_model::site_check::{CheckSeverity, SiteCheckResult, SiteCheckView};
use podlift_model::survey::Seen;
use podlift_model::{CheckName, HostOp, Look, NodeName, OpId, OpOutcome, OpOutput};
use std::sync::Arc;

impl Validator {
    /// A site without a head node's agent has no scripts.
    pub(super) async fn site(&self, ask: &ValidateAsk, told: &Progress) -> Seen<Vec<SiteSeen>> {
        let Some(head) = &self.head else { return Ok(vec![]) };
        if !ask.wants_site() {
            return Ok(vec![]);
        }
        let listed = self.ask(head, &Look::SiteChecks, |output| match output {
            OpOutput::SiteChecks(all) => Some(all),
            _ => None,
        });
        let mut seen = vec![];
        for view in listed.await?.into_iter().filter(|view| ask.wants(&format!("site:{}", view.name))) {
            told(format!("site check {}", view.name));
            seen.push(self.one(head, ask, view, told).await);
        }
        Ok(seen)
    }

    async fn one(
        &self,
        head: &NodeName,
        ask: &ValidateAsk,
        view: SiteCheckView,
        told: &Progress,
    ) -> SiteSeen {
        let outcome = match (view.runnable(), &view.fault) {
            (None, fault) => Err(fault.clone().unwrap_or_else(|| "its name is no name of a check".into())),
            (Some(_), _) if ask.without_probes => Err(NO_PROBES.into()),
            (Some(name), _) => self.run(head, name, told).await,
        };
        SiteSeen {
            name: view.name,
            severity: severity(view.severity),
            outcome,
            refused: view.fault.is_some(),
        }
    }

    async fn run(&self, head: &NodeName, name: CheckName, told: &Progress) -> Seen<SiteOutcome> {
        let epoch = self.fence.get().and_then(|fence| fence.upgrade()?.commanding());
        let epoch = epoch
            .ok_or("this coordinator may not command, and scripts are run by the agent of the head node")?;
        let words = |failure: podlift_model::Failure| failure.message;
        if self.agents.epoch(head).as_ref() != Some(&epoch)
            && !self.agents.claim(head, &epoch).await.map_err(words)?
        {
            return Err(format!("the agent of {head} takes requests of another coordinator"));
        }
        let op = HostOp::SiteCheck { name };
        let op_id =
            OpId::new(format!("site-check-{}", uuid::Uuid::new_v4().simple())).map_err(|e| e.to_string())?;
        match self.agents.run(head, &op_id, &epoch, &op, Arc::clone(told)).await.map_err(words)? {
            OpOutcome::Done { output: OpOutput::SiteCheck(result) } => Ok(outcome(*result)),
            OpOutcome::Done { .. } => Err(format!("the agent of {head} answered something else")),
            OpOutcome::Failed { failure } => Err(failure.message),
            OpOutcome::Indeterminate { why } => Err(format!("how it ended is not known: {why}")),
        }
    }
}

fn severity(of: CheckSeverity) -> Severity {
    match of {
        CheckSeverity::Blocker => Severity::Blocker,
        CheckSeverity::Warning => Severity::Warning,
    }
}

fn outcome(result: SiteCheckResult) -> SiteOutcome {
    SiteOutcome {
        exit_code: result.exit_code,
        killed_by: result.killed_by.map(|by| by.to_string()).or(result.ended_by),
        stdout: result.stdout,
        stderr: result.stderr,
        milliseconds: result.milliseconds,
    }
}
