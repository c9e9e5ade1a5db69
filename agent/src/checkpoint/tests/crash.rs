//! An agent that stops in the middle of hooks, and a disk that stops taking writes.

use super::*;
use std::time::Duration;

/// A new agent process on the same disk, which resumes the op.
async fn resumed(bench: &Bench) -> Vec<CheckpointResult> {
    let executor = Executor::new(bench.node());
    executor.recover();
    let epoch = Epoch { number: 1, instance: "a".parse().unwrap() };
    match executor.submit(&OP.parse().unwrap(), &epoch, &op(&["quick", "long"], 600)) {
        Answer::Follow(state) => results(state).await,
        Answer::Ended(OpOutcome::Done { output: OpOutput::Checkpoints(all) }) => all,
        other => panic!("{other:?}"),
    }
}

fn pods() -> Vec<Pod> {
    vec![Pod::new("quick", SAVE), Pod::new("long", SAVE).takes(50)]
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_ended_is_not_run_again_and_one_with_an_unknown_end_is() {
    let (bench, runtime) = node(pods(), false);
    let (executor, _state) = start(&bench, &op(&["quick", "long"], 600));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(runtime.calls("crictl exec").len(), 2);
    executor.shutdown();
    let all = resumed(&bench).await;
    let want = [
        "pod ml/quick: its checkpoint command exited 0 after 1 s (saved)",
        "pod ml/long: its checkpoint command exited 0 after 50 s (saved); it ran a second time, because the agent was stopped during the first",
    ];
    assert_eq!(lines(&all), want);
    let of = |name: &str| runtime.calls("crictl exec").iter().filter(|c| c.contains(name)).count();
    assert_eq!((of("quick-train"), of("long-train")), (1, 2));
    assert_eq!(resumed(&bench).await, all, "a third agent answers from its ledger");
    assert_eq!((of("quick-train"), of("long-train")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn all_hooks_ended_and_the_outcome_was_not_recorded() {
    let (bench, runtime) = node(pods(), false);
    let (executor, _state) = start(&bench, &op(&["quick", "long"], 600));
    tokio::time::sleep(Duration::from_secs(49)).await;
    // The memo's last write still succeeds; the ledger's does not.
    bench.files.fail_after(1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    executor.shutdown();
    bench.files.works_again();
    let all = resumed(&bench).await;
    assert!(all.iter().all(|result| result.is_saved() && !result.again), "{all:?}");
    assert_eq!(runtime.calls("crictl exec").len(), 2);
}

/// The power goes at each write in turn. The runtime's double refuses a hook whose beginning is not on the disk.
#[tokio::test(start_paused = true)]
async fn a_hook_begins_only_after_its_record_at_whatever_write_the_power_goes() {
    let mut most = 0;
    for writes in 0..7 {
        let (bench, runtime) = node(pods(), false);
        let claimed = bench.node();
        claimed.ledger.claim(&Epoch { number: 1, instance: "a".parse().unwrap() }).unwrap();
        bench.files.fail_after(writes);
        let executor = Executor::new(claimed);
        let epoch = Epoch { number: 1, instance: "a".parse().unwrap() };
        let answer = executor.submit(&OP.parse().unwrap(), &epoch, &op(&["quick", "long"], 600));
        assert_eq!(matches!(answer, Answer::Refused(_)), writes == 0, "{writes}: {answer:?}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        executor.shutdown();
        bench.files.works_again();
        let all = resumed(&bench).await;
        let ran = runtime.calls("crictl exec").len();
        assert!((1..=4).contains(&ran), "{writes}: {ran}");
        assert_eq!(all.len(), 2, "{writes}");
        most = most.max(ran);
    }
    assert!(most > 2, "no power cut ever hid the end of a hook");
}
