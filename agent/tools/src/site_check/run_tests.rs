//! Checks as real processes. A stand-in for systemd-run starts the program behind `--` in the caller's process group, keeps what systemd
//! would remember of a failure, and nothing else; `systemctl` shows it and writes down what it is asked.
#![allow(clippy::disallowed_methods)] // the tests make the files of a node

use super::*;
use crate::site_check::{FOLDER, find, load};
use podlift_host::testing::{Fakes, exited, said};
use podlift_model::site_check::CheckSeverity;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

const SYSTEMD_RUN: &str = r#"#!/bin/sh
here=$(dirname "$0")
while [ "$1" != -- ]; do
  case $1 in
    --setenv=*) export "${1#--setenv=}" ;;
  esac
  shift
done
shift
"$@"
code=$?
[ $code = 0 ] || printf 'LoadState=loaded\nResult=exit-code\nExecMainCode=1\nExecMainStatus=%s\n' $code >"$here/remembered"
exit $code
"#;
const SYSTEMCTL: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$1 $(eval echo \$$#)" >>"$here/asked"
[ "$1" != show ] || cat "$here/remembered"
"#;

struct Rig {
    root: tempfile::TempDir,
    host: Host,
}

impl Rig {
    /// A head node with a shell and a Python, and with these programs besides systemd's.
    fn new(programs: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let own = [("systemd-run", SYSTEMD_RUN), ("systemctl", SYSTEMCTL)];
        for (name, text) in own.iter().chain(programs) {
            place(&root.path().join("bin").join(name), text);
        }
        // The agent looks at interpreters below its root, and the stand-in starts those of this machine.
        for interpreter in ["/bin/sh", "/usr/bin/python3"] {
            let at = root.path().join(&interpreter[1..]);
            assert!(
                PathBuf::from(interpreter).exists(),
                "this test needs {interpreter}: apt-get install python3"
            );
            place(&at, "");
        }
        let path = ["bin", "usr/bin"].map(|dir| root.path().join(dir));
        let path = path.into_iter().chain(["/usr/bin".into(), "/bin".into()]).collect::<Vec<_>>();
        let host = podlift_host::real::host(root.path(), &path).unwrap();
        Self { root, host }
    }

    fn put(&self, name: &str, script: &str, settings: &str) {
        let folder = self.root.path().join(&FOLDER[1..]);
        place(&folder.join(name), script);
        let settings_file = folder.join(format!("{name}.toml"));
        fs::write(&settings_file, settings).unwrap();
        fs::set_permissions(&settings_file, fs::Permissions::from_mode(0o644)).unwrap();
    }

    async fn run(&self, name: &str) -> SiteCheckResult {
        let check = load(self.host.files.as_ref(), &name.parse().unwrap()).unwrap();
        let path = format!("{}:/usr/bin:/bin", self.root.path().join("bin").display());
        run(&self.host, &path, &check).await.unwrap()
    }

    /// A script of the shell.
    async fn shell(script: &str, settings: &str) -> (Self, SiteCheckResult) {
        let rig = Self::new(&[]);
        rig.put("a.sh", script, &format!("interpreter = \"/bin/sh\"\n{settings}"));
        let result = rig.run("a.sh").await;
        (rig, result)
    }

    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.root.path().join("bin/asked")).unwrap_or_default();
        asked.lines().map(String::from).collect()
    }
}

