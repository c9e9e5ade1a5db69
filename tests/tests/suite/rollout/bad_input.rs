//! Input that allows nothing, or less than it seems to, and events in the middle of a drain: the run says what is the matter, and no node
//! stays cordoned that was not meant to be.

use podlift_coordinator::Command;
use podlift_engine::machine::{Event, RunState, RunStatus};
use podlift_engine::program::Rollout as Policy;
use podlift_lab::objects::Key;
use podlift_lab::{What, World};
use podlift_tests::pod::{name, why};
use podlift_tests::rollout::{Rollout, names, of_workers, worker};
use podlift_tests::{Kept, ensure, paused};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const JOB: &str = "llm";
/// The plan refuses, so that no run begins.
const BLOCKED: &str = "preflight blocks the run";

/// A limit that is none never becomes a policy, and so no run of it begins.
#[test]
fn a_limit_that_is_none_makes_no_policy() {
    for limit in [json!(0), json!("0"), json!("200%"), json!("NaN"), json!("-1"), json!(2.5)] {
        let refused = serde_json::from_value::<Policy>(json!({"max-unavailable": limit.clone()}));
        let text = refused.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(text.contains("a number of nodes from 1, or a share from 1% to 100%"), "{limit}: {text}");
    }
}

struct Case {
    what: &'static str,
    workers: usize,
    policy: fn() -> Value,
    before: fn(&mut Rollout),
    /// The end of the run's rest: a part of the pause's text, or empty where it succeeds.
    pauses: &'static str,
    /// Something else that has to hold then.
    also: fn(&Rollout, &RunState) -> Kept,
}

fn nothing(_: &mut Rollout) {}

fn well(_: &Rollout, _: &RunState) -> Kept {
    Ok(())
}

fn of_group(selector: &str) -> Value {
    let group = json!({"name": "inference", "selector": selector, "max-unavailable": 1});
    json!({"max-unavailable": "2", "groups": [group]})
}

fn no_worker_was_cordoned(rollout: &Rollout, _: &RunState) -> Kept {
    let cordon = |w: &What| matches!(w, What::Cordon { .. });
    let effects = rollout.world().effects();
    let touched = effects.iter().find(|e| e.node.starts_with("dgx") && cordon(&e.what));
    ensure(touched.is_none(), || format!("{touched:?}"))
}

/// The nodes of the job were chosen in one batch, but for one that is left out.
fn others_go_together(_: &Rollout, state: &RunState) -> Kept {
    let batches: Vec<Vec<&str>> = of_workers(state).map(names).collect();
    let (first, second) = (worker(0), worker(1));
    let together =
        batches.iter().any(|nodes| nodes.contains(&first.as_str()) && nodes.contains(&second.as_str()));
    ensure(together, || format!("{batches:?}"))
}

fn never_two(rollout: &Rollout, _: &RunState) -> Kept {
    rollout.used(1)
}

fn cases() -> Vec<Case> {
    let idle = || Case {
        what: "",
        workers: 2,
        policy: || json!({"max-unavailable": "2"}),
        before: nothing,
        pauses: "",
        also: well,
    };
    vec![
        Case {
            what: "a selector that matches nothing",
            policy: || of_group("pool=none"),
            pauses: BLOCKED,
            ..idle()
        },
        Case {
            what: "a selector that matches everything",
            policy: || of_group("kubernetes.io/os=linux"),
            also: never_two,
            ..idle()
        },
        Case {
            what: "a window that is in the past",
            policy: || {
                let window = json!({"date": "2025-10-19", "from": "08:00", "to": "12:00", "zone": "UTC"});
                json!({"max-unavailable": "2", "windows": [window]})
            },
            pauses: BLOCKED,
            also: no_worker_was_cordoned,
            ..idle()
        },
        Case {
            what: "a window that is shorter than any lane",
            policy: || {
                let window = json!({"from": "22:00", "to": "22:01", "zone": "UTC"});
                json!({"max-unavailable": "2", "windows": [window]})
            },
            pauses: BLOCKED,
            also: no_worker_was_cordoned,
            ..idle()
        },
        Case {
            what: "a job on more nodes than may be unavailable, about which an operator is asked",
            policy: || json!({"max-unavailable": "1", "gangs": {"too-large": "ask"}}),
            before: |rollout| rollout.world().train(JOB, &[&worker(0), &worker(1)]),
            pauses: JOB,
            also: no_worker_was_cordoned,
            ..idle()
        },
        Case {
            what: "a job with a node that is left out",
            workers: 4,
            policy: || json!({"max-unavailable": "2"}),
            before: |rollout| {
                rollout.world().train(JOB, &[&worker(0), &worker(1), &worker(2)]);
                rollout.pod.without = vec![worker(2)];
            },
            also: others_go_together,
            ..idle()
        },
        Case {
            what: "an object of a gang whose pods are gone",
            before: |rollout| {
                rollout.world().pod_group(podlift_lab::world::Scheduler::RunAi, "runai", "pg-gone", 8, 8);
            },
            ..idle()
        },
    ]
}

