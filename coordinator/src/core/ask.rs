//! A person's request for a plan, and how the configuration completes it.

use super::{Coordinator, CoordinatorError};
use crate::exec::planner::{Counts, Journaled};
use podlift_engine::Program;
use podlift_engine::doors::DrainOptions;
use podlift_engine::goals::{self, Ask, Earlier, Wanted};
use podlift_engine::issues::IssueName;
use podlift_engine::program::{Approve, Limit, Order, PlanOptions, Waiver, Window};
use podlift_model::{KubeVersion, NodeName};
use std::sync::Arc;
use tracing::Instrument as _;

/// The request of a person, who may leave parts of it to the configuration. `Ask` of the engine is the same request with all parts filled
/// in; `PlanRequest` is this one on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanAsk {
    pub goal: Wanted,
    /// Workers that may be unavailable at once; `None` uses the configured value.
    pub max_unavailable: Option<Limit>,
    /// (check, reason).
    pub waivers: Vec<(String, String)>,
    /// Empty means all nodes.
    pub nodes: Vec<NodeName>,
    /// Where the run waits for a person; `None` uses the configured value.
    pub approve: Option<Approve>,
    /// Failed workers at which the run pauses; `None` uses the configured value.
    pub max_failed: Option<Limit>,
    /// Names or selectors of nodes that the run leaves out.
    pub without: Vec<String>,
    /// Leaves out workers that can't be worked on when the plan is made.
    pub skip_unready: bool,
    pub drain: DrainOptions,
    /// Nodes that fetch packages and images at once; `None` uses the configured value.
    pub fetch_parallel: Option<u32>,
    /// API servers do not refuse new connections before they stop.
    pub no_step_aside: bool,
    /// Only the nodes that earlier runs have deferred and whose time has come.
    pub resume_deferred: bool,
    /// Workers that go first and alone; `None` uses the configured value.
    pub canary: Option<u32>,
    /// How long they must stay Ready with work on them; `None` uses the configured value.
    pub canary_soak_seconds: Option<u32>,
    /// Whether batches grow up to the limit; `None` does as the policy says.
    pub grow: Option<bool>,
    /// The order of the workers; `None` does as the policy says.
    pub order: Option<Order>,
    /// When lanes may begin, in place of the policy's windows; empty uses these.
    pub windows: Vec<Window>,
    /// Issues that a repair is about; empty for all.
    pub issues: Vec<IssueName>,
}

impl PlanAsk {
    /// An upgrade of all nodes to this version.
    pub fn to(to: KubeVersion) -> Self {
        Self::of(Wanted::Upgrade { to })
    }

    /// A repair of all nodes.
    pub fn repair() -> Self {
        Self::of(Wanted::Repair)
    }

    fn of(goal: Wanted) -> Self {
        Self {
            goal,
            max_unavailable: None,
            waivers: vec![],
            nodes: vec![],
            approve: None,
            max_failed: None,
            without: vec![],
            skip_unready: false,
            drain: DrainOptions::default(),
            fetch_parallel: None,
            no_step_aside: false,
            resume_deferred: false,
            canary: None,
            canary_soak_seconds: None,
            grow: None,
            order: None,
            windows: vec![],
            issues: vec![],
        }
    }

    /// The options of the plan: those of the configuration where the person has not chosen.
    fn options(&self, configured: &PlanOptions) -> PlanOptions {
        let mut own = configured.clone();
        self.limit(&mut own);
        self.canary(&mut own);
        self.roll_out(&mut own);
        PlanOptions {
            approve: self.approve.unwrap_or(own.approve),
            max_failed: self.max_failed.or(own.max_failed),
            without: self.without.clone(),
            skip_unready: self.skip_unready || own.skip_unready,
            drain: self.drain.clone(),
            fetch_parallel: self.fetch_parallel.unwrap_or(own.fetch_parallel),
            step_aside: own.step_aside && !self.no_step_aside,
            ..own
        }
    }
}

impl PlanAsk {
    /// A number replaces the share of the policy, and a share replaces the number: it is resolved when the workers are known.
    fn limit(&self, options: &mut PlanOptions) {
        match self.max_unavailable {
            None => {}
            Some(Limit::Number(number)) => {
                options.max_unavailable = number;
                if let Some(policy) = &mut options.batches {
                    policy.max_unavailable = None;
                }
            }
            Some(share) => options.batches.get_or_insert_default().max_unavailable = Some(share),
        }
    }

    /// A person who wants no canary wants no wait after it either.
    fn canary(&self, options: &mut PlanOptions) {
        options.canary = self.canary.unwrap_or(options.canary);
        let configured = if self.canary == Some(0) { 0 } else { options.canary_soak_seconds };
        options.canary_soak_seconds = self.canary_soak_seconds.unwrap_or(configured);
        // A wait after the first workers wants first workers.
        if self.canary.is_none() && self.canary_soak_seconds.is_some_and(|seconds| seconds > 0) {
            options.canary = options.canary.max(1);
        }
    }

    /// What the person says of the batches outweighs the policy, and leaves its other rules as they are.
    fn roll_out(&self, options: &mut PlanOptions) {
        if self.grow.is_none() && self.order.is_none() && self.windows.is_empty() {
            return;
        }
        let policy = options.batches.get_or_insert_default();
        policy.grow = self.grow.unwrap_or(policy.grow);
        policy.order = self.order.unwrap_or(policy.order);
        if !self.windows.is_empty() {
            policy.windows = self.windows.clone();
        }
    }
}

impl Coordinator {
    /// Makes a plan from fresh looks; changes nothing.
    pub async fn plan(&self, ask: &PlanAsk, by: &str) -> Result<Arc<Program>, CoordinatorError> {
        self.plan_watched(ask, by, &Counts::default()).await
    }

