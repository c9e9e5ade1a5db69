//! Whole ops on a node whose pods have checkpoint hooks.

mod crash;
mod runtime;

use crate::executor::{Answer, Executor, OpState};
use crate::testing::Bench;
use podlift_host::{Files as _, paths};
use podlift_model::checkpoint::{CheckpointEnd, CheckpointResult};
use podlift_model::{Epoch, HostOp, OpOutcome, OpOutput, PodRef, codes};
use runtime::{OP, PID, Pod, node, pod};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

fn op(names: &[&str], seconds: u32) -> HostOp {
    HostOp::Checkpoint { pods: names.iter().map(|name| pod(name)).collect(), seconds }
}

fn submit(executor: &Arc<Executor>, op: &HostOp) -> watch::Receiver<OpState> {
    let epoch = Epoch { number: 1, instance: "a".parse().unwrap() };
    match executor.submit(&OP.parse().unwrap(), &epoch, op) {
        Answer::Follow(state) => state,
        other => panic!("{other:?}"),
    }
}

/// An agent that has accepted the op.
fn start(bench: &Bench, op: &HostOp) -> (Arc<Executor>, watch::Receiver<OpState>) {
    let node = bench.node();
    node.ledger.claim(&Epoch { number: 1, instance: "a".parse().unwrap() }).unwrap();
    let executor = Executor::new(node);
    let state = submit(&executor, op);
    (executor, state)
}

async fn ended(mut state: watch::Receiver<OpState>) -> OpOutcome {
    match &*state.wait_for(|s| matches!(s, OpState::Ended(_))).await.unwrap() {
        OpState::Ended(outcome) => outcome.clone(),
        other => panic!("{other:?}"),
    }
}

async fn results(state: watch::Receiver<OpState>) -> Vec<CheckpointResult> {
    match ended(state).await {
        OpOutcome::Done { output: OpOutput::Checkpoints(all) } => all,
        other => panic!("{other:?}"),
    }
}