async fn judge(case: Case) -> Kept {
    let mut rollout = Rollout::new(case.workers, (case.policy)());
    rollout.pod.options.canary = 0;
    (case.before)(&mut rollout);
    let state = match rollout.run().await {
        Ok(state) => state,
        Err(why) => {
            ensure(case.pauses == BLOCKED && why.contains(BLOCKED), || why)?;
            return rollout.left_nothing();
        }
    };
    match &state.status {
        RunStatus::Paused { reason } if !case.pauses.is_empty() => {
            let text = format!("{} {}", reason.message, reason.detail);
            ensure(text.contains(case.pauses) && reason.next.contains("podlift "), || why(&state))?;
            (case.also)(&rollout, &state)?;
            ensure(rollout.cordoned().is_empty(), || {
                format!("cordoned in the pause: {:?}", rollout.cordoned())
            })?;
            rollout
                .pod
                .say(Command::Abort { reason: "bad input".into() })
                .await
                .map_err(|e| e.to_string())?;
            rollout.pod.rest().await.ok_or("the abort never rested")?;
        }
        RunStatus::Succeeded if case.pauses.is_empty() => (case.also)(&rollout, &state)?,
        _ => return Err(format!("expected {:?}: {}", case.pauses, why(&state))),
    }
    rollout.left_nothing()
}

#[test]
fn bad_input_leaves_nothing_cordoned() {
    let failure = |case: Case| {
        let what = case.what;
        paused(judge(case)).err().map(|why| format!("{what}: {why}"))
    };
    let failures: Vec<String> = cases().into_iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A pod of a Job on a worker that nothing makes again.
fn stuck(world: &World, node: &str) {
    let now = world.clock.now();
    let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "stuck", "namespace": "runai", "uid": "o-stuck"},
        "spec": {"template": {"metadata": {"labels": {"app": "stuck"}}, "spec": {"containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}}}});
    let mut pod = podlift_lab::world::pods::pod(&owner, "Job", "stuck-0", node, &world.shape, now);
    pod["metadata"]["finalizers"] = json!(["scheduler.site.example/finalizer"]);
    world.update(|s| {
        let stands_for = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "stuck", "namespace": "runai", "uid": "o-stuck"}});
        s.api.put(Key::new("", "configmaps", "runai", "stuck"), stands_for);
        s.api.put(Key::pod("runai", "stuck-0"), pod);
    });
}