    /// Like `plan`, and reports its progress.
    pub async fn plan_watched(
        &self,
        ask: &PlanAsk,
        by: &str,
        counts: &Counts,
    ) -> Result<Arc<Program>, CoordinatorError> {
        self.make(self.wanted(ask, by), by, counts).await
    }

    /// The request with all parts filled in.
    pub(super) fn wanted(&self, ask: &PlanAsk, by: &str) -> Ask {
        let options = ask.options(&self.settings.options);
        let waiver = |(check, reason): &(String, String)| Waiver {
            check: check.clone(),
            reason: reason.clone(),
            by: by.into(),
        };
        let waivers = ask.waivers.iter().map(waiver).collect();
        let resume_deferred = ask.resume_deferred;
        let (nodes, issues) = (ask.nodes.clone(), ask.issues.clone());
        Ask { goal: ask.goal, nodes, options, waivers, resume_deferred, issues }
    }

    /// The request for the nodes that earlier runs have deferred, if a person wants these; nodes that the person names come first.
    fn resumed(&self, ask: Ask, earlier: &Earlier) -> Result<Ask, CoordinatorError> {
        match ask.resume_deferred && ask.nodes.is_empty() {
            true => Ok(Ask { nodes: goals::resume(earlier, self.clock.now(), false)?, ..ask }),
            false => Ok(ask),
        }
    }

    /// Makes a plan when it is its turn: only one is made at a time, because each asks every node and lists the whole cluster.
    pub(super) async fn make(
        &self,
        ask: Ask,
        by: &str,
        counts: &Counts,
    ) -> Result<Arc<Program>, CoordinatorError> {
        let _turn = counts.of("plans before this one", self.plans.turn()).await;
        let open_run = self.store.open_run().map(|state| state.run.clone());
        let earlier = self.store.earlier();
        let ask = self.resumed(ask, &earlier)?;
        let known = Journaled { attestations: self.store.attestations(), open_run, earlier };
        let to = match ask.goal {
            Wanted::Upgrade { to } => to.to_string(),
            Wanted::Repair => String::new(),
        };
        let span = tracing::info_span!("plan", goal = %ask.goal, to, by);
        let making = async {
            let input = self.planner.gather(ask, known, counts).await?;
            Ok::<_, CoordinatorError>(Arc::new(goals::build(&input)?))
        };
        let plan = self.meters.planned(making.instrument(span)).await?;
        self.seen_plans.keep(&plan);
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_engine::program::Rollout;

    fn configured() -> PlanOptions {
        let weekly: Window = "sat 22:00-06:00 Europe/Berlin".parse().unwrap();
        let batches =
            Rollout { grow: true, windows: vec![weekly], never_interrupt_seconds: 7, ..Rollout::default() };
        PlanOptions { canary: 2, canary_soak_seconds: 600, batches: Some(batches), ..PlanOptions::default() }
    }

    fn asked(change: impl FnOnce(&mut PlanAsk)) -> PlanOptions {
        let mut ask = PlanAsk::to("v1.32.9".parse().unwrap());
        change(&mut ask);
        ask.options(&configured())
    }

    #[test]
    fn a_request_without_options_of_its_own_takes_the_configured_ones() {
        assert_eq!(asked(|_| ()), configured());
    }

    #[test]
    fn the_options_of_a_request_outweigh_the_configuration_and_nothing_else_changes() {
        let window: Window = "2026-12-05 22:00-06:00 Europe/Berlin".parse().unwrap();
        let mine = asked(|ask| {
            (ask.canary, ask.canary_soak_seconds) = (Some(3), Some(90));
            (ask.grow, ask.order) = (Some(false), Some(Order::AsPlanned));
            ask.windows = vec![window.clone()];
        });
        assert_eq!((mine.canary, mine.canary_soak_seconds), (3, 90));
        let policy = mine.batches.clone().unwrap();
        assert_eq!((policy.grow, policy.order, policy.windows), (false, Order::AsPlanned, vec![window]));
        assert_eq!(policy.never_interrupt_seconds, 7, "a rule that the request does not speak of");
        let (canary, canary_soak_seconds, batches) = (2, 600, configured().batches);
        assert_eq!(PlanOptions { canary, canary_soak_seconds, batches, ..mine }, configured());
    }

    #[test]
    fn each_option_alone_leaves_the_others_as_configured() {
        let of = |change: fn(&mut PlanAsk)| {
            let options = asked(change);
            let policy = options.batches.unwrap();
            (options.canary, options.canary_soak_seconds, policy.grow, policy.order, policy.windows.len())
        };
        let least = Order::LeastLoss;
        assert_eq!(of(|ask| ask.canary = Some(5)), (5, 600, true, least, 1));
        assert_eq!(
            of(|ask| ask.canary = Some(0)),
            (0, 0, true, least, 1),
            "no canary, and nothing to wait for"
        );
        assert_eq!(of(|ask| ask.canary_soak_seconds = Some(0)), (2, 0, true, least, 1));
        assert_eq!(of(|ask| ask.grow = Some(false)), (2, 600, false, least, 1));
        assert_eq!(of(|ask| ask.order = Some(Order::AsPlanned)), (2, 600, true, Order::AsPlanned, 1));
    }

    #[test]
    fn a_coordinator_without_a_policy_gets_one_only_for_what_it_is_asked_for() {
        let bare = PlanOptions::default();
        let plain = PlanAsk::to("v1.32.9".parse().unwrap());
        assert_eq!(plain.options(&bare).batches, None);
        let grows = PlanAsk { grow: Some(true), ..plain };
        assert_eq!(grows.options(&bare).batches, Some(Rollout { grow: true, ..Rollout::default() }));
    }
}