fn lines(all: &[CheckpointResult]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

const SAVE: &str = r#"["/bin/save","--to","/ckpt dir"]"#;

#[tokio::test(start_paused = true)]
async fn each_pod_has_a_result_of_its_own_and_none_fails_the_op() {
    let pods = vec![
        Pod::new("good", SAVE).takes(7),
        Pod::new("bad", SAVE).ends(3, "disk full"),
        Pod::new("slow", SAVE).annotated("podlift.io/checkpoint-grace", "30s").takes(31),
        Pod::new("lacking", SAVE).ends(127, "exec: \"/bin/save\": no such file or directory"),
        Pod { annotations: serde_json::Value::Null, ..Pod::new("plain", SAVE) },
        Pod::new("odd", "/bin/save"),
        Pod::new("twins", SAVE).with(&["logs", "train"]),
        Pod::new("named", SAVE)
            .with(&["logs", "train"])
            .annotated("kubectl.kubernetes.io/default-container", "train"),
        Pod::new("ended", SAVE).with(&[]),
    ];
    let (bench, runtime) = node(pods, false);
    let names = ["good", "bad", "slow", "lacking", "plain", "odd", "twins", "named", "ended", "gone"];
    let began = Instant::now();
    let (_executor, state) = start(&bench, &op(&names, 600));
    let all = results(state).await;
    let want = [
        "pod ml/good: its checkpoint command exited 0 after 7 s (saved)",
        "pod ml/bad: its checkpoint command exited 3 after 1 s (disk full)",
        "pod ml/slow: its checkpoint command did not end within 30 s and was ended",
        "pod ml/lacking: its checkpoint was not made: the container runtime did not run its command: rpc error: code = Unknown desc = failed to exec in container: exec: \"/bin/save\": no such file or directory",
        "pod ml/plain had no annotation podlift.io/checkpoint when it started",
        "pod ml/odd: its checkpoint was not made: annotation podlift.io/checkpoint = \"/bin/save\" is not valid: expected a JSON array with the words of a command, for example [\"/bin/save\",\"--now\"] (1 to 64 words, 8 KiB), or signal:USR1",
        "pod ml/twins: its checkpoint was not made: 2 containers of it run (logs, train), and none is named: name one with the annotation kubectl.kubernetes.io/default-container in the pod's template",
        "pod ml/named: its checkpoint command exited 0 after 1 s (saved)",
        "pod ml/ended: its checkpoint was not made: none of its containers runs",
        "pod ml/gone (uid-gone) does not run on the node",
    ];
    assert_eq!(lines(&all), want);
    assert_eq!(began.elapsed().as_secs(), 30, "the hooks run side by side");
    let named: Vec<_> = runtime.calls("crictl exec").into_iter().filter(|c| c.contains("named")).collect();
    assert_eq!(named, ["crictl exec --sync --timeout 60 named-train /bin/save --to /ckpt dir"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_the_same_name_with_another_uid_is_another_pod() {
    let (bench, runtime) = node(vec![Pod::new("train-0", SAVE)], false);
    let other = PodRef { uid: "uid-old".parse().unwrap(), ..pod("train-0") };
    let foreign = PodRef { namespace: "web".parse().unwrap(), ..pod("train-0") };
    for wrong in [other, foreign] {
        let (_executor, state) = start(&bench, &HostOp::Checkpoint { pods: vec![wrong], seconds: 60 });
        assert_eq!(results(state).await[0].end, CheckpointEnd::NotFound);
        bench.files.remove(Path::new(paths::LEDGER)).unwrap();
        bench.files.remove(&paths::op_memo(&OP.parse().unwrap())).unwrap();
    }
    assert_eq!(runtime.calls("crictl exec"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_signal_goes_to_a_process_that_handles_it_and_its_grace_is_waited() {
    const CAUGHT: &str = "SigCgt:\t0000000000000200\n";
    const CGROUP: &str = "0::/kubepods/pod1/train-0-train\n";
    let cases = [
        ((CGROUP, CAUGHT), true, 0, "pod ml/train-0: USR1 was sent, and its process ended after 0 s"),
        ((CGROUP, CAUGHT), false, 120, "pod ml/train-0: USR1 was sent 120 s ago"),
        (
            (CGROUP, "SigCgt:\t0000000000000002\n"),
            true,
            0,
            "pod ml/train-0: its checkpoint was not made: the first process of its container train has no handler for USR1, and nothing was sent; let the container start the program itself (a shell with `exec`), or name a command instead",
        ),
        (
            ("0::/system.slice/sshd.service\n", CAUGHT),
            true,
            0,
            "pod ml/train-0: its checkpoint was not made: process 4321 of its container train has ended",
        ),
    ];
    for ((cgroup, status), mortal, waited, want) in cases {
        let hook = Pod::new("train-0", "signal:USR1").annotated("podlift.io/checkpoint-grace", "120s");
        let (bench, runtime) = node(vec![hook], mortal);
        bench.files.put(format!("/proc/{PID}/cgroup"), cgroup.as_bytes());
        bench.files.put(format!("/proc/{PID}/status"), status.as_bytes());
        let began = Instant::now();
        let (_executor, state) = start(&bench, &op(&["train-0"], 600));
        let all = results(state).await;
        assert_eq!((lines(&all), began.elapsed().as_secs()), (vec![want.to_string()], waited));
        let sent = usize::from(all[0].is_saved());
        assert_eq!(runtime.calls("signal"), vec!["signal USR1 to 4321"; sent], "{want}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_hook_outlasts_the_op() {
    const NAMES: [&str; 18] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r"];
    let pods = NAMES.map(|name| Pod::new(name, SAVE).takes(1000)).to_vec();
    let (bench, runtime) = node(pods, false);
    let began = Instant::now();
    let (_executor, state) = start(&bench, &op(&NAMES, 10));
    let all = results(state).await;
    assert_eq!(began.elapsed().as_secs(), 10);
    let late = |r: &&CheckpointResult| r.end == CheckpointEnd::TimedOut { grace_seconds: 10 };
    let never =
        |r: &&CheckpointResult| matches!(&r.end, CheckpointEnd::NotRun { why } if why.contains("was over"));
    assert_eq!((all.iter().filter(late).count(), all.iter().filter(never).count()), (16, 2));
    assert_eq!(runtime.calls("crictl exec").len(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_node_without_a_container_runtime_fails_the_op() {
    let bench = Bench::new(|call| {
        Err(podlift_host::CommandError::NotFound { program: call.program.into(), path: "/usr/bin".into() })
    });
    let (_executor, state) = start(&bench, &op(&["train-0"], 60));
    match ended(state).await {
        OpOutcome::Failed { failure } => assert_eq!(failure.code, codes::COMMAND_MISSING),
        other => panic!("{other:?}"),
    }
}
