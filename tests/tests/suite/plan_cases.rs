//! Public reports that concern a plan, against the World: its objects and files are as the report has them, and the plan has the right
//! answer. What only the engine can be shown is in `goals/upgrade/cases` there.

use podlift_coordinator::PlanAsk;
use podlift_engine::machine::RunStatus;
use podlift_engine::program::{Program, Severity};
use podlift_lab::world::certificates;
use podlift_lab::{Fault, FaultAction, Shape, What, World};
use podlift_model::KubeVersion;
use podlift_tests::cut::Cut;
use podlift_tests::pod::{Pod, TO, name, why};
use podlift_tests::sabotage::Sabotage;
use podlift_tests::{case, cases, crash, paused, press};
use std::sync::Arc;

const ANN: &str = "spiffe://podlift/c/operator/ann";

/// The plan of a cluster that is changed before anything of podlift runs.
fn planned(sow: impl FnOnce(&World), ask: impl FnOnce(PlanAsk) -> PlanAsk) -> Arc<Program> {
    paused(async {
        let mut pod = Pod::new(Shape::default(), Sabotage::None);
        sow(&pod.world);
        pod.start(Cut::never());
        pod.ready().await.unwrap();
        pod.coordinator().plan(&ask(PlanAsk::to(TO)), ANN).await.unwrap()
    })
}

fn found(plan: &Program, check: &str) -> Vec<(Severity, String)> {
    let mine = plan.findings.iter().filter(|f| f.check == check);
    mine.map(|f| (f.severity, f.evidence.clone())).collect()
}

#[track_caller]
fn says(plan: &Program, check: &str, severity: Severity, words: &[&str]) {
    let all = found(plan, check);
    let right = |(s, text): &(Severity, String)| *s == severity && words.iter().all(|w| text.contains(w));
    assert!(all.iter().any(right), "{check} should say {words:?} as {severity:?}: {all:?}");
}

/// Case 6: no kubelet is planned that would be newer than another API server.
#[test]
fn a_plan_for_one_control_plane_node_is_blocked_while_other_api_servers_stay_old() {
    let alone = planned(|_| (), |ask| PlanAsk { nodes: vec![name("runai-01")], ..ask });
    says(&alone, "version-skew", Severity::Blocker, &["runai-02", "runai-03", "all API servers come first"]);
    let all = planned(|_| (), |ask| ask);
    assert!(found(&all, "version-skew").is_empty(), "{:?}", found(&all, "version-skew"));
}

/// Case 10: kubeadm's own check fails now and then before its first change. It is tried once more by itself; the second time the run pauses.
#[test]
fn a_health_check_that_is_too_slow_costs_nothing_once_and_one_retry_of_that_node_when_it_lasts() {
    for (times, pauses) in [(1, 0), (2, 1)] {
        paused(async {
            let control_planes = Shape::default().control_planes;
            let mut pod = Pod::new(Shape { control_planes, ..crash::small() }, Sabotage::None);
            let stderr = "error execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR CreateJob]: Job \"upgrade-health-check-x\" in the namespace \"kube-system\" did not complete in 15s: client rate limiter Wait returned an error";
            let action = FaultAction::Fail { code: 1, stderr: stderr.into() };
            pod.world.add_fault(Fault::new("kubeadm", "upgrade node", action).on("runai-02").times(times));
            pod.start(Cut::never());
            pod.start_run().await.unwrap();
            let mut state = pod.rest().await.unwrap();
            for _ in 0..pauses {
                let RunStatus::Paused { reason } = &state.status else { panic!("{}", why(&state)) };
                let text = format!("{} {}", reason.message, reason.detail);
                assert!(text.contains("did not complete in 15s"), "{reason:?}");
                press::next(&pod, reason).await.unwrap();
                state = pod.rest().await.unwrap();
            }
            assert_eq!(state.status, RunStatus::Succeeded, "{}", why(&state));
            let effects = pod.world.effects();
            let applied = effects.iter().filter(|e| matches!(e.what, What::KubeadmApply { .. })).count();
            assert_eq!(applied, 1, "runai-01 is not upgraded twice");
        });
    }
}

/// Case 12: without the CA's key kubeadm renews nothing.
#[test]
fn with_an_external_ca_a_certificate_that_ends_soon_is_the_sites_own_to_renew() {
    let sow = |world: &World| {
        let pki = format!("/etc/kubernetes/pki/{}", world.shape.cluster);
        for node in &world.shape.control_planes {
            world.disk(node).remove(std::path::Path::new(&format!("{pki}/ca.key"))).ok();
        }
        let end = world.clock.now() + jiff::SignedDuration::from_hours(10 * 24);
        let made = certificates::until("kube-apiserver", false, end);
        world.disk("runai-01").put_text(&format!("{pki}/apiserver.crt"), &made.certificate, 0o644).unwrap();
    };
    let plan = planned(sow, |ask| ask);
    let all = found(&plan, "certificates");
    assert!(all.iter().any(|(_, text)| text.contains("external CA: kubeadm renews nothing")), "{all:?}");
    assert!(!all.iter().any(|(_, text)| text.contains("kubeadm renews it in the upgrade")), "{all:?}");
}

