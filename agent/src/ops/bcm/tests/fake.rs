//! A BCM in memory: images, nodes, one category, locks and tasks. A switch makes each of its tools lie.

use crate::config::Role;
use crate::node::Node;
use crate::testing::{Bench, MemFiles, exited, said};
use podlift_host::{CommandError, Files as _, Invocation, Output};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

pub const SOURCE: &str =
    "deb [signed-by=/etc/apt/keyrings/k.gpg] https://pkgs.k8s.io/core:/stable:/v1.31/deb/ /\n";
pub const ROOT: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";

pub struct State {
    /// Paths by name.
    pub images: BTreeMap<String, String>,
    pub locked: BTreeSet<String>,
    /// Image of each node, and whether it is the node's own.
    pub nodes: BTreeMap<String, (String, bool)>,
    pub category: String,
    pub version: String,
    /// Answers to `task; list`, one a look; the last one stays.
    pub tasks: Vec<String>,
    pub provisioning: String,
    pub synclog: String,
    /// A commit exits 0 and changes nothing.
    pub silent: bool,
    /// What a dry run in an image prints.
    pub simulated: String,
    /// Version and hold of the packages, the same in all images.
    pub packages: (String, bool),
    /// Bytes of each image.
    pub size: u64,
    pub kubeadm_manage: bool,
    /// apt in the image does not know the new version before it fetches lists, which the mirror may refuse.
    pub old_lists: bool,
    pub mirror_gone: bool,
    /// umount fails.
    pub busy_mount: bool,
}

pub struct Fake {
    pub bench: Bench,
    pub state: Arc<Mutex<State>>,
}

