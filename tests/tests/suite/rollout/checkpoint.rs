//! A job whose owner wants its work saved: the command runs in each of its pods before any of them is evicted.

use podlift_engine::machine::RunStatus;
use podlift_lab::objects::Key;
use podlift_lab::{Fault, FaultAction, What};
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{ensure, paused, press};
use serde_json::json;

const JOB: &str = "llm";
const COMMAND: &str = "/bin/save --to /ckpt";

fn with_hook() -> Rollout {
    let rollout = Rollout::new(6, json!({"max-unavailable": "2"}));
    let (first, second) = (worker(0), worker(1));
    rollout.world().train(JOB, &[&first, &second]);
    let hook = json!({"podlift.io/checkpoint": "[\"/bin/save\", \"--to\", \"/ckpt\"]", "podlift.io/checkpoint-grace": "120s"});
    rollout.world().update(|s| {
        let pods: Vec<Key> =
            s.api.pods_in("runai").map(|(k, _)| k.clone()).filter(|k| k.name.starts_with(JOB)).collect();
        let job = Key::new("batch", "jobs", "runai", JOB);
        s.api.change(&job, |v| merge(&mut v["spec"]["template"]["metadata"]["annotations"], &hook));
        pods.iter()
            .for_each(|key| drop(s.api.change(key, |v| merge(&mut v["metadata"]["annotations"], &hook))));
    });
    rollout
}

fn merge(into: &mut serde_json::Value, more: &serde_json::Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
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
        // Each of the two lanes has a command of its own.
        for _ in 0..2 {
            let state = rollout.pod.state().ok_or("there is no run")?;
            let RunStatus::Paused { reason } = &state.status else { break };
            press::next(&rollout.pod, reason).await?;
            rollout.pod.rest().await.ok_or("the run never rested")?;
        }
        let state = rollout.pod.state().ok_or("there is no run")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
