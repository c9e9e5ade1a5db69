//! The scripts of deploy/ over doubles of the tools that they call: what they do, and what they refuse.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test starts scripts and writes its own files

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

/// A machine whose tools are shell scripts; each writes its argv into a log first.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(tools: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("bin")).unwrap();
        for (name, script) in tools {
            let path = dir.path().join("bin").join(name);
            let text = format!("#!/bin/sh\necho \"{name} $*\" >> \"$BENCH/log\"\n{script}\n");
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { dir }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn put(&self, below: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }

    /// (ended well, stdout, stderr), with the bench's own folder called DIR.
    fn run(&self, script: &str, args: &[&str]) -> (bool, String, String) {
        let output = Command::new(deploy(script))
            .args(args.iter().map(|a| a.replace("DIR", &self.dir.path().display().to_string())))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("BENCH", self.dir.path())
            // Of the packages' scripts: dpkg's word for another root.
            .env("DPKG_ROOT", self.path("root"))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&self.dir.path().display().to_string(), "DIR")
        };
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        text.replace(&self.dir.path().display().to_string(), "DIR").lines().map(String::from).collect()
    }
}

/// A head node with one unlocked image.
fn head() -> Bench {
    let cmsh = r#"case "$*" in
        *"get path"*) echo "$BENCH/image (default)" ;;
        *islocked*) cat "$BENCH/locked" ;;
    esac"#;
    let chroot = r#"case "$*" in
        *dpkg*) mkdir -p "$1/usr/bin"; touch "$1/usr/bin/podlift-agent"; chmod +x "$1/usr/bin/podlift-agent" ;;
        *enable*) mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
                  ln -s /x "$1/etc/systemd/system/multi-user.target.wants/podlift-agent.service" ;;
    esac"#;
    let bench = Bench::new(&[("cmsh", cmsh), ("cm-chroot-sw-img", chroot)]);
    bench.put("image/var/lib/dpkg/status");
    bench.put("image/var/tmp/other");
    bench.put("podlift-agent_0.1.0-1_amd64.deb");
    std::fs::write(bench.path("locked"), "no\n").unwrap();
    bench
}

const INSTALL: &str = "bcm/install-into-image";
const ASKED: [&str; 4] = ["--image", "dgx-image", "--deb", "DIR/podlift-agent_0.1.0-1_amd64.deb"];

#[test]
fn the_agent_goes_into_an_image_and_the_terms_are_told() {
    let bench = head();
    let (well, out, err) = bench.run(INSTALL, &ASKED);
    assert!(well, "{err}");
    assert_eq!(
        bench.log(),
        [
            "cmsh -n -q --hide-events --color no -c softwareimage use dgx-image; get path",
            "cmsh -n -q --hide-events --color no -c softwareimage islocked dgx-image",
            "cm-chroot-sw-img DIR/image dpkg -i /var/tmp/podlift-agent_0.1.0-1_amd64.deb",
            "cm-chroot-sw-img DIR/image systemctl enable podlift-agent.service",
        ]
    );
    for term in [
        "- /etc/machine-id\n",
        "- /etc/podlift/*\n",
        "- /var/lib/podlift/*\n",
        "excludelistgrabnew",
        "updateprovisioners",
        "imageupdate -n NODE -w",
    ] {
        assert!(out.contains(term), "{term} is not in {out}");
    }
    let left: Vec<_> = std::fs::read_dir(bench.path("image/var/tmp")).unwrap().collect();
    assert_eq!(left.len(), 1, "the package is not left behind in the image");
}

#[test]
fn a_dry_run_only_shows() {
    let bench = head();
    let args = [&["--dry-run", "--clone-from", "default-image"], &ASKED[..]].concat();
    let (well, out, err) = bench.run(INSTALL, &args);
    assert!(well && bench.log().is_empty(), "{err}");
    let shown: Vec<&str> = out.lines().filter(|l| l.starts_with('+')).collect();
    assert_eq!(
        shown,
        [
            "+ cmsh -n -q --hide-events --color no -c softwareimage; clone default-image dgx-image; commit -w",
            "+ install -m 0644 DIR/podlift-agent_0.1.0-1_amd64.deb /cm/images/dgx-image/var/tmp/podlift-agent_0.1.0-1_amd64.deb",
            "+ cm-chroot-sw-img /cm/images/dgx-image dpkg -i /var/tmp/podlift-agent_0.1.0-1_amd64.deb",
            "+ cm-chroot-sw-img /cm/images/dgx-image systemctl enable podlift-agent.service",
            "+ rm -f /cm/images/dgx-image/var/tmp/podlift-agent_0.1.0-1_amd64.deb",
        ]
    );
}