/// Case 13: the kubeadm of 1.31 has no phases of `upgrade apply`, and the double refuses them as it does.
#[test]
fn a_patch_release_of_1_31_is_an_ordinary_run() {
    paused(async {
        let from = KubeVersion::new(1, 31, 5);
        let mut pod = Pod::new(Shape { from, ..crash::small() }, Sabotage::None);
        pod.start(Cut::never());
        pod.ready().await.unwrap();
        let to: KubeVersion = "v1.31.9".parse().unwrap();
        let ask =
            PlanAsk { max_unavailable: Some(podlift_engine::program::Limit::Number(1)), ..PlanAsk::to(to) };
        pod.coordinator().start_run(&ask, None, ANN).await.unwrap();
        let state = pod.rest().await.unwrap();
        assert_eq!(state.status, RunStatus::Succeeded, "{}", why(&state));
        for (node, seen) in pod.world.snapshot().nodes {
            assert_eq!(seen.kubelet.as_deref(), Some("v1.31.9"), "{node}");
        }
    });
}

/// Case 41.
#[test]
fn a_budget_that_can_not_count_blocks_the_plan() {
    let plan = planned(|world| cases::put(world, case!("41-pdb-that-cant-count/objects.yaml")), |ask| ask);
    says(&plan, "budgets", Severity::Blocker, &["es", "SyncFailed"]);
}

/// Case 43: more than one pod of a storage budget is on a node.
#[test]
fn a_storage_budget_with_several_pods_on_a_node_is_told() {
    let plan = planned(|world| cases::put(world, case!("43-rook-osd-budgets-move/objects.yaml")), |ask| ask);
    let all: Vec<_> = plan.findings.iter().filter(|f| f.evidence.contains("rook-ceph-osd")).collect();
    assert!(!all.is_empty(), "{:?}", plan.findings);
}

/// Case 46.
#[test]
fn a_pod_that_hangs_in_terminating_is_named_before_the_night() {
    let plan = planned(|world| cases::put(world, case!("46-finalizer-keeps-pod/pod.yaml")), |ask| ask);
    says(&plan, "slow-pods", Severity::Warning, &["ci/job-7-abc", "scheduler.site.example/finalizer"]);
}

/// Case 47.
#[test]
fn pods_that_use_a_gpu_without_a_request_are_named() {
    let plan = planned(|world| cases::put(world, case!("47-gpu-without-request/pod.yaml")), |ask| ask);
    let blast = &plan.goal.upgrade().unwrap().blast[&name("dgx031")];
    let users = blast.gpu_users.join(", ");
    assert!(users.contains("lab/viewer-1 (runtime class nvidia)"), "{users}");
    assert!(users.contains("lab/train-dra-0 (resource claims)"), "{users}");
}

/// Case 48: both label forms name their job, with its members here and elsewhere.
#[test]
fn a_job_over_two_nodes_is_named_with_its_members_here_and_elsewhere() {
    let plan = planned(|world| cases::put(world, case!("48-gang-loses-one/pods.yaml")), |ask| ask);
    let gangs = &plan.goal.upgrade().unwrap().blast[&name("dgx030")].gangs;
    for job in ["j", "m"] {
        let mine = gangs.iter().find(|g| g.name.ends_with(&format!("/{job}")));
        assert!(mine.is_some_and(|g| (g.here, g.elsewhere) == (1, 1)), "{job}: {gangs:?}");
    }
}

/// Case 59.
#[test]
fn an_operator_beside_a_calico_of_manifests_blocks_while_it_moves_nodes() {
    let plan = paused(async {
        let mut pod = Pod::new(Shape { calico: false, ..Shape::default() }, Sabotage::None);
        cases::put(&pod.world, case!("59-tigera-operator-without-status/objects.yaml"));
        pod.start(Cut::never());
        pod.ready().await.unwrap();
        pod.coordinator().plan(&PlanAsk::to(TO), ANN).await.unwrap()
    });
    says(&plan, "tigera", Severity::Blocker, &["dgx031"]);
}

/// Case 65: every certificate of a bundle counts, and a kubeconfig that trusts only the old CA stops the run.
#[test]
fn a_ca_rotation_that_stopped_half_way_is_seen_in_the_bundle_and_in_the_kubeconfigs() {
    use base64::Engine as _;
    let sow = |world: &World| {
        let old = certificates::until(
            "kubernetes",
            true,
            world.clock.now() - jiff::SignedDuration::from_hours(240),
        );
        let new = certificates::good("kubernetes", true);
        let bundle = format!("{}{}", old.certificate, new.certificate);
        let disk = world.disk("runai-01");
        let pki = format!("/etc/kubernetes/pki/{}", world.shape.cluster);
        disk.put_text(&format!("{pki}/ca.crt"), &bundle, 0o644).unwrap();
        let only_old = base64::engine::general_purpose::STANDARD.encode(&old.certificate);
        let path = "/etc/kubernetes/scheduler.conf";
        let text = disk.text(path);
        assert!(text.contains(&certificates::authority()), "{text}");
        disk.put_text(path, &text.replace(&certificates::authority(), &only_old), 0o600).unwrap();
    };
    let plan = planned(sow, |ask| ask);
    says(&plan, "ca-trust", Severity::Blocker, &["scheduler.conf"]);
    let all = found(&plan, "certificates");
    assert!(all.iter().all(|(severity, _)| *severity != Severity::Blocker), "{all:?}");
}
