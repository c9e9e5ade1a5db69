//! Holds of packages: after an installation that failed, or that a crash interrupted, they are as they were.

use super::*;

/// What was held before the op, of each kind: nothing, a part of an upgrade's packages, one that no upgrade holds, and all.
const BEFORE: [&[&str]; 4] =
    [&[], &["kubeadm"], &["cri-tools", "kubelet"], &["cri-tools", "kubeadm", "kubectl", "kubelet"]];

fn rig(held: &[&str]) -> Rig {
    let rig = Rig::new();
    rig.tools.set_held(held);
    rig
}

async fn fails(rig: &Rig, op: &str, exit: Option<i32>) -> Failure {
    let mut state = follow(rig.start().submit(&id(op), &epoch(1, "a"), &install()));
    if let Some(code) = exit {
        unit_runs(rig, op).await;
        assert_eq!(rig.tools.held(), [""; 0], "apt's solver may not meet a hold");
        end_unit(&rig.bench, &rig.tools, op, code);
    }
    match ended(&mut state).await {
        OpOutcome::Failed { failure } => failure,
        other => panic!("{other:?}"),
    }
}

fn memo(rig: &Rig, op: &str) -> bool {
    rig.bench.files.stat(&paths::op_memo(&id(op))).is_ok()
}

#[tokio::test(start_paused = true)]
async fn each_step_that_fails_leaves_them_as_they_were() {
    for before in BEFORE {
        for (broken, exit) in [
            (Some("apt-cache"), None),
            (Some("apt-mark unhold"), None),
            (Some("systemd-run"), None),
            (None, Some(100)),
            // apt says that it worked, and dpkg does not have it.
            (None, Some(0)),
        ] {
            // Without a hold none has to be removed.
            if broken == Some("apt-mark unhold") && before.is_empty() {
                continue;
            }
            let rig = rig(before);
            broken.inspect(|call| rig.tools.break_call(call, "dpkg: error"));
            fails(&rig, "op-1", exit).await;
            assert_eq!(rig.tools.held(), before, "{broken:?} {exit:?}");
            assert!(!memo(&rig, "op-1"), "{broken:?} {exit:?}: nothing is owed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_holds_the_upgraded_packages_and_what_was_held() {
    for (before, after) in [
        (&[][..], &["kubeadm", "kubectl", "kubelet"][..]),
        (&["cri-tools"], &["cri-tools", "kubeadm", "kubectl", "kubelet"]),
    ] {
        let rig = rig(before);
        let mut state = follow(rig.start().submit(&id("op-1"), &epoch(1, "a"), &install()));
        unit_runs(&rig, "op-1").await;
        rig.tools.install("kubeadm", "1.32.9-1.1");
        end_unit(&rig.bench, &rig.tools, "op-1", 0);
        assert!(matches!(ended(&mut state).await, OpOutcome::Done { .. }));
        assert_eq!(rig.tools.held(), after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_each_point_leaves_them_as_they_were() {
    for before in BEFORE {
        for point in ["recorded", "unheld", "unit gone", "reboot"] {
            let rig = rig(before);
            match point {
                "recorded" | "unheld" => {
                    accepted_only(&rig, &install());
                    let record = serde_json::to_vec(before).unwrap();
                    rig.bench.files.put(paths::op_memo(&id("op-1")), &record);
                }
                _ => {
                    let executor = rig.start();
                    drop(follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install())));
                    unit_runs(&rig, "op-1").await;
                    executor.shutdown();
                }
            }
            match point {
                "unheld" => rig.tools.set_held(&[]),
                "unit gone" => rig.tools.stop_unit("op-1"),
                "reboot" => rig.reboot(),
                _ => {}
            }
            let mut state = follow(rig.start().submit(&id("op-1"), &epoch(1, "a"), &install()));
            let outcome = ended(&mut state).await;
            assert!(matches!(outcome, OpOutcome::Indeterminate { .. }), "{point}: {outcome:?}");
            assert_eq!(rig.tools.held(), before, "{point}");
            assert!(!memo(&rig, "op-1"), "{point}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_could_not_be_set_is_named_and_set_by_the_next_op() {
    let rig = rig(&["cri-tools", "kubeadm"]);
    rig.tools.break_call("apt-mark hold", "dpkg: error");
    let failure = fails(&rig, "op-1", Some(100)).await;
    let next = "besides, kubeadm cri-tools could not be held again: `apt-mark hold kubeadm cri-tools`";
    assert!(failure.message.contains(next), "{}", failure.message);
    assert_eq!(rig.tools.held(), [""; 0]);
    assert!(memo(&rig, "op-1"), "it is still owed");
    rig.tools.mend_call();
    fails(&rig, "op-2", Some(100)).await;
    assert_eq!(rig.tools.held(), ["cri-tools", "kubeadm"], "as they were before the first op");
    assert!(!memo(&rig, "op-1") && !memo(&rig, "op-2"));
}