#[test]
fn an_image_that_may_not_be_changed_is_left_alone() {
    for (locked, want) in
        [("yes", "is locked"), ("", "does not say that it is not"), ("node010", "it said: \"node010\"")]
    {
        let bench = head();
        std::fs::write(bench.path("locked"), locked).unwrap();
        let (well, _, err) = bench.run(INSTALL, &ASKED);
        assert!(!well && err.contains(want), "{err}");
        assert!(bench.log().iter().all(|l| !l.starts_with("cm-chroot")), "{:?}", bench.log());
    }
    let bench = head();
    for name in ["x; !id", "-x", "a b", ""] {
        let (well, _, err) = bench.run(INSTALL, &["--image", name, "--deb", "DIR/podlift-agent_1_amd64.deb"]);
        assert!(!well && !err.is_empty(), "{name:?} was taken");
    }
    assert!(bench.log().is_empty(), "{:?}", bench.log());
}

#[test]
fn one_nodes_own_files_do_not_become_every_nodes() {
    let bench = head();
    bench.put("image/etc/podlift/agent.toml");
    let (well, _, err) = bench.run(INSTALL, &ASKED);
    assert!(!well && err.contains("DIR/image/etc/podlift/agent.toml is in the image"), "{err}");
    // Of an image that was grabbed from a node.
    let bench = head();
    let own = [
        "etc/podlift/tls/agent.key",
        "var/lib/podlift/ledger",
        "var/lib/podlift/heal/expectations.json",
        "etc/machine-id",
    ];
    own.iter().for_each(|file| bench.put(&format!("image/{file}")));
    bench.put("image/etc/podlift/tls/ca.crt");
    let (well, out, err) = bench.run(INSTALL, &ASKED);
    assert!(
        well && out.contains("cleared, because it is one machine's own: DIR/image/etc/machine-id"),
        "{out}{err}"
    );
    let left = |file: &str| std::fs::read(bench.path(&format!("image/{file}"))).ok();
    assert_eq!(own.map(left), [None, None, None, Some(vec![])]);
    assert!(left("etc/podlift/tls/ca.crt").is_some(), "the authority is readable for all");
}

#[test]
fn a_tool_that_says_success_and_did_nothing_is_seen() {
    let bench = head();
    std::fs::write(bench.path("bin/cm-chroot-sw-img"), "#!/bin/sh\nexit 0\n").unwrap();
    let (well, _, err) = bench.run(INSTALL, &ASKED);
    assert!(!well && err.contains("podlift-agent is not there after the installation"), "{err}");
}

#[test]
fn a_program_for_a_newer_glibc_is_refused() {
    let of = |versions: &str| {
        let bench = Bench::new(&[(
            "objdump",
            &format!("for v in {versions}; do echo \"0 DF *UND* 0 (GLIBC_$v) f\"; done"),
        )]);
        bench.run("check-glibc", &["program"])
    };
    for good in ["2.2.5 2.34", "2.35 2.4", "2.9"] {
        let (well, out, err) = of(good);
        assert!(well && out.starts_with("program: glibc 2."), "{good}: {out}{err}");
    }
    for bad in ["2.34 2.36", "2.35.1", "2.100"] {
        let (well, _, err) = of(bad);
        assert!(!well && err.contains("Ubuntu 22.04 has 2.35"), "{bad}: {err}");
    }
    let (well, _, err) = of("");
    assert!(!well && err.contains("no version of glibc"), "{err}");
}