impl Deref for Fake {
    type Target = Bench;
    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl Fake {
    /// `dgx-image` with Kubernetes 1.31 for the nodes dgx030 and dgx031 of the category dgx.
    pub fn new() -> Self {
        let text = |t: &str| t.to_string();
        let state = State {
            images: [(text("dgx-image"), text("/cm/images/dgx-image"))].into(),
            locked: BTreeSet::new(),
            nodes: ["dgx030", "dgx031"].map(|n| (text(n), (text("dgx-image"), false))).into(),
            category: text("dgx-image"),
            version: text("1.31.9-1.1"),
            tasks: vec![String::new()],
            provisioning: text(
                "Provisioning subsystem status: idle, accepting requests\nProvisioning node head-01:\n  Max number of provisioning nodes: 10\n",
            ),
            synclog: String::new(),
            silent: false,
            simulated: text("Inst kubeadm [1.31.9-1.1] (1.32.9-1.1 x [amd64])\n"),
            packages: (text("1.31.9-1.1"), true),
            size: 20 << 30,
            kubeadm_manage: true,
            old_lists: false,
            mirror_gone: false,
            busy_mount: false,
        };
        let state = Arc::new(Mutex::new(state));
        let files: Arc<Mutex<Option<Arc<MemFiles>>>> = Arc::default();
        let (answers, table) = (state.clone(), files.clone());
        let mut bench = Bench::new(move |call| {
            let files = table.lock().unwrap().clone();
            answers.lock().unwrap().answer(call, files.as_deref())
        });
        bench.config.role = Some(Role::Head);
        *files.lock().unwrap() = Some(bench.files.clone());
        let fake = Self { bench, state };
        fake.mounts("");
        fake.fill("/cm/images/dgx-image");
        fake
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn node(&self) -> Arc<Node> {
        self.bench.node()
    }

    /// The files of an image.
    pub fn fill(&self, path: &str) {
        self.files.put(format!("{path}/var/lib/dpkg/status"), b"Package: kubeadm\n");
        self.files.put(format!("{path}/etc/apt/sources.list.d/kubernetes.list"), SOURCE.as_bytes());
        self.files.put(format!("{path}/usr/lib/systemd/system/kubelet.service"), b"[Unit]\n");
    }

    pub fn mounts(&self, more: &str) {
        self.files.put("/proc/1/mountinfo", format!("{ROOT}{more}").as_bytes());
    }

    /// An image that podlift has made, locked.
    pub fn with_clone(self, name: &str) -> Self {
        let path = format!("/cm/images/{name}");
        self.fill(&path);
        let own = format!(r#"{{"image":"{name}","from":"dgx-image","path":"{path}","whole":true}}"#);
        self.files.put(format!("/var/lib/podlift/bcm/image-{name}.json"), own.as_bytes());
        self.state().images.insert(name.into(), path);
        self.state().locked.insert(name.into());
        self
    }
}

impl State {
    fn answer(&mut self, call: &Invocation, files: Option<&MemFiles>) -> Result<Output, CommandError> {
        let last = call.args.last().cloned().unwrap_or_default();
        match call.program {
            "cmsh" => self.cmsh(&last),
            "dpkg-query" => said(&self.dpkg()),
            "du" => said(&format!("{}\t{last}\n", self.size)),
            "systemd-run" => self.in_unit(&call.args, files),
            "/cm/local/apps/cmd/scripts/cm-kubeadm-manage" if self.kubeadm_manage => {
                said("usage: {update_configmap}\n")
            }
            program => Err(CommandError::NotFound { program: program.into(), path: "/usr/bin".into() }),
        }
    }

    fn dpkg(&self) -> String {
        let (version, held) = &self.packages;
        let want = if *held { "hold" } else { "install" };
        let of = |name: &str| format!("{name}\t{version}\t{want} ok installed\tamd64\n");
        let rest = "dpkg\t1.22\tinstall ok installed\tamd64\n";
        [of("kubeadm"), of("kubelet"), of("kubectl"), rest.into()].concat()
    }

    fn in_unit(&mut self, args: &[String], files: Option<&MemFiles>) -> Result<Output, CommandError> {
        let at = args.iter().position(|a| a == "--").unwrap();
        match args[at + 1].as_str() {
            "umount" if self.busy_mount => exited(32, "umount: target is busy\n"),
            "umount" => {
                let (files, point) = (files.unwrap(), format!(" {} ", args[at + 2]));
                let text = files.text("/proc/1/mountinfo");
                let rest: String =
                    text.lines().filter(|l| !l.contains(&point)).map(|l| format!("{l}\n")).collect();
                files.put("/proc/1/mountinfo", rest.as_bytes());
                said("")
            }
            "cm-chroot-sw-img" if args.contains(&"-s".to_string()) && self.old_lists => {
                exited(100, "E: Unable to locate package kubeadm\n")
            }
            "cm-chroot-sw-img" if args.contains(&"-s".to_string()) => said(&self.simulated),
            "cm-chroot-sw-img" if args.contains(&"update".to_string()) && self.mirror_gone => {
                exited(100, "E: Failed to fetch https://pkgs.k8s.io/\n")
            }
            "cm-chroot-sw-img" if args.contains(&"update".to_string()) => {
                self.old_lists = false;
                said("")
            }
            "cm-chroot-sw-img" => {
                self.packages.1 = args.contains(&"hold".to_string());
                said("")
            }
            other => panic!("{other}"),
        }
    }

    fn cmsh(&mut self, script: &str) -> Result<Output, CommandError> {
        let words: Vec<&str> = script.split([' ', ';']).filter(|w| !w.is_empty()).collect();
        let all = |rows: Vec<String>| said(&rows.concat());
        match words.as_slice() {
            ["softwareimage", "list", ..] => {
                let head = "Name (key)|Path|Kernel version\n".to_string();
                let row = |(name, path): (&String, &String)| format!("{name}|{path}|6.8\n");
                all([head].into_iter().chain(self.images.iter().map(row)).collect())
            }
            ["softwareimage", "islocked", image] => {
                said(if self.locked.contains(*image) { "yes\n" } else { "no\n" })
            }
            _ if self.silent && script.contains("commit") => said(""),
            ["softwareimage", "lock" | "unlock", _] if self.silent => said(""),
            ["softwareimage", "lock", image] => {
                self.locked.insert(image.to_string());
                said("")
            }
            ["softwareimage", "unlock", image] => {
                self.locked.remove(*image);
                said("")
            }
            ["softwareimage", "remove", image, "commit"] => {
                self.images.remove(*image);
                said("")
            }
            ["softwareimage", "provisioningstatus"] => said(&self.provisioning),
            ["task", "list"] => {
                let now = self.tasks[0].clone();
                if self.tasks.len() > 1 {
                    self.tasks.remove(0);
                }
                said(&now)
            }
            ["device", "list", ..] => {
                all(self.nodes.keys().map(|n| format!("{n}|PhysicalNode|dgx\n")).collect())
            }
            ["category", "list", ..] => said("Name (key)\n----------\ndgx\n"),
            ["category", "use", _, "get", ..] => said(&format!("dgx\n{}\n", self.category)),
            ["category", "use", _, "set", "softwareimage", image, "commit"] => {
                self.category = image.to_string();
                for (of, own) in self.nodes.values_mut() {
                    if !*own {
                        *of = image.to_string();
                    }
                }
                said("")
            }
            ["device", "synclog", _] => said(&self.synclog),
            ["device", "use", node, "set", "softwareimage", image, "commit"] => {
                self.nodes.insert(node.to_string(), (image.to_string(), true));
                said("")
            }
            ["device", "use", _, "clear", ..] => {
                for node in script.split("device use ").skip(1).filter_map(|p| p.split(';').next()) {
                    self.nodes.insert(node.into(), (self.category.clone(), false));
                }
                said("")
            }
            ["device", "use", ..] => {
                let nodes = script.split("device use ").skip(1).filter_map(|p| p.split(';').next());
                all(nodes.map(|node| self.value(node)).collect())
            }
            ["kubernetes", "use", _, "get", "version"] => said(&format!("{}\n", self.version)),
            ["kubernetes", "use", _, "set", "version", version, "commit"] => {
                self.version = version.to_string();
                said("")
            }
            _ => exited(1, "not known to the fake"),
        }
    }

    fn value(&self, node: &str) -> String {
        match self.nodes.get(node) {
            Some((image, true)) => format!("{node}\n{image}\n"),
            Some((image, false)) => format!("{node}\n{image} (category:dgx)\n"),
            None => format!("No device {node}\n"),
        }
    }
}

/// Whether a file of the fake exists.
pub fn is_there(fake: &Fake, path: &str) -> bool {
    fake.files.stat(Path::new(path)).is_ok()
}
