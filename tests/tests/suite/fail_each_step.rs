//! Each step that acts is made to fail for good; the run pauses with a reason, and succeeds when the cause is mended.

use podlift_engine::StepKind;
use podlift_lab::Shape;
use podlift_tests::{paused, promises};

#[test]
fn every_step_that_fails_pauses_the_run_and_resumes() {
    let broken = |(verb, program, contains): &(&str, &str, &str)| {
        paused(promises::a_failed_step_pauses_and_resumes(verb, program, contains)).err()
    };
    let failures: Vec<String> = promises::BREAKS.iter().filter_map(broken).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Steps that nothing in the list above breaks, and why not.
const ELSEWHERE: &[(&str, &str)] = &[
    ("manifest-backup", "its op writes files only, like the snapshot's"),
    ("seal-backup", "the coordinator's own disk: its backup tests"),
    ("kubeadm-patches", "its op writes files only; what it refuses is in the agent's own tests"),
    ("apt-source", "its op writes one file; its refusals are in the agent's own tests"),
    ("etcd-ready", "it waits; its op is etcdctl's, as the snapshot's is"),
    ("guard-arm", "its op is the agent's own memory"),
    ("guard-disarm", "its op is the agent's own memory"),
    ("drain", "promises/cordons.rs: a budget that blocks it"),
    ("uncordon", "the same patch as the cordon's"),
    ("verify-api", "it only judges: promises/components.rs"),
    ("node-reachable", "it only judges"),
    ("devices-back", "it only judges: promises/devices.rs"),
    ("soak", "it only judges"),
    ("node-ready", "it only judges"),
    ("verify-fleet", "it only judges"),
    ("verify-node", "it only judges"),
    ("step-aside", "the run goes on without it: aside.rs"),
    ("step-back", "its rule ends by itself: aside.rs"),
    ("compare", "it only judges: steps/compare_tests.rs of the engine"),
    ("soft-taint", "the same patch as the cordon's"),
    ("soft-untaint", "the same patch as the cordon's"),
    ("checkpoint", "rollout/checkpoint.rs: a command that fails"),
    ("warn", "the run goes on without it"),
    ("restore-service", "issues/failing.rs: the API refuses the creation"),
    ("restore-secret", "issues/failing.rs: the API refuses the creation"),
    ("restart-deployment", "issues/failing.rs: the API refuses the change"),
    ("remove-operator", "issues/failing.rs: the API refuses the deletion"),
    ("calico-stable", "it only judges: issues/tigera.rs"),
    ("validate", "it only judges"),
];

#[test]
fn every_kind_of_step_is_among_them_and_in_the_run() {
    let state = paused(async {
        // API servers step aside only where there are three of them, and a single worker gets no soft taint.
        let Shape { control_planes, workers, .. } = Shape::default();
        let small = podlift_tests::crash::small();
        let shape = Shape { control_planes, workers, images: true, runbook: true, ..small };
        let mut pod = podlift_tests::pod::Pod::new(shape, podlift_tests::sabotage::Sabotage::None);
        (pod.options.soft_taint, pod.options.checkpoints) = (true, true);
        pod.options.interactive_warning_seconds = 60;
        // Its removal is a step only where it is installed.
        pod.world.install_tigera();
        pod.start(podlift_tests::cut::Cut::never());
        pod.start_run().await.unwrap();
        pod.state().unwrap()
    });
    let verb = |kind: &StepKind| promises::kind(&kind.step().verb()).to_string();
    let in_run: Vec<String> = state.plan.steps().map(|s| verb(&s.kind)).collect();
    for kind in StepKind::samples() {
        let verb = verb(&kind);
        let broken = promises::BREAKS.iter().any(|(v, ..)| *v == verb);
        let elsewhere = ELSEWHERE.iter().any(|(v, _)| *v == verb);
        assert!(broken != elsewhere, "{verb}: a test makes it fail, or the list says why not");
        assert!(in_run.contains(&verb), "{verb} is in no run of the suites");
    }
}