#[test]
fn every_script_can_be_read_by_its_shell() {
    let scripts = ["agent", "podlift"]
        .iter()
        .flat_map(|p| ["preinst", "postinst", "prerm", "postrm"].map(|s| format!("debian/{p}/{s}")));
    for script in scripts.chain(["package".into(), "check-glibc".into(), INSTALL.into()]) {
        let path = deploy(&script);
        let first = std::fs::read_to_string(&path).unwrap();
        let shell = if first.starts_with("#!/bin/sh\n") { "sh" } else { "bash" };
        let output = Command::new(shell).arg("-n").arg(&path).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o111,
            0o111,
            "{script} can't be run"
        );
        let touched =
            first.lines().filter(|l| !l.trim_start().starts_with('#')).any(|l| l.contains("/etc/kubernetes"));
        assert!(
            !script.starts_with("debian/") || !touched,
            "{script}: a package has no business in /etc/kubernetes"
        );
    }
}

/// Files below the root that are left, in order.
fn left(bench: &Bench) -> Vec<String> {
    let root = bench.path("root");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(dir) = folders.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path().strip_prefix(&root).unwrap().display().to_string()),
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_purge_of_the_agent_forgets_its_memory_and_keeps_what_is_a_persons() {
    let bench = Bench::new(&[("systemctl", ""), ("deb-systemd-helper", "")]);
    let kept = [
        "etc/kubernetes/manifests/kube-apiserver.yaml",
        "etc/podlift/tls/agent.key",
        "var/lib/podlift/backup/r1/etcd.db",
    ];
    let memory = [
        "ledger",
        "ops/op-1.exit",
        "heal/pairs.json",
        "apt-probe/lists/x",
        "patches/etcd0.yaml",
        "spool/op-1/etcd.db.age",
    ];
    let memory = memory.map(|file| format!("var/lib/podlift/{file}"));
    for file in kept.iter().copied().chain(memory.iter().map(String::as_str)) {
        bench.put(&format!("root/{file}"));
    }
    std::fs::create_dir_all(bench.path("root/run/systemd/system")).unwrap();
    let before = left(&bench);
    for verb in ["upgrade", "remove"] {
        assert!(bench.run("debian/agent/postrm", &[verb]).0);
        assert_eq!(left(&bench), before, "{verb}");
    }
    let (well, out, err) = bench.run("debian/agent/postrm", &["purge"]);
    assert!(well && err.is_empty(), "{err}");
    assert_eq!(left(&bench), kept);
    assert!(
        out.contains("kept DIR/root/var/lib/podlift/backup")
            && out.contains("kept what you put into DIR/root/etc/podlift"),
        "{out}"
    );
    assert_eq!(
        bench.log(),
        [
            "systemctl --system daemon-reload",
            "systemctl --system daemon-reload",
            "deb-systemd-helper purge podlift-agent.service",
            "deb-systemd-helper unmask podlift-agent.service",
        ]
    );
}

#[test]
fn a_purge_leaves_no_folder_that_is_empty() {
    let bench = Bench::new(&[("deb-systemd-helper", "")]);
    for file in ["var/lib/podlift/patches/kubelet0.yaml", "var/lib/podlift/spool/x", "var/lib/other"] {
        bench.put(&format!("root/{file}"));
    }
    std::fs::create_dir_all(bench.path("root/etc/podlift")).unwrap();
    let (well, out, _) = bench.run("debian/agent/postrm", &["purge"]);
    assert!(well && out.is_empty(), "{out}");
    assert!(!bench.path("root/var/lib/podlift").exists() && !bench.path("root/etc/podlift").exists());
    assert_eq!(left(&bench), ["var/lib/other"]);
    // Twice is once.
    assert!(bench.run("debian/agent/postrm", &["purge"]).0);
}

/// Each agent's session is an open file, and so is each eviction that is under way; systemd's usual limit is 1024.
#[test]
fn the_coordinator_may_hold_a_session_for_every_node() {
    let unit = std::fs::read_to_string(deploy("systemd/podlift-coordinator.service")).unwrap();
    let limit = unit.lines().find_map(|line| line.strip_prefix("LimitNOFILE="));
    let limit: u32 = limit.unwrap_or("0").parse().unwrap();
    assert!(limit >= 10_000 + 64 * 100, "{limit}");
}
