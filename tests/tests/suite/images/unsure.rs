//! Answers of BCM of which the facts are not sure: the run ends as well as with the other answer, or the plan says what is missing.

use podlift_engine::machine::RunStatus;
use podlift_lab::What;
use podlift_lab::world::bcm::Switches;
use podlift_tests::images::{NEW, all_at, packages, places, rollout, synced};
use podlift_tests::pod::{TO, why};
use podlift_tests::rollout::worker;
use podlift_tests::{Kept, ensure, paused};

/// None of these stops the run, and each node is written once.
async fn whole(switches: fn(&mut Switches)) -> Kept {
    let mut rollout = rollout(2);
    rollout.world().bcm(switches);
    let state = rollout.run().await?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    rollout.left_nothing()?;
    for node in (0..2).map(worker) {
        let there = packages(rollout.world(), &node);
        ensure(there == all_at(NEW), || format!("{node} has {there:?}"))?;
        ensure(synced(rollout.world(), &node).len() == 1, || {
            format!("{node} was written {:?}", synced(rollout.world(), &node))
        })?;
    }
    let audit = rollout.world().audit(TO);
    ensure(audit.ok(), || format!("{audit:?}"))
}

/// A log in the local time of the head. A zone's name has no one meaning, so one that the head's clock does not have proves no time.
#[test]
fn a_log_in_another_zone() {
    let number = paused(whole(|b| (b.zone, b.second_layout) = (("+0100".into(), 1), true)));
    assert_eq!(number, Ok(()));
    let named = paused(async {
        let mut rollout = rollout(1);
        rollout.world().bcm(|b| b.zone = ("XST".into(), 1));
        let state = rollout.run().await?;
        ensure(why(&state).contains("the time of its log can't be read"), || why(&state))
    });
    assert_eq!(named, Ok(()));
}

/// CMDaemon tries again by itself, and the log of a failed attempt is not the last one.
#[test]
fn an_update_that_succeeds_in_an_attempt_of_bcm_is_no_failure() {
    let result = paused(whole(|b| {
        b.failing_attempts = [(worker(0), 3)].into();
        (b.colors, b.events) = (true, vec!["dgx031: health check failed".into()]);
    }));
    assert_eq!(result, Ok(()));
}

/// A path that an update spares and a boot does not is a blocker of the plan, before anything is cloned.
#[test]
fn a_list_of_the_boot_that_lacks_a_path_blocks_the_plan() {
    let result = paused(async {
        let mut rollout = rollout(1);
        rollout.world().bcm(|b| b.sync_uncovered = true);
        rollout.start(|_| {});
        let refused = rollout.pod.start_run().await.err().map(|e| format!("{e} {e:?}")).unwrap_or_default();
        for words in ["excludelistsyncinstall", "/var/lib/kubelet"] {
            ensure(refused.contains(words), || format!("{words} is not named: {refused:?}"))?;
        }
        let cloned =
            places(rollout.world(), podlift_lab::HEAD_NODE, |w| matches!(w, What::ImageCloned { .. }));
        ensure(cloned.is_empty(), || "an image was cloned".into())
    });
    assert_eq!(result, Ok(()));
}
