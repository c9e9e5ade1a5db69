//! A node in memory with its systemd and apt, for this crate's own tests.

use crate::agent::Agent;
use crate::config::Config;
use crate::node::Node;
use crate::units::Exit;
pub use podlift_host::testing::*;
use podlift_host::{CommandError, Host, Invocation, Output};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// A node in memory, with its agent's configuration.
pub struct Bench {
    pub files: Arc<MemFiles>,
    pub commands: Arc<FakeCommands>,
    pub watch: Arc<FakeWatch>,
    pub devices: Arc<FakeDevices>,
    pub processes: Arc<FakeProcesses>,
    pub host: Host,
    pub config: Config,
}

impl Bench {
    pub fn new(answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static) -> Self {
        Self::of(Fakes::new(answer))
    }

    fn of(fakes: Fakes) -> Self {
        let Fakes { files, commands, watch, devices, processes, host } = fakes;
        let name = "runai-01".parse().unwrap();
        let config = Config::new(name, "runaicluster".parse().unwrap(), "127.0.0.1:1".parse().unwrap());
        Self { files, commands, watch, devices, processes, host, config }
    }

    pub fn control_plane(self) -> Self {
        let Self { files, commands, watch, devices, processes, host, config } = self;
        let fakes = Fakes { files, commands, watch, devices, processes, host }.control_plane();
        Self { config, ..Self::of(fakes) }
    }

    pub fn node(&self) -> Arc<Node> {
        Agent::open(self.host.clone(), self.config.clone()).unwrap().node.clone()
    }
}

/// systemd and apt of one node, as far as the executor's tests need them. A unit runs until the test ends it.
#[derive(Default)]
pub struct Tools {
    state: Mutex<ToolState>,
}

#[derive(Default)]
struct ToolState {
    /// Names of running units.
    units: BTreeSet<String>,
    installed: BTreeMap<String, String>,
    held: BTreeSet<String>,
    /// A call that fails, by its beginning, with the error.
    broken: Option<(String, String)>,
}

impl Tools {
    pub fn with_packages(version: &str) -> Arc<Self> {
        let names = ["kubeadm", "kubelet", "kubectl", "cri-tools"];
        let installed = names.iter().map(|n| (n.to_string(), version.to_string())).collect();
        let held = names.iter().map(ToString::to_string).collect();
        Arc::new(Self { state: Mutex::new(ToolState { installed, held, ..ToolState::default() }) })
    }
    pub fn held(&self) -> Vec<String> {
        self.state.lock().unwrap().held.iter().cloned().collect()
    }
    /// Exactly these packages are held.
    pub fn set_held(&self, names: &[&str]) {
        self.state.lock().unwrap().held = names.iter().map(ToString::to_string).collect();
    }
    pub fn install(&self, name: &str, version: &str) {
        self.state.lock().unwrap().installed.insert(name.into(), version.into());
    }
    pub fn break_call(&self, start: &str, stderr: &str) {
        self.state.lock().unwrap().broken = Some((start.into(), stderr.into()));
    }
    /// The call works again.
    pub fn mend_call(&self) {
        self.state.lock().unwrap().broken = None;
    }
    pub fn running(&self, unit: &str) -> bool {
        self.state.lock().unwrap().units.contains(unit)
    }
    /// Stops the unit; the test writes what it leaves behind.
    pub fn stop_unit(&self, op: &str) {
        self.state.lock().unwrap().units.remove(&format!("podlift-{op}.service"));
    }
    /// A power cut: no unit survives.
    pub fn reboot(&self) {
        self.state.lock().unwrap().units.clear();
    }

    pub fn answer(&self, call: &Invocation) -> Result<Output, CommandError> {
        let mut state = self.state.lock().unwrap();
        let line = line(call);
        if let Some((_, stderr)) = state.broken.as_ref().filter(|(start, _)| line.starts_with(start)) {
            return exited(1, &stderr.clone());
        }
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        match (call.program, args.as_slice()) {
            ("systemd-run", _) => {
                let unit = args.iter().find_map(|a| a.strip_prefix("--unit=")).unwrap();
                state.units.insert(unit.to_string());
                said("")
            }
            ("systemctl", ["show", "-p", _, unit]) if state.units.contains(*unit) => {
                said("LoadState=loaded\nActiveState=active\nSubState=running\n")
            }
            ("systemctl", ["show", ..]) => said("LoadState=not-found\nActiveState=inactive\n"),
            ("systemctl", ["list-units", ..]) => said(
                &state.units.iter().map(|u| format!("{u} loaded active running x\n")).collect::<String>(),
            ),
            ("systemctl", ["is-active", ..]) => said("active\n"),
            ("systemctl", _) => said(""),
            ("apt-mark", ["hold", names @ ..]) => {
                state.held.extend(names.iter().map(ToString::to_string));
                said("")
            }
            ("apt-mark", ["unhold", names @ ..]) => {
                state.held.retain(|n| !names.contains(&n.as_str()));
                said("")
            }
            ("dpkg-query", _) => said(
                &state
                    .installed
                    .iter()
                    .map(|(n, v)| {
                        let want = if state.held.contains(n) { "hold" } else { "install" };
                        format!("{n}\t{v}\t{want} ok installed\n")
                    })
                    .collect::<String>(),
            ),
            ("apt-cache", _) => {
                said("   kubeadm | 1.32.9-1.1 | https://mirror/core:/stable:/v1.32/deb  Packages\n")
            }
            _ => exited(1, "not known to the fake"),
        }
    }
}

/// Records a unit's end as the unit itself would.
pub fn end_unit(bench: &Bench, tools: &Tools, op: &str, code: i32) {
    let result = if code == 0 { "success" } else { "exit-code" };
    let exit = Exit {
        boot: BOOT.parse().unwrap(),
        at: bench.host.clock.now(),
        result: result.into(),
        code: "exited".into(),
        status: code.to_string(),
    };
    crate::units::record_exit(bench.files.as_ref(), &op.parse().unwrap(), &exit).unwrap();
    tools.stop_unit(op);
}
