//! The start of a run. The plan is made now, must have no blockers and must equal the requested one, and no other run may be open. A plan
//! that arrives as a document is made again from fresh looks and must be the same.

use super::{Coordinator, CoordinatorError, PlanAsk};
use crate::exec::Counts;
use podlift_engine::Program;
use podlift_engine::goals::Ask;
use podlift_engine::machine::Event;
use podlift_engine::program::{Approve, GoalName, changed_parts};
use podlift_model::{Digest, RunId};

impl Coordinator {
    /// `expect` is the hash of the plan that a person saw; `None` accepts the plan as it is now.
    pub async fn start_run(
        &self,
        ask: &PlanAsk,
        expect: Option<&str>,
        by: &str,
    ) -> Result<(RunId, Digest), CoordinatorError> {
        let _one = self.starting.lock().await;
        self.may_start()?;
        let plan = self.plan(ask, by).await?;
        let parts = expect
            .and_then(|seen| self.seen_plans.fingerprints(seen))
            .map(|before| changed_parts(&before, &plan.fingerprints));
        let changed = parts.as_ref().is_some_and(|parts| !parts.is_empty());
        if let Some(seen) = expect.filter(|hash| changed || *hash != plan.hash.as_str()) {
            return Err(CoordinatorError::OtherPlan {
                goal: plan.goal.name(),
                seen: seen.into(),
                now: plan.hash.clone(),
                parts,
            });
        }
        self.begin(&plan, by)
    }

    /// Runs exactly the plan that a person kept, or reports what has changed since. A plan with another goal than `goal` is refused.
    pub async fn start_plan(
        &self,
        kept: &Program,
        goal: GoalName,
        approve: Option<Approve>,
        by: &str,
    ) -> Result<(RunId, Digest), CoordinatorError> {
        if kept.cluster != self.cluster_name {
            let (of, here) = (kept.cluster.clone(), self.cluster_name.clone());
            return Err(CoordinatorError::OtherCluster { of, here });
        }
        if kept.goal.name() != goal {
            return Err(CoordinatorError::OtherGoal { wanted: goal });
        }
        let _one = self.starting.lock().await;
        self.may_start()?;
        let plan = self.make(self.again(kept, approve, by), by, &Counts::default()).await?;
        let parts = changed_parts(&kept.fingerprints, &plan.fingerprints);
        if plan.hash != kept.hash || !parts.is_empty() {
            let parts = Some(parts);
            let (seen, now) = (kept.hash.to_string(), plan.hash.clone());
            return Err(CoordinatorError::OtherPlan { goal, seen, now, parts });
        }
        self.begin(&plan, by)
    }

    /// The request that the plan answers, with `by` as its author. Settings of the site never come from a file.
    fn again(&self, kept: &Program, approve: Option<Approve>, by: &str) -> Ask {
        let mut ask = Ask::again(kept);
        ask.waivers.iter_mut().for_each(|w| w.by = by.into());
        let site = &self.settings.options;
        ask.options.site_gates = site.site_gates.clone();
        ask.options.required_attestations = site.required_attestations.clone();
        ask.options.ask_items = site.ask_items.clone();
        ask.options.approve = approve.unwrap_or(ask.options.approve);
        ask
    }

    fn begin(&self, plan: &Program, by: &str) -> Result<(RunId, Digest), CoordinatorError> {
        let blockers: Vec<_> = plan.blockers().cloned().collect();
        if !blockers.is_empty() {
            return Err(CoordinatorError::Blocked { goal: plan.goal.name(), findings: blockers });
        }
        self.may_start()?;
        let run = self.new_name("")?;
        let event = Event::RunStarted { plan: Box::new(plan.clone()), by: by.into() };
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

    /// A name from the time, so that people can distinguish runs, and a random part.
    pub(super) fn new_name(&self, prefix: &str) -> Result<RunId, CoordinatorError> {
        let chance = uuid::Uuid::new_v4().simple().to_string();
        let text = format!("{prefix}{}-{}", self.clock.now().strftime("%Y%m%d-%H%M%S"), &chance[..4]);
        Ok(RunId::new(text)?)
    }
}
