//! The restart of the kubelet, and the checks after it.

use super::{act, bench};
use crate::testing::said;
use podlift_model::HostOp;
use std::sync::{Arc, Mutex};

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_dies_of_its_restart_is_a_failure() {
    for (state, fine) in [("active", true), ("activating", false)] {
        let b = bench(move |call| {
            if call.args[0] == "is-active" { said(state) } else { said("ActiveEnterTimestampMonotonic=0\n") }
        });
        let result = act(&b.node(), HostOp::KubeletRestart { devices: None }).await;
        assert_eq!(result.is_ok(), fine, "{state}");
        let order: Vec<String> = b
            .commands
            .calls()
            .into_iter()
            .filter(|c| !c.contains("show") && !c.contains("is-active"))
            .collect();
        assert_eq!(order, ["systemctl daemon-reload", "systemctl restart kubelet"]);
    }
}

/// Case 56, after the restart: systemd started the kubelet with other flags than the files have.
#[tokio::test(start_paused = true)]
async fn a_kubelet_that_starts_with_other_flags_than_its_files_say_is_a_failure() {
    let cases = [
        ("--v=2", "--v=2", None),
        ("--v=2", "--v=4", Some("it runs with --v=4, and /etc/default/kubelet says --v=2")),
        ("", "--v=4", Some("it runs with --v=4, and no unit, drop-in or environment file says it")),
        ("--v=2", "", Some("it runs without --v, and /etc/default/kubelet says --v=2")),
        // The difference existed before the restart, so the restart did not cause it.
        ("--v=2", "--v=3", None),
    ];
    for (files, started, want) in cases {
        let pid = Arc::new(Mutex::new("1\n"));
        let now = pid.clone();
        let b = bench(move |call| match call.args[0].as_str() {
            "is-active" => said("active"),
            "restart" => {
                *now.lock().unwrap() = "2\n";
                said("")
            }
            "show" if call.args.contains(&"MainPID".to_string()) => said(*now.lock().unwrap()),
            _ => said(""),
        });
        b.files.put("/etc/default/kubelet", format!("KUBELET_EXTRA_ARGS={files}\n").as_bytes());
        b.files.put("/proc/1/cmdline", b"/usr/bin/kubelet\0--v=3\0");
        b.files.put(
            "/proc/2/cmdline",
            format!("/usr/bin/kubelet\0{started}\0").replace("\0\0", "\0").as_bytes(),
        );
        let result = act(&b.node(), HostOp::KubeletRestart { devices: None }).await;
        assert_eq!(*pid.lock().unwrap(), "2\n", "it was restarted");
        match (want, result.err()) {
            (None, failure) => assert_eq!(failure, None, "{files} {started}"),
            (Some(want), failure) => {
                let failure = failure.unwrap();
                assert_eq!(failure.code, "kubelet-flags");
                assert!(failure.message.contains(want), "{}", failure.message);
            }
        }
    }
}
