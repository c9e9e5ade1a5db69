//! Starts and finds units, with the answers of systemd 252.

use super::*;
use crate::testing::{BOOT, Bench, exited, said};
use podlift_host::paths;
use podlift_host::{CommandError, Invocation, Output};

const FAILED: &str = "Result=exit-code\nExecMainCode=1\nExecMainStatus=0\nLoadState=loaded\nActiveState=failed\nSubState=failed\n";
const RUNS: &str = "Result=success\nExecMainCode=0\nExecMainStatus=0\nLoadState=loaded\nActiveState=active\nSubState=running\n";
const NONE: &str =
    "Result=success\nExecMainCode=0\nExecMainStatus=0\nLoadState=not-found\nActiveState=inactive\n";
const TAKEN: &str = "Failed to start transient service unit: Unit podlift-op-1.service was already loaded or has a fragment file.";

fn op() -> OpId {
    OpId::new("op-1").unwrap()
}

fn bench(show: &'static str, run: (i32, &'static str)) -> Bench {
    Bench::new(move |call: &Invocation| -> Result<Output, CommandError> {
        match call.program {
            "systemd-run" => exited(run.0, run.1),
            "systemctl" => said(show),
            _ => exited(1, "not known here"),
        }
    })
}

fn spec() -> UnitSpec {
    UnitSpec::new("apt-get", ["install"])
}

#[tokio::test(start_paused = true)]
async fn a_name_that_exists_already_is_refused_and_its_log_stays() {
    let record = format!(
        r#"{{"boot":"{BOOT}","at":"2026-11-22T09:15:12Z","result":"success","code":"exited","status":"0"}}"#
    );
    for (show, exit, words) in [
        (RUNS, None, "runs on this node already"),
        (FAILED, None, "has failed on this node before"),
        (NONE, Some(record), "has ended on this node before"),
    ] {
        let bench = bench(show, (0, ""));
        bench.files.put(paths::op_log(&op()), b"what it said\n");
        if let Some(exit) = exit {
            bench.files.put(paths::op_exit(&op()), exit.as_bytes());
        }
        let failure = bench.node().units.start(&op(), &spec()).await.unwrap_err();
        assert_eq!(failure.code, "unit-exists");
        assert!(
            failure.message.contains(words) && failure.message.contains("podlift retry"),
            "{}",
            failure.message
        );
        assert_eq!(bench.files.text(paths::op_log(&op())), "what it said\n");
        assert_eq!(bench.commands.count("systemd-run"), 0);
    }
    let raced = bench(NONE, (1, TAKEN)).node().units.start(&op(), &spec()).await.unwrap_err();
    assert_eq!(raced.code, "unit-exists");
}

/// systemd-run exits 1 for a unit whose recorder fails at once, though the program has run.
#[tokio::test(start_paused = true)]
async fn a_unit_that_ran_is_followed_whatever_systemd_run_says() {
    let bench = Bench::new({
        let ran = std::sync::atomic::AtomicBool::new(false);
        move |call: &Invocation| match call.program {
            "systemd-run" => {
                ran.store(true, std::sync::atomic::Ordering::Relaxed);
                exited(1, "Job for podlift-op-1.service failed.")
            }
            "systemctl" => said(if ran.load(std::sync::atomic::Ordering::Relaxed) { FAILED } else { NONE }),
            _ => exited(1, "not known here"),
        }
    });
    let node = bench.node();
    node.units.start(&op(), &spec()).await.unwrap();
    let Ended::Exited(exit) = node.units.wait(&op(), |_| ()).await else { panic!("an end") };
    assert!(exit.success(), "{exit:?}");
    assert_eq!(
        read_exit(bench.files.as_ref(), &op()).unwrap(),
        Some(exit),
        "systemd forgets, the disk does not"
    );
    let never = bench_of_nothing().node().units.start(&op(), &spec()).await.unwrap_err();
    assert_eq!(never.code, "unit-not-started");
}

fn bench_of_nothing() -> Bench {
    bench(NONE, (1, "Failed to find executable apt-get: No such file or directory"))
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_ended_is_asked_by_a_signal_that_nobody_heeds() {
    let bench = bench(NONE, (0, ""));
    let node = bench.node();
    let call = |calls: Vec<String>| calls.into_iter().rfind(|c| c.starts_with("systemd-run")).unwrap();
    node.units.start(&op(), &spec()).await.unwrap();
    let free = call(bench.commands.calls());
    assert!(free.contains("KillSignal=SIGCONT") && free.contains("TimeoutStopSec=600"), "{free}");
    assert!(!free.contains("RuntimeMaxSec") && !free.contains("--no-block"), "{free}");
    node.units.start(&op(), &spec().limit(Duration::from_secs(9))).await.unwrap();
    let limited = call(bench.commands.calls());
    assert!(limited.contains("RuntimeMaxSec=9") && !limited.contains("KillSignal"), "{limited}");
    node.units.start(&op(), &spec().after(&["dpkg", "--configure", "-a", "50%"])).await.unwrap();
    let first = call(bench.commands.calls());
    assert!(first.contains("--property=ExecStartPre=dpkg --configure -a \"50%%\" "), "{first}");
    assert!(first.contains("--no-block") && first.contains("TimeoutStartSec=infinity"), "{first}");
    // systemd does not look there.
    let tool = "/cm/local/apps/cmd/bin/cm-chroot-sw-img";
    bench.files.put(tool, b"");
    node.units.start(&op(), &spec().after(&["cm-chroot-sw-img", "/cm/images/x"])).await.unwrap();
    let found = call(bench.commands.calls());
    assert!(found.contains(&format!("--property=ExecStartPre={tool} /cm/images/x ")), "{found}");
}