/// An executable file of this process' user, in folders that nobody else can write to.
fn place(path: &std::path::Path, text: &str) {
    let parent = path.parent().unwrap();
    fs::create_dir_all(parent).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let above = parent
        .ancestors()
        .take_while(|dir| dir.starts_with(std::env::temp_dir()) && *dir != std::env::temp_dir());
    for dir in above {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

const UNIT: &str = "podlift-check-a.sh.service";

#[tokio::test]
async fn a_check_that_ends_by_itself() {
    let (rig, result) = Rig::shell("echo \"$1 in $HOME\"; echo oh >&2\n", "args = [\"all fine\"]\n").await;
    assert!(result.passed(), "{result:?}");
    assert_eq!((result.stdout.as_str(), result.stderr.as_str()), ("all fine in /tmp\n", "oh\n"));
    assert_eq!(result.sha256, Digest::of("echo \"$1 in $HOME\"; echo oh >&2\n"));
    let cleared = ["stop", "reset-failed", "stop", "reset-failed"].map(|verb| format!("{verb} {UNIT}"));
    assert_eq!(rig.asked(), cleared, "before and after");
    for code in [1, 3] {
        let (_, result) = Rig::shell(&format!("exit {code}\n"), "severity = \"warning\"\n").await;
        assert_eq!((result.exit_code, result.severity), (Some(code), CheckSeverity::Warning));
        assert!(!result.passed() && result.killed_by.is_none(), "{result:?}");
    }
}

#[tokio::test]
async fn a_check_that_hangs_is_ended_with_its_unit() {
    let (rig, result) = Rig::shell("echo begun; tail -f /dev/null\n", "timeout-seconds = 1\n").await;
    assert_eq!((result.killed_by, result.exit_code), (Some(KilledBy::Time), None));
    assert_eq!(result.stdout, "begun\n");
    assert!(result.milliseconds >= 1000, "{}", result.milliseconds);
    assert_eq!(rig.asked().last(), Some(&format!("reset-failed {UNIT}")));
    assert!(rig.asked().iter().filter(|a| a.starts_with("stop ")).count() == 2, "{:?}", rig.asked());
}

#[tokio::test]
async fn a_check_that_floods_is_ended_and_its_last_words_are_kept() {
    let (_, result) = Rig::shell("echo first; while :; do echo 0123456789abcdef; done\n", "").await;
    assert_eq!((result.killed_by, result.exit_code), (Some(KilledBy::Output), None));
    assert_eq!(result.stdout.len(), KEPT_BYTES);
    assert!(!result.stdout.contains("first"));
    let (_, quiet) = Rig::shell("head -c 1048576 /dev/zero | tr '\\0' x\n", "").await;
    assert_eq!((quiet.passed(), quiet.stdout.len()), (true, KEPT_BYTES), "as much as it may");
}

/// systemd ends what is left of a unit (`KillMode=control-group`, which `argv` asks for). The agent neither waits for it nor hangs.
#[tokio::test]
async fn a_check_that_forks_away_is_not_waited_for_and_its_unit_is_stopped() {
    let rig = Rig::new(&[]);
    let gate = rig.root.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let script = format!("setsid cat {} & echo forked\n", gate.display());
    rig.put("a.sh", &script, "interpreter = \"/bin/sh\"\n");
    let result = rig.run("a.sh").await;
    assert_eq!((result.exit_code, result.stdout.as_str()), (Some(0), "forked\n"));
    let stops = rig.asked().iter().filter(|a| a.starts_with("stop ")).count();
    assert_eq!(stops, 2);
    drop(fs::OpenOptions::new().write(true).open(&gate).unwrap());
}

/// A file that is replaced after it was judged is not the one that runs.
#[tokio::test]
async fn what_was_judged_is_what_runs() {
    let rig = Rig::new(&[]);
    rig.put("a.sh", "echo judged\n", "interpreter = \"/bin/sh\"\n");
    let check = load(rig.host.files.as_ref(), &"a.sh".parse().unwrap()).unwrap();
    rig.put("a.sh", "echo another\n", "interpreter = \"/bin/sh\"\n");
    let result = run(&rig.host, "/usr/bin:/bin", &check).await.unwrap();
    assert_eq!(result.stdout, "judged\n");
}

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../../tests/fixtures/checks.d/", $name)),
            include_str!(concat!("../../../../tests/fixtures/checks.d/", $name, ".toml")),
        )
    };
}
const RUNBOOK: [(&str, &str, &str); 3] = [
    fixture!("healthcheck_ingress-nginx.py"),
    fixture!("healthcheck_storage.py"),
    fixture!("b200_runai_nccl_test.py"),
];
/// A cluster in which all is well, but for the number of nodes with GPUs.
const KUBECTL: &str = r#"#!/bin/sh
case "$*" in
  "get pods -n ingress-nginx -o json") echo '{"items":[{"metadata":{"name":"a"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}]}' ;;
  "get service ingress-nginx-controller "*) echo '{"status":{"loadBalancer":{"ingress":[{"ip":"10.141.0.80"}]}}}' ;;
  "get storageclasses "*) echo '{"items":[{"metadata":{"name":"nfs","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}]}' ;;
  "get persistentvolumeclaims "*) echo '{"items":[]}' ;;
  "get namespace runai-test "*) echo '{}' ;;
  "get nodes "*) echo '{"items":[{"metadata":{"name":"dgx030"},"status":{"allocatable":{"nvidia.com/gpu":"GPUS"}}}]}' ;;
  *) echo "not asked here: $*" >&2; exit 9 ;;
esac
"#;

#[tokio::test]
async fn the_runbooks_scripts_run_unchanged() {
    for (gpus, nccl) in [("8", Some(0)), ("7", Some(3))] {
        let kubectl = KUBECTL.replace("GPUS", gpus);
        let rig = Rig::new(&[("kubectl", &kubectl)]);
        for (name, script, settings) in RUNBOOK {
            rig.put(name, script, settings);
        }
        let listed = find(rig.host.files.as_ref()).unwrap();
        assert_eq!(listed.iter().filter_map(|view| view.runnable()).count(), 3, "{listed:?}");
        let mut said = Vec::new();
        for (name, ..) in RUNBOOK {
            let result = rig.run(name).await;
            let want = if name.starts_with("b200") { nccl } else { Some(0) };
            assert_eq!(result.exit_code, want, "{result:?}");
            said.push(if result.passed() { result.stdout } else { result.stderr });
        }
        let last = if gpus == "8" {
            "OK: 1 of 1 nodes for project test\n"
        } else {
            "FAIL: 0 nodes offer 8 GPUs, expected 1\n"
        };
        assert_eq!(
            said,
            ["OK: 1 pods ready, address 10.141.0.80\n", "OK: storage class nfs, 0 claims bound\n", last]
        );
    }
}

