//! A job whose owner wants its work saved: the command runs in each of its pods before any of them is evicted.

use podlift_engine::machine::RunStatus;
use podlift_lab::objects::Key;
use podlift_lab::{Fault, FaultAction, What};
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{ensure, paused, press};
use serde_json::{Map, Value, json};

const JOB: &str = "llm";
const COMMAND: &str = "/bin/save --to /ckpt";

fn hook() -> Value {
    json!({"podlift.io/checkpoint": "[\"/bin/save\", \"--to\", \"/ckpt\"]", "podlift.io/checkpoint-grace": "120s"})
}

/// A job whose pods have these annotations from their creation on.
fn with_job(annotations: &Value) -> Rollout {
    let rollout = Rollout::new(6, json!({"max-unavailable": "2"}));
    let (first, second) = (worker(0), worker(1));
    rollout.world().train_with(JOB, &[&first, &second], annotations);
    rollout
}

fn with_hook() -> Rollout {
    with_job(&hook())
}

/// Changes the annotations of the job's pods that run.
fn annotate(rollout: &Rollout, change: impl Fn(&mut Map<String, Value>)) {
    rollout.world().update(|s| {
        let pods: Vec<Key> =
            s.api.pods_in("runai").map(|(k, _)| k.clone()).filter(|k| k.name.starts_with(JOB)).collect();
        for key in pods {
            s.api.change(&key, |v| {
                v["metadata"]["annotations"].as_object_mut().into_iter().for_each(&change);
            });
        }
    });
}

/// Places of the effects of the job's pods: commands, then evictions.
fn places(rollout: &Rollout) -> (Vec<u64>, Vec<u64>) {
    let effects = rollout.world().effects();
    let of = |is: &dyn Fn(&What) -> bool| -> Vec<u64> {
        effects.iter().filter(|e| is(&e.what)).map(|e| e.seq).collect()
    };
    let saved = of(&|w| matches!(w, What::Exec { command, .. } if command == COMMAND));
    (saved, of(&|w| matches!(w, What::Eviction { pod } if pod.contains(JOB))))
}

#[test]
fn checkpoint_hook() {
    let result = paused(async {
        let mut rollout = with_hook();
        rollout.succeed().await?;
        let (saved, evicted) = places(&rollout);
        ensure(saved.len() == 2 && !evicted.is_empty(), || format!("saved {saved:?}, evicted {evicted:?}"))?;
        ensure(saved.iter().max() < evicted.iter().min(), || {
            format!("an eviction of the job came before its last checkpoint: {saved:?}, {evicted:?}")
        })?;
        let times = rollout.world().interruptions(JOB);
        ensure(times == 1, || format!("the job was torn down {times} times"))
    });
    assert_eq!(result, Ok(()));
}

/// The work is not lost: the lane stops before the drain, with the program's own words.
#[test]
fn a_checkpoint_that_fails_stops_the_lane() {
    let result = paused(async {
        let mut rollout = with_hook();
        let words = format!(
            "time=\"2025-10-20T15:00:00Z\" level=fatal msg=\"execing command in container x synchronously: command '{COMMAND}' exited with 3: no space left\""
        );
        let broken = FaultAction::Fail { code: 1, stderr: words };
        rollout.world().add_fault(Fault::new("crictl", "exec", broken).times(1000));
        let state = rollout.run().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        ensure(text.contains("no space left") && text.contains(JOB), || why(&state))?;
        let (_, evicted) = places(&rollout);
        ensure(evicted.is_empty() && rollout.world().interruptions(JOB) == 0, || {
            "the job was interrupted".into()
        })?;
        rollout.world().clear_faults();
        go_on(&rollout).await
    });
    assert_eq!(result, Ok(()));
}

/// As the operator does when the cause is mended: each of the two lanes has a command of its own.
async fn go_on(rollout: &Rollout) -> Result<(), String> {
    for _ in 0..2 {
        let state = rollout.pod.state().ok_or("there is no run")?;
        let RunStatus::Paused { reason } = &state.status else { break };
        press::next(&rollout.pod, reason).await?;
        rollout.pod.rest().await.ok_or("the run never rested")?;
    }
    let state = rollout.pod.state().ok_or("there is no run")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    rollout.left_nothing()
}

/// The runtime shows a pod's annotations as they were when it started: nothing is saved, so nothing is evicted.
#[test]
fn a_hook_that_came_after_the_start_stops_the_lane() {
    let result = paused(async {
        let mut rollout = with_job(&json!({}));
        annotate(&rollout, |all| all.extend(hook().as_object().cloned().unwrap_or_default()));
        let state = rollout.run().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        ensure(text.contains("when it started") && text.contains(JOB), || why(&state))?;
        let (saved, evicted) = places(&rollout);
        ensure(saved.is_empty() && evicted.is_empty() && rollout.world().interruptions(JOB) == 0, || {
            format!("saved {saved:?}, evicted {evicted:?}")
        })?;
        // Its owner does without.
        annotate(&rollout, |all| all.retain(|key, _| !key.starts_with("podlift.io/")));
        go_on(&rollout).await
    });
    assert_eq!(result, Ok(()));
}
