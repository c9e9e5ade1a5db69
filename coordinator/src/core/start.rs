//! The start of a run: a plan made now, without blockers, the one that was asked for; and no other run.

use super::{Coordinator, CoordinatorError, PlanAsk};
use podlift_engine::Plan;
use podlift_engine::machine::Event;
use podlift_engine::plan::changed_parts;
use podlift_model::{Digest, RunId};

impl Coordinator {
    /// `expect` is the hash of the plan that a person saw; None takes the plan as it is now.
    pub async fn start_run(
        &self,
        ask: &PlanAsk,
        expect: Option<&str>,
        by: &str,
    ) -> Result<(RunId, Digest), CoordinatorError> {
        let _one = self.starting.lock().await;
        self.may_start()?;
        let plan = self.plan(ask, by).await?;
        if let Some(seen) = expect.filter(|hash| *hash != plan.hash.as_str()) {
            let parts = self.kept(seen).map(|before| changed_parts(&before, &plan.fingerprints));
            return Err(CoordinatorError::OtherPlan { seen: seen.into(), now: plan.hash.clone(), parts });
        }
        let blockers: Vec<_> = plan.blockers().cloned().collect();
        if !blockers.is_empty() {
            return Err(CoordinatorError::Blocked { findings: blockers });
        }
        self.may_start()?;
        let run = self.new_name("")?;
        let event = Event::RunStarted { plan: Box::new(Plan::clone(&plan)), by: by.into() };
        self.store.append(Some(&run), event)?;
        Ok((run, plan.hash.clone()))
    }

    fn may_start(&self) -> Result<(), CoordinatorError> {
        if let Some(open) = self.store.open_run() {
            return Err(CoordinatorError::RunOpen { run: open.run.clone() });
        }
        self.may_command()
    }

    pub(super) fn may_command(&self) -> Result<(), CoordinatorError> {
        match self.fence.read_only() {
            Some(why) => Err(CoordinatorError::ReadOnly { why }),
            None => Ok(()),
        }
    }

    /// Time, so that people can tell runs apart, and chance.
    pub(super) fn new_name(&self, prefix: &str) -> Result<RunId, CoordinatorError> {
        let chance = uuid::Uuid::new_v4().simple().to_string();
        let text = format!("{prefix}{}-{}", self.clock.now().strftime("%Y%m%d-%H%M%S"), &chance[..4]);
        Ok(RunId::new(text)?)
    }
}
