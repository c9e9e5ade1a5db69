//! What to plan, and how the run proceeds.

use podlift_engine::doors::DrainOptions;
use podlift_engine::issues::IssueName;
use podlift_engine::program::{Limit, Order, Window};
use podlift_model::{KubeVersion, NodeName};
use podlift_proto::v1;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Upgrade {
        to: KubeVersion,
    },
    /// Of what a heal, a comparison or a failed run left, at the version that runs.
    Repair,
}

impl Goal {
    pub(super) fn to_wire(self) -> v1::Goal {
        match self {
            Goal::Upgrade { .. } => v1::Goal::Upgrade,
            Goal::Repair => v1::Goal::Repair,
        }
    }
}

/// What to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanQuery {
    pub goal: Goal,
    /// Checks that are set aside, each with the reason that the report shows.
    pub waivers: Vec<(String, String)>,
    /// Only these nodes; all where empty.
    pub nodes: Vec<NodeName>,
    /// The issues that a repair is about; all where empty.
    pub issues: Vec<IssueName>,
    pub options: RunOptions,
}

/// How the run proceeds. The default leaves everything to the coordinator's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Workers that may be unavailable at once, a number or a share of all workers; `None` takes the coordinator's configuration.
    pub max_unavailable: Option<Limit>,
    /// Failed workers at which the run pauses; `None` takes the engine's default rule.
    pub max_failed: Option<Limit>,
    /// Nodes, or selectors of their labels, that the run leaves out.
    pub without: Vec<String>,
    /// Leaves out workers that are away, not Ready or cordoned by others when the plan is made.
    pub skip_unready: bool,
    pub drain: DrainOptions,
    /// Nodes that fetch packages and images at once; `None` takes the coordinator's configuration.
    pub fetch_parallel: Option<u32>,
    /// API servers do not step aside before they stop.
    pub no_step_aside: bool,
    /// Only nodes that earlier runs have deferred.
    pub resume_deferred: bool,
    /// Workers that go first and alone, 0 for none; `None` takes the coordinator's configuration.
    pub canary: Option<u32>,
    /// How long the first workers must stay Ready with work on them; `None` takes the coordinator's configuration.
    pub canary_soak_seconds: Option<u32>,
    /// Whether batches grow from one worker up to the limit; `None` takes the site's policy.
    pub grow: Option<bool>,
    /// The order in which workers are taken; `None` takes the site's policy.
    pub order: Option<Order>,
    /// When lanes may begin, in place of the windows of the site's policy; empty takes these.
    pub windows: Vec<Window>,
}

impl PlanQuery {
    /// A plan for all nodes, without waivers and options.
    pub fn new(goal: Goal) -> Self {
        Self {
            goal,
            waivers: Vec::new(),
            nodes: Vec::new(),
            issues: Vec::new(),
            options: RunOptions::default(),
        }
    }

    pub(crate) fn to_wire(&self) -> v1::PlanRequest {
        let waiver =
            |(check, reason): &(String, String)| v1::Waiver { check: check.clone(), reason: reason.clone() };
        let o = &self.options;
        v1::PlanRequest {
            to: match self.goal {
                Goal::Upgrade { to } => to.to_string(),
                Goal::Repair => String::new(),
            },
            max_unavailable: number(o.max_unavailable),
            max_unavailable_limit: o.max_unavailable.map(|limit| limit.to_string()).unwrap_or_default(),
            waivers: self.waivers.iter().map(waiver).collect(),
            nodes: self.nodes.iter().map(ToString::to_string).collect(),
            issues: self.issues.iter().map(ToString::to_string).collect(),
            goal: self.goal.to_wire() as i32,
            max_failed: o.max_failed.map(|limit| limit.to_string()).unwrap_or_default(),
            without: o.without.clone(),
            skip_unready: o.skip_unready,
            drain: (!o.drain.is_default()).then_some(v1::DrainOptions {
                grace_period_seconds: o.drain.grace_period_seconds,
                skip_wait_for_delete_seconds: o.drain.skip_wait_for_delete_seconds,
                disable_eviction: o.drain.disable_eviction,
                force: o.drain.force,
            }),
            fetch_parallel: o.fetch_parallel.unwrap_or(0),
            no_step_aside: o.no_step_aside,
            resume_deferred: o.resume_deferred,
            canary: o.canary,
            canary_soak_seconds: o.canary_soak_seconds,
            grow: o.grow,
            order: order(o.order) as i32,
            windows: o.windows.iter().map(ToString::to_string).collect(),
        }
    }
}

