//! BCM says that it has done something, and has not; or says nothing. Each is seen, the lane stops before kubeadm or the kubelet runs on what
//! is not there, and the printed command goes on when the cause is mended.

use podlift_engine::machine::{Event, Record, RunStatus};
use podlift_lab::world::bcm::{Lie, Lies};
use podlift_lab::{What, World};
use podlift_tests::images::{Meanwhile, NEW, PLANES, WORKERS, all_at, packages, places, rollout};
use podlift_tests::pod::{TO, why};
use podlift_tests::rollout::Rollout;
use podlift_tests::{Kept, ensure, paused, press};
use std::collections::BTreeSet;
use std::sync::Arc;

const NODE: &str = "dgx030";
/// More often than a step tries.
const MANY: u32 = 1000;

struct Case {
    what: &'static str,
    before: fn(&Arc<World>),
    meanwhile: Option<Meanwhile>,
    /// It is over by itself, so that the run may also try again by itself.
    once: bool,
    /// The code of the pause.
    code: &'static str,
    /// A part of its text.
    says: &'static str,
    mend: fn(&Arc<World>),
}

fn nothing(_: &Arc<World>) {}

fn of_node() -> BTreeSet<String> {
    [NODE.to_string()].into()
}

fn honest(world: &Arc<World>) {
    world.bcm(|b| b.lies = Lies::default());
}

fn at(step: &'static str, done: bool, happens: fn(&Arc<World>)) -> Option<Meanwhile> {
    Some(Meanwhile { step, done, happens })
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            what: "COMPLETED that copied nothing",
            before: |world| world.bcm(|b| b.empty_syncs = of_node()),
            meanwhile: None,
            once: false,
            code: "bcm-sync-failed",
            says: "is 1.31.9-1.1, expected 1.32.9-1.1",
            mend: |world| world.bcm(|b| b.empty_syncs.clear()),
        },
        Case {
            what: "a dry run whose request disappears",
            before: |world| world.bcm(|b| b.lost_requests = of_node()),
            meanwhile: None,
            once: true,
            code: "bcm-sync-failed",
            says: "no new log",
            mend: nothing,
        },
        Case {
            what: "an update whose request disappears",
            before: nothing,
            meanwhile: at("dgx030/sync", false, |world| world.bcm(|b| b.lost_requests = of_node())),
            once: true,
            code: "bcm-sync-failed",
            says: "no new log",
            mend: nothing,
        },
        Case {
            what: "an update that rsync breaks off",
            before: nothing,
            meanwhile: at("dgx030/sync", false, |world| {
                world.bcm(|b| b.failing_requests = [(NODE.into(), 23)].into());
            }),
            once: false,
            code: "bcm-sync-failed",
            says: "23",
            mend: |world| world.bcm(|b| b.failing_requests.clear()),
        },
        Case {
            what: "an update that fails in all attempts of BCM, and no word of it",
            before: |world| world.bcm(|b| b.quiet_failures = true),
            meanwhile: at("dgx030/sync", false, |world| {
                world.bcm(|b| b.failing_requests = [(NODE.into(), 23)].into());
            }),
            once: false,
            code: "bcm-sync-failed",
            says: "rsync ended with code 23",
            mend: |world| world.bcm(|b| b.failing_requests.clear()),
        },
        Case {
            what: "a process that a session leaves in the image",
            before: |world| world.bcm(|b| b.process_left = true),
            meanwhile: None,
            once: false,
            code: "bcm-image-in-use",
            says: "process 8123 (gpg-agent)",
            mend: |world| {
                world.bcm(|b| b.process_left = false);
                world.update(|s| s.bcm.images.values_mut().for_each(|i| i.processes.clear()));
            },
        },
        Case {
            what: "a lock that holds the requests of provisioners back",
            before: |world| world.bcm(|b| b.lock_holds_provisioners = true),
            meanwhile: None,
            once: false,
            code: "bcm-provisioner-stale",
            says: "softwareimage unlock dgx-image-k8s-1.32.9",
            mend: |world| {
                world.bcm(|b| b.lock_holds_provisioners = false);
                [WORKERS[1], PLANES[1]].iter().for_each(|image| world.lock_image(image, false));
            },
        },
        Case {
            what: "exclude lists that were changed after the plan",
            before: nothing,
            meanwhile: at("dgx030/assign-image", true, |world| world.bcm(|b| b.kubernetes_covered = false)),
            once: false,
            code: "sync-touches",
            says: "etc/kubernetes",
            mend: |world| world.bcm(|b| b.kubernetes_covered = true),
        },
        Case {
            what: "an image that is not assigned, and no word of it",
            before: |world| world.cmsh_lies("set softwareimage dgx-image-k8s", Lie::Nothing, MANY),
            meanwhile: None,
            once: false,
            code: "bcm-no-effect",
            says: "dgx030 did not get dgx-image-k8s-1.32.9",
            mend: honest,
        },
        Case {
            what: "an image that is not assigned, with words and exit code 0",
            before: |world| {
                let text = "Error: the entity is locked by another session";
                world.cmsh_lies("set softwareimage dgx-image-k8s", Lie::Says(text.into()), MANY);
            },
            meanwhile: None,
            once: false,
            code: "bcm-no-effect",
            says: "locked by another session",
            mend: honest,
        },
        Case {
            what: "a clone that is refused",
            before: |world| {
                world.cmsh_lies("clone dgx-image ", Lie::Refuses("Error: not enough disk".into()), MANY)
            },
            meanwhile: None,
            once: false,
            code: "bcm-no-effect",
            says: "not enough disk",
            mend: honest,
        },
        Case {
            what: "a clone that somebody else locks",
            before: nothing,
            meanwhile: at("image-clone-dgx-image-k8s-1.32.9", true, |world| {
                world.lock_image(WORKERS[1], true)
            }),
            once: false,
            code: "bcm-image-locked",
            says: WORKERS[1],
            mend: |world| world.lock_image(WORKERS[1], false),
        },
        Case {
            what: "metadata that do not change",
            before: |world| world.bcm(|b| b.version_stays = true),
            meanwhile: None,
            once: false,
            code: "bcm-no-effect",
            says: NEW,
            mend: |world| world.bcm(|b| b.version_stays = false),
        },
    ]
}

