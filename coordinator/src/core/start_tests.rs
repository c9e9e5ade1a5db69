//! A kept plan runs as it is, or is refused with what has changed.

use super::{CoordinatorError, PlanAsk};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, name, start};
use podlift_common::wire::StatusError as _;
use podlift_engine::Program;
use podlift_engine::machine::RunStatus;
use podlift_engine::program::{Approve, GoalName};
use podlift_model::ClusterName;

async fn kept(running: &Running) -> Program {
    running.commanding().await;
    let plan = running.coordinator.plan(&PlanAsk::to("v1.32.9".parse().unwrap()), "eve").await.unwrap();
    Program::from_json(&plan.to_json()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_kept_plan_starts_the_run_that_it_describes() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let plan = kept(&running).await;
    // A restarted coordinator knows no plan by its hash. The document is enough.
    drop(running);
    let again = start(&fleet, &journal, "two");
    again.commanding().await;
    let (run, hash) =
        again.coordinator.start_plan(&plan, GoalName::Upgrade, Some(Approve::Batch), "jane").await.unwrap();
    let state = again.coordinator.store().run(&run).unwrap();
    assert_eq!((&hash, &state.plan.phases), (&plan.hash, &plan.phases));
    assert_eq!(state.plan.options.approve, Approve::Batch);
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_since_is_named_and_nothing_is_started() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let plan = kept(&running).await;
    fleet
        .lock()
        .facts
        .get_mut(&name("runai-02"))
        .unwrap()
        .etcd_endpoints
        .push("https://10.77.0.99:2379".into());
    let refused = running.coordinator.start_plan(&plan, GoalName::Upgrade, None, "jane").await.unwrap_err();
    let CoordinatorError::OtherPlan { parts, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(parts.as_deref(), Some(["node runai-02".to_string()].as_slice()));
    assert!(running.coordinator.store().open_run().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_the_site_decides_is_not_taken_from_a_file() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let mut plan = kept(&running).await;
    plan.options.site_gates.clear();
    let (run, _) = running.coordinator.start_plan(&plan, GoalName::Upgrade, None, "jane").await.unwrap();
    let started = running.coordinator.store().run(&run).unwrap();
    assert_eq!(started.plan.options.site_gates, ["MaxUnavailableStatefulSet"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_another_cluster_is_refused() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let plan = Program { cluster: ClusterName::new("other").unwrap(), ..kept(&running).await };
    let refused = running.coordinator.start_plan(&plan, GoalName::Upgrade, None, "jane").await.unwrap_err();
    assert!(matches!(refused, CoordinatorError::OtherCluster { .. }), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_repair_runs_to_its_end_through_a_restart_and_leaves_versions_and_nodes_alone() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    running.commanding().await;
    let plan = running.coordinator.plan(&PlanAsk::repair(), "eve").await.unwrap();
    assert_eq!((plan.goal.name(), plan.from(), plan.blockers().count()), (GoalName::Repair, plan.to(), 0));
    let (run, _) =
        running.coordinator.start_run(&PlanAsk::repair(), Some(plan.hash.as_str()), "eve").await.unwrap();
    running.until(&run, |s| s.steps_over() > 0).await;
    drop(running);
    tokio::task::yield_now().await;
    let running = start(&fleet, &journal, "two");
    let state = running.until(&run, |s| s.is_over() || s.failed_steps().next().is_some()).await;
    assert_eq!(state.status, RunStatus::Succeeded);
    assert_eq!(fleet.count("kubeadm-config"), 1, "kubeadm-config is repaired once");
    for verb in ["kubeadm-apply", "kubeadm-node", "kubelet-restart", "cordon", "drain", "package-install"] {
        assert_eq!(fleet.count(verb), 0, "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_plan_is_started_only_by_the_command_of_its_goal() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let upgrade = kept(&running).await;
    let repair = running.coordinator.plan(&PlanAsk::repair(), "eve").await.unwrap();
    let start = async |plan: &Program, goal| {
        let refused = running.coordinator.start_plan(plan, goal, None, "jane").await.unwrap_err();
        (refused.to_string(), refused.info().next)
    };
    let upgrades = start(&repair, GoalName::Upgrade).await;
    assert_eq!(
        upgrades,
        ("the plan is a repair and not an upgrade".into(), "podlift repair --file FILE".into())
    );
    let repairs = start(&upgrade, GoalName::Repair).await;
    assert_eq!(
        repairs,
        ("the plan is an upgrade and not a repair".into(), "podlift upgrade --plan FILE".into())
    );
    let (run, hash) = running.coordinator.start_plan(&repair, GoalName::Repair, None, "jane").await.unwrap();
    assert_eq!(
        (hash, running.coordinator.store().run(&run).unwrap().plan.goal.name()),
        (repair.hash.clone(), GoalName::Repair)
    );
}
