//! A node on the disk, with scripts as commands that write where the real ones would: an apt without the options of the private root
//! changes the node's own lists, and a download goes to the working directory.
#![allow(clippy::disallowed_methods)] // it makes the disk that the ports are tried on

use base64::Engine as _;
use podlift_host::paths;
use podlift_host::testing::{LIVE_API, LIVE_KCM, LIVE_SCHEDULER};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

const APT: &str = r#"
lists=$ROOT/var/lib/apt/lists; cache=$ROOT/var/cache/apt
for a in "$@"; do case "$a" in
  Dir::State::Lists=*) lists=$ROOT${a#*=};;
  Dir::Cache=*) cache=$ROOT${a#*=};;
esac; done
mkdir -p "$lists" "$cache"; echo x > "$cache/pkgcache.bin"
grep -q Post-Invoke "$ROOT${APT_CONFIG:-/etc/apt/apt.conf}" && echo x > "$ROOT/var/lib/apt/update-success-stamp"
case " $* " in
  *" update "*) echo x > "$lists/index";;
  *" -s "*) [ ! -f "$BIN/refused" ] || { cat "$BIN/refused"; exit 100; }; cat "$BIN/simulated.txt";;
  *" --print-uris "*) cat "$BIN/print-uris.txt";;
  *" download kubeadm=1.32.13-1.1 "*) case "$PWD" in "$ROOT"/*) ;; *) cd "$ROOT";; esac; echo deb > kubeadm_1.32.13-1.1_amd64.deb;;
  *) echo "E: $*" >&2; exit 100;;
esac"#;

const MADISON: &str = r#"
for p in kubeadm kubelet kubectl; do echo "$p | 1.32.13-1.1 | http://mirror/core:/stable:/v1.32/deb  Packages"; done"#;

const DPKG_DEB: &str = r#"
[ -f "$ROOT$2" ] || { echo "no such file" >&2; exit 2; }
mkdir -p "$ROOT$3/usr/bin"; cp "$BIN/target-kubeadm" "$ROOT$3/usr/bin/kubeadm""#;

const KUBEADM: &str = r#"case "$*" in
  "version -o short") echo v1.32.13;;
  "upgrade diff v1.32.13") cat "$BIN/diff.txt";;
  "config images list --kubernetes-version v1.32.13 --image-repository registry.k8s.io")
    echo registry.k8s.io/kube-apiserver:v1.32.13; echo registry.k8s.io/etcd:3.5.24-0; echo registry.k8s.io/pause:3.10;;
  *) echo "unknown $*" >&2; exit 1;;
esac"#;

pub struct Tree {
    root: tempfile::TempDir,
    commands: tempfile::TempDir,
}

/// Everything of one path that could change.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    mode: u32,
    /// Content of files and targets of links.
    content: Vec<u8>,
    changed: i64,
}

impl Tree {
    pub fn worker() -> Self {
        let tree = Self { root: tempfile::tempdir().unwrap(), commands: tempfile::tempdir().unwrap() };
        tree.commands();
        tree.system();
        tree.kubelet();
        tree
    }

    pub fn control_plane() -> Self {
        let tree = Self::worker();
        let manifests = [
            ("kube-apiserver", LIVE_API),
            ("kube-controller-manager", LIVE_KCM),
            ("kube-scheduler", LIVE_SCHEDULER),
        ];
        for (name, text) in manifests {
            tree.write(&format!("{}/{name}.yaml", paths::MANIFESTS), text);
        }
        tree.write("/etc/kubernetes/manifests/kube-apiserver.yaml.bak", LIVE_API);
        tree.write("/etc/kubernetes/manifests/notes.txt", "remember the milk");
        tree.write("/etc/kubernetes/manifests/.kubelet-keep", "");
        tree.write("/etc/kubernetes/patches/etcd0+merge.yaml", "metadata: {}\n");
        tree.write(
            "/etc/apt/sources.list.d/old.list",
            "deb https://apt.kubernetes.io/ kubernetes-xenial main\n",
        );
        let linked = tree.path("/etc/apt/sources.list.d/linked.list");
        symlink("/cm/shared/apt/site.list", linked).unwrap();
        let pki = "/etc/kubernetes/pki/runaicluster";
        tree.write(&format!("{pki}/ca.crt"), &certificate("kubernetes", (2036, 1, 1), true));
        tree.write(&format!("{pki}/apiserver.crt"), &certificate("kube-apiserver", (2027, 5, 6), false));
        let data =
            base64::engine::general_purpose::STANDARD.encode(certificate("admin", (2030, 1, 2), false));
        tree.write(
            "/etc/kubernetes/admin.conf",
            &format!("kind: Config\nusers:\n- name: admin\n  user:\n    client-certificate-data: {data}\n"),
        );
        tree.write("/etc/kubernetes/kubelet.conf", "users:\n- name: x\n  user:\n    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n");
        tree
    }

    fn commands(&self) {
        let fixtures = [
            ("simulated.txt", include_str!("../../../../../tests/fixtures/apt/simulated.txt")),
            ("print-uris.txt", include_str!("../../../../../tests/fixtures/apt/print-uris.txt")),
            ("audit.txt", include_str!("../../../../../tests/fixtures/apt/audit.txt")),
            ("diff.txt", recorded_diff()),
        ];
        for (name, text) in fixtures {
            std::fs::write(self.bin().join(name), text).unwrap();
        }
        for (program, text) in [
            ("apt-get", APT),
            ("apt-cache", MADISON),
            ("apt-config", "echo 'APT::Periodic::Unattended-Upgrade \"1\";'; cat $ROOT/etc/apt/apt.conf"),
            ("dpkg", "cat $BIN/audit.txt"),
            ("dpkg-deb", DPKG_DEB),
            ("target-kubeadm", KUBEADM),
            ("containerd", "echo containerd containerd.io 1.7.12 71909c"),
            ("crictl", r#"echo '{"images":[{"repoTags":["registry.k8s.io/kube-apiserver:v1.32.13"]}]}'"#),
            ("systemctl", "[ $1 = show ] && { echo 4242; exit; }; printf 'inactive\nactive\n'; exit 3"),
        ] {
            self.script(program, text);
        }
    }

    fn system(&self) {
        self.write(paths::MACHINE_ID, "machine-1\n");
        self.write(
            paths::APT_SOURCE,
            "deb [signed-by=/etc/apt/keyrings/k.gpg] https://pkgs.k8s.io/core:/stable:/v1.31/deb/ /\n",
        );
        self.write(
            "/etc/apt/apt.conf",
            "APT::Update::Post-Invoke:: \"touch /var/lib/apt/update-success-stamp\";\n",
        );
        self.write("/var/lib/apt/lists/own_InRelease", "the node's own");
        self.write("/var/cache/apt/pkgcache.bin", "the node's own");
        self.write(paths::DPKG_STATUS, "Package: kubelet\nStatus: hold ok installed\n");
        self.write("/usr/bin/unattended-upgrade", "");
        self.write("/usr/sbin/needrestart", "");
        self.write("/etc/needrestart/needrestart.conf", "$nrconf{restart} = 'i';\n");
        self.write("/etc/needrestart/conf.d/50-site.conf", "$nrconf{restart} = 'a';\n");
        self.write("/sys/class/infiniband/mlx5_0/uevent", "");
        self.write("/sys/class/infiniband/mlx5_1/uevent", "");
        self.write(
            "/proc/1/mountinfo",
            "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:8 / /usr ro - overlay overlay rw\n3 1 0:9 / /cm/shared rw - nfs master:/cm/shared rw\n",
        );
        self.write("/etc/containerd/config.toml", "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n");
        self.write("/etc/containerd/conf.d/99-nvidia.toml", "[plugins.\"io.containerd.grpc.v1.cri\"]\nenable_cdi = true\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.nvidia]\n");
    }

    fn kubelet(&self) {
        self.write("/etc/hostname", "runai-01\n");
        self.write("/proc/4242/cmdline", "/usr/bin/kubelet\0--node-ip=10.77.0.99\0");
        self.write(paths::KUBELET_CONFIG, "kind: KubeletConfiguration\nmaxPods: 250\n");
        self.write("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--node-ip=10.77.0.11\"\n");
        self.write("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=--v=2\n");
        let pki = "/var/lib/kubelet/pki";
        for (day, year) in [("2025-11-01-00-00-00", 2025), ("2026-11-01-00-00-00", 2026)] {
            self.write(
                &format!("{pki}/kubelet-client-{day}.pem"),
                &certificate("system:node:runai-01", (year, 12, 1), false),
            );
        }
        self.write(&format!("{pki}/kubelet.crt"), &certificate("self", (2020, 1, 1), false));
        let current = self.path(&format!("{pki}/kubelet-client-current.pem"));
        symlink(format!("{pki}/kubelet-client-2026-11-01-00-00-00.pem"), current).unwrap();
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn bin(&self) -> PathBuf {
        self.commands.path().into()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Makes a command of the node.
    pub fn script(&self, program: &str, text: &str) {
        let path = self.bin().join(program);
        let (root, bin) = (self.root().display(), self.bin());
        let text = format!("#!/bin/sh\nPATH=/usr/bin:/bin\nROOT={root}\nBIN={}\n{text}\n", bin.display());
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// apt finds no way to install, and prints this.
    pub fn refuse(&self, said: &str) {
        std::fs::write(self.bin().join("refused"), said).unwrap();
    }

    /// Everything of the node except the private apt root.
    pub fn everything(&self) -> BTreeMap<PathBuf, Entry> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.root().to_path_buf()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path == self.path(paths::APT_PROBE) {
                    continue;
                }
                let meta = path.symlink_metadata().unwrap();
                let content = match (meta.is_dir(), meta.is_symlink()) {
                    (true, _) => Vec::new(),
                    (_, true) => std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
                    _ => std::fs::read(&path).unwrap(),
                };
                // A folder's own time changes when something is made beside the private root.
                let changed = if meta.is_dir() { 0 } else { meta.ctime_nsec() ^ meta.ctime() };
                all.insert(path.clone(), Entry { mode: meta.mode(), content, changed });
                if meta.is_dir() {
                    open.push(path);
                }
            }
        }
        all
    }
}

/// kubeadm's output for a kubeadm-config without endpoints.
fn recorded_diff() -> &'static str {
    let text = include_str!("../../../../../tests/fixtures/transcripts/kubeadm-plan-diff.txt");
    let (_, said) = text.split_once("$ kubeadm upgrade diff v1.32.13\n").unwrap();
    said.split_once("\nrc=").unwrap().0
}

fn certificate(name: &str, (year, month, day): (i32, u8, u8), ca: bool) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_after = date_time_ymd(year, month, day);
    params.is_ca = if ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}
