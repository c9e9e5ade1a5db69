//! The transient unit of a check, as words for systemd-run. Pure.

use super::{Check, KUBECONFIG, SPARE, USER};
use podlift_model::CheckName;

/// What the check may not do, and what systemd takes away when it ends.
const PROPERTIES: [&str; 25] = [
    // Everything that it started ends with it.
    "KillMode=control-group",
    "TimeoutStopSec=5",
    "DynamicUser=yes",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "TasksMax=512",
    "MemoryMax=2G",
    "LimitCORE=0",
    "WorkingDirectory=/tmp",
];

/// `podlift-check-NAME.service`.
pub fn unit_name(name: &CheckName) -> String {
    format!("podlift-check-{name}.service")
}

/// `path` is the value of PATH. The unit keeps its outcome after a failure, so that it can be asked for.
pub fn argv(check: &Check, path: &str, kubeconfig: bool) -> Vec<String> {
    let (unit, settings) = (unit_name(&check.name), &check.settings);
    let mut argv = ["--quiet", "--wait", "--pipe", "--service-type=exec"].map(String::from).to_vec();
    argv.push(format!("--unit={unit}"));
    argv.push(format!("--description=podlift site check {}", check.name));
    argv.extend(PROPERTIES.iter().map(|property| format!("--property={property}")));
    argv.push(format!("--property=User={USER}"));
    let end = u64::from(settings.timeout_seconds) + SPARE.as_secs();
    argv.push(format!("--property=RuntimeMaxSec={end}"));
    argv.push("--setenv=LC_ALL=C.UTF-8".into());
    argv.push("--setenv=HOME=/tmp".into());
    argv.push(format!("--setenv=PATH={path}"));
    if kubeconfig {
        argv.push(format!("--property=LoadCredential=kubeconfig:{KUBECONFIG}"));
        argv.push(format!("--setenv=KUBECONFIG=/run/credentials/{unit}/kubeconfig"));
    }
    argv.extend(["--".into(), settings.interpreter.clone(), "/dev/fd/0".into()]);
    // systemd expands variables in arguments.
    argv.extend(settings.args.iter().map(|arg| arg.replace('$', "$$")));
    argv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site_check::settings::Settings;
    use podlift_model::site_check::CheckSeverity;

    fn check() -> Check {
        let settings = Settings {
            interpreter: "/usr/bin/python3".into(),
            args: vec!["--project".into(), "$HOME and 5%".into()],
            timeout_seconds: 60,
            severity: CheckSeverity::Blocker,
        };
        Check { name: "b200_runai_nccl_test.py".parse().unwrap(), script: Vec::new(), settings }
    }

    #[test]
    fn the_whole_call() {
        let words = argv(&check(), "/usr/bin:/bin", true);
        let split = words.iter().position(|word| word == "--").unwrap();
        assert_eq!(words[split..], ["--", "/usr/bin/python3", "/dev/fd/0", "--project", "$$HOME and 5%"]);
        let want = [
            "--quiet",
            "--wait",
            "--pipe",
            "--service-type=exec",
            "--unit=podlift-check-b200_runai_nccl_test.py.service",
            "--description=podlift site check b200_runai_nccl_test.py",
        ];
        assert_eq!(words[..want.len()], want);
        let own = &words[want.len() + PROPERTIES.len()..split];
        let want = [
            "--property=User=podlift-check",
            "--property=RuntimeMaxSec=90",
            "--setenv=LC_ALL=C.UTF-8",
            "--setenv=HOME=/tmp",
            "--setenv=PATH=/usr/bin:/bin",
            "--property=LoadCredential=kubeconfig:/etc/podlift/checks.kubeconfig",
            "--setenv=KUBECONFIG=/run/credentials/podlift-check-b200_runai_nccl_test.py.service/kubeconfig",
        ];
        assert_eq!(own, want);
    }

    #[test]
    fn it_is_nobody_that_matters_and_leaves_nothing_behind() {
        let words = argv(&check(), "/bin", false);
        for property in [
            "DynamicUser=yes",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "KillMode=control-group",
            "CapabilityBoundingSet=",
        ] {
            assert!(words.contains(&format!("--property={property}")), "{property}");
        }
        let text = words.join(" ");
        for other in ["KUBECONFIG", "LoadCredential", "--collect", "User=root"] {
            assert!(!text.contains(other), "{other}: {text}");
        }
    }
}
