//! What makes a drain long or endless is told in the plan: budgets that can't count, pods that hang, machines that move, storage.

use super::cases::{cluster, extra_pod, web};
use crate::goals::PlanInput;
use crate::goals::upgrade::build;
use crate::program::Severity;
use crate::survey::{BudgetView, PodView};
use crate::testing::input;
use crate::testing::survey::{budget, pod};

fn told(i: &PlanInput, check: &str) -> Vec<(Severity, String)> {
    let plan = build(i).unwrap();
    plan.findings.iter().filter(|f| f.check == check).map(|f| (f.severity, f.evidence.clone())).collect()
}

#[test]
fn a_budget_whose_controller_can_not_count_blocks_with_its_reason() {
    let mut i = input();
    extra_pod(&mut i, web(1));
    let sync_failed = Some("found no scale subresource for Elasticsearch a/web".to_string());
    cluster(&mut i).budgets = Ok(vec![BudgetView { sync_failed, ..budget("a", "web", 0, 0, 0, 0) }]);
    let found = told(&i, "budgets");
    assert_eq!(found[0].0, Severity::Blocker);
    assert!(
        found[0].1.contains("its controller can't count its pods (SyncFailed: found no scale subresource"),
        "{}",
        found[0].1
    );
    // Without the reason, a budget that counts no pods although it protects one is no better.
    cluster(&mut i).budgets = Ok(vec![budget("a", "web", 0, 0, 0, 0)]);
    assert_eq!(told(&i, "budgets")[0].0, Severity::Blocker);
    i.options.drain.disable_eviction = true;
    let found = told(&i, "budgets");
    assert!(found[0].0 == Severity::Warning && found[0].1.contains("--disable-eviction"), "{found:?}");
}

#[test]
fn a_pod_that_hangs_in_terminating_is_named_with_its_finalizer() {
    let mut i = input();
    let terminating = "2026-11-25T02:00:00Z".parse().ok();
    let finalizers = vec!["slurm.net/reporter".to_string()];
    extra_pod(&mut i, PodView { terminating, finalizers: finalizers.clone(), ..web(1) });
    let found = told(&i, "slow-pods");
    assert_eq!(found[0].0, Severity::Warning);
    assert!(found[0].1.starts_with(
        "a/web-1 hangs in Terminating since 2026-11-25T02:00:00Z, and it has finalizer slurm.net/reporter"
    ));
    let mut near = input();
    extra_pod(&mut near, PodView { finalizers, ..web(1) });
    assert_eq!(told(&near, "slow-pods"), [], "a finalizer alone holds nothing yet");
}

#[test]
fn virtual_machines_and_storage_of_rook_are_told() {
    let mut i = input();
    let mut machine = pod("vms", "virt-launcher-vm1", "dgx032", "VirtualMachineInstance/vm1");
    machine.labels.insert("kubevirt.io".into(), "virt-launcher".into());
    extra_pod(&mut i, machine);
    let mut osd = pod("rook-ceph", "rook-ceph-osd-0-x", "dgx033", "ReplicaSet/rook-ceph-osd-0");
    osd.labels.insert("app".into(), "rook-ceph-osd".into());
    extra_pod(&mut i, osd);
    let found = told(&i, "slow-pods");
    assert!(found[0].1.contains("vms/virt-launcher-vm1 is a virtual machine"), "{found:?}");
    assert!(found[1].0 == Severity::Note && found[1].1.contains("rook-ceph/rook-ceph-osd-0-x"), "{found:?}");
    i.options.max_unavailable = 2;
    let found = told(&i, "slow-pods");
    assert!(
        found.iter().any(|(s, e)| *s == Severity::Note && e.contains("such workers one after another")),
        "{found:?}"
    );
}

#[test]
fn a_bare_pod_does_not_block_a_drain_with_force() {
    let mut i = input();
    extra_pod(&mut i, PodView { owner: None, ..web(1) });
    assert_eq!(told(&i, "bare-pods")[0].0, Severity::Blocker);
    i.options.drain.force = true;
    assert_eq!(told(&i, "bare-pods")[0].0, Severity::Warning);
}

#[test]
fn people_who_work_in_pods_are_named_with_their_owners_and_the_list_ends() {
    let workspace = |n: u32, node: &str| PodView {
        interactive: true,
        ..pod("jane", &format!("notebook-{n:02}"), node, &format!("StatefulSet/notebook-{n:02}"))
    };
    let found = |pods: Vec<PodView>, without: &[&str]| {
        let mut i = input();
        i.options.without = without.iter().map(ToString::to_string).collect();
        pods.into_iter().for_each(|pod| extra_pod(&mut i, pod));
        told(&i, "interactive")
    };
    let one = found(vec![workspace(1, "dgx031")], &[]);
    assert!(one.len() == 1 && one[0].0 == Severity::Note, "{one:?}");
    assert!(
        one[0].1.starts_with("people work in 1 pod that the run evicts")
            && one[0].1.contains(": jane/notebook-01 of StatefulSet/notebook-01 on dgx031; tell its owner"),
        "{one:?}"
    );
    let many = found((0..12).map(|n| workspace(n, "dgx031")).collect(), &[]);
    assert!(many.len() == 1 && many[0].1.contains("people work in 12 pods"), "{many:?}");
    assert!(many[0].1.contains("jane/notebook-09 of") && many[0].1.contains(" and 2 more;"), "{many:?}");
    assert!(!many[0].1.contains("notebook-10"), "{many:?}");
    let nobody = || {
        let going = "2026-11-25T02:00:00Z".parse().ok();
        vec![
            PodView { interactive: false, ..workspace(1, "dgx031") },
            PodView { finished: true, ..workspace(2, "dgx031") },
            PodView { terminating: going, ..workspace(3, "dgx031") },
            PodView { node: None, ..workspace(4, "dgx031") },
            PodView { daemon_set: true, ..workspace(5, "dgx031") },
        ]
    };
    assert_eq!(found(nobody(), &[]), []);
    assert_eq!(found(vec![workspace(1, "dgx031")], &["dgx031"]), [], "its node is left out");
}