/// Answers of systemd 252 to a unit that was not, and to one that was ended.
#[tokio::test(start_paused = true)]
async fn an_end_that_is_not_the_scripts_own() {
    const GONE: &str = "LoadState=not-found\nResult=success\nExecMainCode=0\nExecMainStatus=0\n";
    let shown = |result: &str, code: u8, status: u8| {
        format!("LoadState=loaded\nResult={result}\nExecMainCode={code}\nExecMainStatus={status}\n")
    };
    let end = async |code: i32, stderr: &'static str, show: String| {
        let fakes = Fakes::new(move |call| match call.program {
            "systemd-run" => exited(code, stderr),
            "systemctl" if call.args[0] == "show" => said(&show),
            _ => said(""),
        });
        fakes.files.put("/bin/sh", b"");
        fakes.files.restat("/bin/sh", |stat| stat.mode = 0o755);
        fakes.files.put(format!("{FOLDER}/a.sh"), b"exit 0\n");
        fakes.files.put(format!("{FOLDER}/a.sh.toml"), b"interpreter = \"/bin/sh\"\n");
        let check = load(fakes.host.files.as_ref(), &"a.sh".parse().unwrap()).unwrap();
        let result = run(&fakes.host, "/bin", &check).await;
        assert!(fakes.commands.calls().last().unwrap().starts_with("systemctl reset-failed "));
        result
    };
    let refused = "Failed to start transient service unit: Access denied";
    let failure = end(1, refused, GONE.into()).await.unwrap_err();
    assert_eq!(failure.code, codes::SITE_CHECK_NOT_STARTED);
    assert!(failure.message.contains("journalctl -u podlift-check-a.sh.service, then podlift validate"));
    assert_eq!(failure.detail, refused);
    let failure = end(217, "", shown("exit-code", 1, 217)).await.unwrap_err();
    assert!(failure.message.contains("systemd could not set it up (exit code 217)"), "{}", failure.message);
    for (code, show, exit_code, killed_by, ended_by) in [
        (1, shown("exit-code", 1, 1), Some(1), None, None),
        (255, shown("exit-code", 1, 255), Some(255), None, None),
        (3, shown("exit-code", 1, 3), Some(3), None, None),
        (3, GONE.to_string(), Some(3), None, None),
        (1, shown("timeout", 1, 0), Some(0), None, None),
        (255, shown("timeout", 2, 15), None, Some(KilledBy::Time), None),
        (255, shown("signal", 2, 11), None, None, Some("signal 11")),
        (255, shown("oom-kill", 2, 9), None, None, Some("oom-kill")),
    ] {
        let result = end(code, "", show).await.unwrap();
        let got = (result.exit_code, result.killed_by, result.ended_by.as_deref());
        assert_eq!(got, (exit_code, killed_by, ended_by));
    }
}

#[tokio::test(start_paused = true)]
async fn a_kubeconfig_of_somebody_else_is_not_handed_out() {
    let node = |uid: u32| {
        let fakes = Fakes::new(|_| said(""));
        fakes.files.put("/bin/sh", b"");
        fakes.files.restat("/bin/sh", |stat| stat.mode = 0o755);
        fakes.files.put(format!("{FOLDER}/a.sh"), b"exit 0\n");
        fakes.files.put(format!("{FOLDER}/a.sh.toml"), b"interpreter = \"/bin/sh\"\n");
        fakes.files.put(KUBECONFIG, b"apiVersion: v1\n");
        fakes.files.restat(KUBECONFIG, |stat| stat.uid = uid);
        fakes
    };
    let check = |fakes: &Fakes| load(fakes.host.files.as_ref(), &"a.sh".parse().unwrap()).unwrap();
    let own = node(0);
    run(&own.host, "/bin", &check(&own)).await.unwrap();
    let call = own.commands.calls().into_iter().find(|call| call.starts_with("systemd-run")).unwrap();
    assert!(call.contains("LoadCredential=kubeconfig:/etc/podlift/checks.kubeconfig"), "{call}");
    let other = node(1000);
    let refused = run(&other.host, "/bin", &check(&other)).await.unwrap_err();
    assert_eq!(refused.code, codes::SITE_CHECK_REFUSED);
    assert!(refused.message.contains("checks.kubeconfig belongs to user 1000"), "{}", refused.message);
    assert_eq!(other.commands.calls(), Vec::<String>::new());
}