/// The drain ends with the pod's name; without that worker the run succeeds, and the worker is given back.
#[test]
fn a_pod_that_is_stuck_terminating_holds_one_worker_and_nothing_else() {
    let result = paused(async {
        let mut rollout = Rollout::new(3, json!({"max-unavailable": "1"}));
        let victim = worker(1);
        stuck(rollout.world(), &victim);
        let state = rollout.run().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        ensure(text.contains("stuck-0") && text.contains("scheduler.site.example/finalizer"), || {
            why(&state)
        })?;
        ensure(rollout.cordoned().into_iter().eq([victim.clone()]), || format!("{:?}", rollout.cordoned()))?;
        let defer = Command::Defer { node: name(&victim), reason: "its pod is stuck".into(), until: None };
        rollout.pod.say(defer).await.map_err(|e| e.to_string())?;
        rollout.pod.say(Command::Resume).await.map_err(|e| e.to_string())?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}

/// Calls this once, when the step has begun: in the middle of it for a step that takes time.
fn once_begun(rollout: &mut Rollout, step: String, happens: impl Fn(Arc<World>) + Send + 'static) {
    let (world, journal, mut open) = (rollout.world().clone(), rollout.pod.journal.clone(), true);
    rollout.start(move |_| {
        let begun =
            |e: &Event| matches!(e, Event::StepStarted { step: s, .. } if s.as_str().ends_with(&step));
        if open && journal.records().last().is_some_and(|r| begun(&r.event)) {
            open = false;
            happens(world.clone());
        }
    });
}

/// Somebody takes the machine out of the cluster: the run says so, goes on with the others, and what comes back later is not cordoned.
#[test]
fn a_node_that_is_deleted_in_the_middle_of_its_drain_stops_no_other() {
    let result = paused(async {
        let mut rollout = Rollout::new(4, json!({"max-unavailable": "2"}));
        let victim = worker(1);
        stuck(rollout.world(), &victim);
        let gone = victim.clone();
        once_begun(&mut rollout, format!("{victim}/drain"), move |world| {
            let gone = gone.clone();
            world.clone().spawn("", async move {
                world.sleep(Duration::from_secs(5)).await;
                world.delete_node(&gone);
            });
        });
        let mut state = rollout.go().await?;
        let mut said = String::new();
        for _ in 0..3 {
            let RunStatus::Paused { reason } = &state.status else { break };
            said += &format!("{} {} ", reason.message, reason.detail);
            ensure(said.contains(&victim), || why(&state))?;
            // As it is printed: the message of a node that is gone has the command, too.
            if said.contains(&format!("podlift defer {victim}")) {
                let defer = Command::Defer { node: name(&victim), reason: "it is gone".into(), until: None };
                rollout.pod.say(defer).await.map_err(|e| e.to_string())?;
                rollout.pod.say(Command::Resume).await.map_err(|e| e.to_string())?;
            } else {
                podlift_tests::press::next(&rollout.pod, reason).await?;
            }
            state = rollout.pod.rest().await.ok_or("the run never rested")?;
        }
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        let records = rollout.pod.journal.records();
        let mut words = records.iter().map(|r| serde_json::to_string(&r.event).unwrap_or_default());
        let named = words.any(|text| text.contains(&victim) && text.contains("not in the cluster any more"));
        ensure(named, || format!("nothing says that {victim} is gone; the pauses said {said:?}"))?;
        let nodes = rollout.world().snapshot().nodes;
        for node in (0..4).map(worker).filter(|n| *n != victim) {
            let seen = nodes[&node].kubelet.as_deref();
            ensure(seen == Some("v1.32.9"), || format!("{node} runs {seen:?}"))?;
        }
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}

/// The wall clock is set forward over the whole window while the run waits for it: the run waits for the next one, and begins nothing outside.
#[test]
fn a_clock_that_jumps_over_the_window_waits_for_the_next_one() {
    let result = paused(async {
        let window = |from: &str, to: &str| json!({"from": from, "to": to, "zone": "UTC"});
        let windows = [window("16:00", "17:30"), window("20:00", "21:30")];
        let mut rollout = Rollout::new(2, json!({"max-unavailable": "1", "windows": windows}));
        let (journal, mut open) = (rollout.pod.journal.clone(), true);
        rollout.start(move |_| {
            let waits = journal.records().last().is_some_and(|r| matches!(r.event, Event::BatchWaits { .. }));
            if open && waits {
                open = false;
                // From about 15:00 over the first window.
                tokio::spawn(tokio::time::advance(Duration::from_secs(3 * 3600)));
            }
        });
        let state = rollout.go().await?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        let minute = podlift_tests::rollout::minute;
        let outside = of_workers(&state).find(|b| !(20 * 60..21 * 60 + 30).contains(&minute(b.at)));
        ensure(outside.is_none(), || format!("chosen outside of the second window: {outside:?}"))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