async fn judge(case: Case) -> Kept {
    let mut rollout = rollout(1);
    (case.before)(rollout.world());
    rollout.start_with(case.meanwhile);
    let state = rollout.go().await?;
    let RunStatus::Paused { reason } = &state.status else {
        let again = tried_again(&rollout.pod.journal.records());
        ensure(case.once && again, || why(&state))?;
        return whole(&rollout);
    };
    let text = format!("{} {}", reason.message, reason.detail);
    ensure(case.code.is_empty() || reason.code == case.code, || {
        format!("expected {}: {}", case.code, why(&state))
    })?;
    ensure(text.contains(case.says), || format!("expected {:?}: {}", case.says, why(&state)))?;
    if packages(rollout.world(), NODE) != all_at(NEW) {
        let began = |w: &What| matches!(w, What::KubeadmNode { .. } | What::KubeletRestart { .. });
        let began = places(rollout.world(), NODE, began);
        ensure(began.is_empty(), || format!("without its packages, {NODE} went on: {began:?}"))?;
    }
    (case.mend)(rollout.world());
    press::next(&rollout.pod, reason).await?;
    let state = rollout.pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || format!("pressed: {}", why(&state)))?;
    whole(&rollout)
}

/// A step was tried twice.
fn tried_again(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(&record.event, Event::StepStarted { attempt, .. } if *attempt > 1))
}

/// The worker has its packages, each of them once.
fn whole(rollout: &Rollout) -> Kept {
    rollout.left_nothing()?;
    let there = packages(rollout.world(), NODE);
    ensure(there == all_at(NEW), || format!("{NODE} has {there:?}"))?;
    let audit = rollout.world().audit(TO);
    ensure(audit.ok(), || format!("{audit:?}"))
}

#[test]
fn imageupdate_lies() {
    let failure = |case: Case| {
        let what = case.what;
        paused(judge(case)).err().map(|why| format!("{what}: {why}"))
    };
    let failures: Vec<String> = cases().into_iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A provisioner that gets no image would send the old one: no node is written before it is up to date.
#[test]
fn a_provisioner_that_never_gets_the_image_stops_the_run_before_any_worker() {
    let result = paused(async {
        let mut rollout = rollout(1);
        rollout.world().bcm(|b| {
            b.second_layout = true;
            b.deaf_provisioners.insert(podlift_lab::world::bcm::build::PASSIVE.into());
        });
        let state = rollout.run().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        ensure(reason.message.contains(podlift_lab::world::bcm::build::PASSIVE), || why(&state))?;
        let touched = rollout.world().effects().into_iter().find(|e| matches!(e.what, What::Cordon { .. }));
        ensure(touched.is_none(), || format!("a worker was touched: {touched:?}"))?;
        rollout.world().bcm(|b| b.deaf_provisioners.clear());
        press::next(&rollout.pod, reason).await?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))
    });
    assert_eq!(result, Ok(()));
}