fn order(order: Option<Order>) -> v1::WorkerOrder {
    match order {
        None => v1::WorkerOrder::Unspecified,
        Some(Order::LeastLoss) => v1::WorkerOrder::LeastLoss,
        Some(Order::AsPlanned) => v1::WorkerOrder::AsPlanned,
    }
}

/// The limit for a coordinator of an older version, which knows numbers only; 0 for none.
fn number(limit: Option<Limit>) -> u32 {
    match limit {
        Some(Limit::Number(number)) => number,
        Some(Limit::Percent(_)) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: &str = "fri,sat 22:00-06:00 Europe/Berlin";

    #[test]
    fn each_option_has_its_field_and_none_is_sent_unasked() {
        let plain = PlanQuery::new(Goal::Repair).to_wire();
        assert_eq!(plain, v1::PlanRequest { goal: v1::Goal::Repair as i32, ..v1::PlanRequest::default() });
        let drain = DrainOptions {
            grace_period_seconds: Some(0),
            skip_wait_for_delete_seconds: 60,
            disable_eviction: true,
            force: true,
        };
        let options = RunOptions {
            max_unavailable: Some(Limit::Number(8)),
            max_failed: Some(Limit::Percent(3)),
            without: vec!["rack=r7".into(), "dgx031".into()],
            skip_unready: true,
            drain,
            fetch_parallel: Some(16),
            no_step_aside: true,
            resume_deferred: true,
            canary: Some(0),
            canary_soak_seconds: Some(1800),
            grow: Some(false),
            order: Some(Order::AsPlanned),
            windows: vec![WINDOW.parse().unwrap()],
        };
        let wire = PlanQuery { options, ..PlanQuery::new(Goal::Repair) }.to_wire();
        let drain = wire.drain.unwrap();
        assert_eq!((drain.grace_period_seconds, drain.skip_wait_for_delete_seconds), (Some(0), 60));
        assert!(drain.disable_eviction && drain.force && wire.skip_unready && wire.no_step_aside);
        assert!(wire.resume_deferred);
        let rollout = (wire.canary, wire.canary_soak_seconds, wire.grow, wire.order());
        assert_eq!(rollout, (Some(0), Some(1800), Some(false), v1::WorkerOrder::AsPlanned));
        assert_eq!(wire.windows, [WINDOW]);
        assert_eq!((wire.max_unavailable, wire.max_unavailable_limit.as_str()), (8, "8"));
        assert_eq!((wire.fetch_parallel, wire.max_failed.as_str()), (16, "3%"));
        assert_eq!(wire.without, ["rack=r7", "dgx031"]);
    }

    #[test]
    fn a_repair_names_its_issues() {
        let issues = IssueName::ALL.to_vec();
        let wire = PlanQuery { issues, ..PlanQuery::new(Goal::Repair) }.to_wire();
        assert_eq!(wire.issues, IssueName::ALL.map(IssueName::name));
    }

    #[test]
    fn a_share_is_sent_as_a_share() {
        let options = RunOptions { max_unavailable: Some(Limit::Percent(5)), ..RunOptions::default() };
        let wire = PlanQuery { options, ..PlanQuery::new(Goal::Repair) }.to_wire();
        assert_eq!((wire.max_unavailable, wire.max_unavailable_limit.as_str()), (0, "5%"));
    }
}
