//! Each step that acts is made to fail for good; the run pauses with a reason, and succeeds when the cause is mended.

use podlift_tests::{paused, promises};

#[test]
fn every_step_that_fails_pauses_the_run_and_resumes() {
    let broken = |(verb, program, contains): &(&str, &str, &str)| {
        paused(promises::a_failed_step_pauses_and_resumes(verb, program, contains)).err()
    };
    let failures: Vec<String> = promises::BREAKS.iter().filter_map(broken).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_verb_that_acts_is_among_them() {
    use podlift_engine::StepKind as K;
    // Those judge only, or their op is another's with other words.
    let elsewhere = [
        K::SealBackup,
        K::ManifestBackup,
        K::AptSource,
        K::EtcdReady,
        K::GuardArm,
        K::GuardDisarm,
        K::VerifyApi,
        K::Drain,
        K::NodeReady,
        K::Uncordon,
        K::VerifyFleet,
        // steps/compare_tests.rs of the engine.
        K::CompareFleet,
    ];
    let elsewhere: Vec<String> = elsewhere.iter().map(K::verb).collect();
    let state = paused(async {
        let mut pod = podlift_tests::pod::Pod::new(
            podlift_tests::crash::small(),
            podlift_tests::sabotage::Sabotage::None,
        );
        pod.start(podlift_tests::cut::Cut::never());
        pod.start_run().await.unwrap();
        pod.state().unwrap()
    });
    for step in state.plan.steps() {
        let verb = step.kind.verb();
        let covered = promises::BREAKS.iter().any(|(v, ..)| *v == verb) || elsewhere.contains(&verb);
        assert!(covered, "no test makes {verb} fail");
    }
}
