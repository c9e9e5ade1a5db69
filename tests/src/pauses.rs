//! Pauses of a run, one for each kind of cause: trouble that pauses it, and what a person does about it before they type what the pause
//! prints. The printed command then takes the run to its end.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, TO, name, why};
use crate::sabotage::Sabotage;
use crate::{ensure, press};
use podlift_coordinator::Command;
use podlift_engine::machine::{Event, Record, RunState, RunStatus};
use podlift_engine::program::{Approve, StopReason};
use podlift_lab::objects::Key;
use podlift_lab::{Fault, FaultAction, Shape, What, World};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const WORKER: &str = "dgx030";
const SECOND: &str = "dgx031";
/// Pauses of one run, at most: an approval is asked for before each phase.
const MANY: usize = 20;

/// What makes a run pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A program of the worker fails: its name, a word of its call, its exit code and its last words.
    Program(&'static str, &'static str, i32, &'static str),
    /// A container of the target's version ends right after each start.
    Component(&'static str),
    /// The loss of flags is waived, and no agent heals.
    Waived,
    /// The same on a single control-plane node, whose kubeadm can't ask for what it waits for.
    WaivedAlone,
    /// The worker's agent ends while the kubelet's package is installed.
    AgentGone,
    /// A budget allows no eviction, and its check is waived.
    Budget,
    /// The worker loses a GPU when its kubelet is restarted.
    Device,
    /// Between two control-plane nodes kubeadm-config is written again as it was before the run.
    ConfigReverted,
    /// The operator pauses the run.
    Operator,
    /// Each phase waits for an approval.
    Approval,
    /// Two workers fail, and the run may lose two.
    BudgetOfFailures,
    /// Something cordons the worker again, with the mark that the run has just taken away.
    CordonLeft,
    /// A process of Slurm has a GPU of the worker open.
    GpuHeld,
    /// The worker is cordoned by a run that no journal knows.
    CordonUnknown,
    /// The second worker's kubelet is back at its old version as soon as its lane is over.
    OldAgain,
    /// Something takes the hold of the kubelet's package away.
    Unheld,
}

const fn apt(words: &'static str) -> Trouble {
    Trouble::Program("apt-get", INSTALL, 100, words)
}

const INSTALL: &str = "install kubelet=1.32.9";
const DPKG: &str = "E: Sub-process /usr/bin/dpkg returned an error code (1)";

/// Each with the code of its pause.
pub const ALL: &[(&str, Trouble)] = &[
    (
        "apt-interrupted",
        apt("E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."),
    ),
    ("package-version-missing", apt("E: Version '1.32.9-1.1' for 'kubelet' was not found")),
    (
        "kubeadm-failed",
        Trouble::Program("kubeadm", "upgrade node", 1, "error execution phase kubelet-config: timed out"),
    ),
    ("component-down", Trouble::Component("kube-controller-manager")),
    ("api-server-down", Trouble::Waived),
    ("kubeadm-failed", Trouble::WaivedAlone),
    ("agent-unreachable", Trouble::AgentGone),
    ("drain-blocked", Trouble::Budget),
    ("timeout", Trouble::Device),
    ("flag-loss", Trouble::ConfigReverted),
    ("operator", Trouble::Operator),
    ("approval", Trouble::Approval),
    ("budget-spent", Trouble::BudgetOfFailures),
    ("cordon-left", Trouble::CordonLeft),
    ("package-changed", Trouble::Unheld),
    ("devices-held", Trouble::GpuHeld),
    ("cordon-unknown", Trouble::CordonUnknown),
    ("not-at-target", Trouble::OldAgain),
];

fn fails(code: i32, words: &str) -> FaultAction {
    FaultAction::Fail { code, stderr: words.into() }
}

fn config_map() -> Key {
    Key::config_map("kubeadm-config")
}

fn kubeadm_config(world: &World) -> serde_json::Value {
    world.lock().api.get(&config_map()).map(|m| m["data"]["ClusterConfiguration"].clone()).unwrap_or_default()
}

fn annotations(world: &World) -> serde_json::Value {
    world.lock().api.get(&Key::node(WORKER)).map(|v| v["metadata"]["annotations"].clone()).unwrap_or_default()
}

/// The run has seen that the worker is schedulable, and the canary's soak begins.
async fn uncordoned(pod: &Pod) {
    let worker = name(WORKER);
    let is = |state: Arc<RunState>| {
        let mut steps = state.steps_of(&worker);
        steps.any(|(spec, step)| spec.kind.step().verb() == "uncordon" && step.is_done())
    };
    while !pod.state().is_some_and(is) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

impl Trouble {
    fn pod(self) -> Pod {
        let shape = match self {
            Self::Budget => Shape { inference: (2, 2), ..small() },
            Self::ConfigReverted | Self::Waived => Shape {
                control_planes: vec!["runai-01".into(), "runai-02".into(), "runai-03".into()],
                ..small()
            },
            // Where the cordon stays, the worker's pods need another place.
            Self::BudgetOfFailures | Self::OldAgain | Self::CordonUnknown => {
                Shape { workers: vec![WORKER.into(), SECOND.into()], ..small() }
            }
            _ => small(),
        };
        let mut pod = Pod::new(shape, Sabotage::None);
        (pod.options.wait_seconds, pod.options.drain_seconds) = (120, 120);
        match self {
            Self::Budget => pod.waivers = vec![("budgets".into(), "its owners relax it meanwhile".into())],
            Self::Approval => pod.options.approve = Approve::Phase,
            Self::BudgetOfFailures => pod.options.max_failed = "2".parse().ok(),
            Self::Waived | Self::WaivedAlone => {
                pod.waivers = vec![("flag-loss".into(), "the site wants it so".into())];
                pod.heal = podlift_agent::config::Mode::Off;
            }
            _ => {}
        }
        pod
    }

    /// What is so before the run.
    fn before(self, world: &World) {
        match self {
            Self::Program(program, contains, code, words) => {
                world.add_fault(Fault::new(program, contains, fails(code, words)).on(WORKER).times(1000));
            }
            Self::Component(name) => {
                let image = format!("{name}:{TO}");
                world
                    .add_fault(Fault::new("container", &image, fails(1, "leader election lost")).times(1000));
            }
            Self::Device => {
                world.update(|s| s.node_mut(WORKER).lost_devices.insert("nvidia.com/gpu".into(), 1));
            }
            Self::CordonUnknown => world.update(|s| {
                let owner = json!({"run": "r0", "epoch": {"number": 0, "instance": "head-0"}}).to_string();
                s.api.change(&Key::node(WORKER), |v| {
                    v["spec"]["unschedulable"] = json!(true);
                    v["metadata"]["annotations"]["podlift.io/owner"] = json!(owner);
                });
            }),
            Self::GpuHeld => {
                let job = "/system.slice/slurmstepd.scope/job_812/step_0/user/task_0";
                let held = world.hold_gpu(WORKER, 4711, "python train.py", job);
                held.unwrap_or_else(|e| panic!("/proc/devices: {e}"));
            }
            Self::BudgetOfFailures => [WORKER, SECOND].into_iter().for_each(|node| {
                world.add_fault(Fault::new("apt-get", INSTALL, fails(100, DPKG)).on(node).times(1000));
            }),
            _ => {}
        }
    }

    /// What happens at the very record at which it has to.
    fn cut(self, pod: &Pod) -> Arc<Cut> {
        if self != Self::OldAgain {
            return Cut::never();
        }
        let (world, journal) = (pod.world.clone(), pod.journal.clone());
        let last = format!("{SECOND}/image-release");
        Cut::seen_by(move |_| {
            let over = |r: &Record| matches!(&r.event, Event::StepDone { step, .. } if step.as_str().ends_with(&last));
            if journal.records().last().is_some_and(over) {
                world.update(|s| {
                    s.api.change(&Key::node(SECOND), |v| {
                        v["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.31.9");
                    })
                });
            }
        })
    }

    /// What happens while the run goes on; `old` is kubeadm-config as it was before the run.
    async fn meanwhile(self, pod: &mut Pod, old: serde_json::Value) -> Result<(), String> {
        let world = pod.world.clone();
        let seen = |node: &'static str, is: fn(&What) -> bool| {
            world.until(move |s| s.effects.iter().any(|e| e.node == node && is(&e.what)))
        };
        match self {
            Self::AgentGone => {
                let kubelet =
                    |w: &What| matches!(w, What::PackageInstall { package, .. } if package == "kubelet");
                seen(WORKER, kubelet).await;
                pod.kill_agent(WORKER);
            }
            Self::ConfigReverted => {
                let next =
                    |w: &What| matches!(w, What::PackageInstall { package, .. } if package == "kubeadm");
                seen("runai-02", next).await;
                world.update(|s| s.api.change(&config_map(), |v| v["data"]["ClusterConfiguration"] = old));
            }
            Self::CordonLeft => {
                seen(WORKER, |w| matches!(w, What::Cordon { .. })).await;
                let marks = annotations(&world);
                uncordoned(pod).await;
                world.update(|s| {
                    s.api.change(&Key::node(WORKER), |v| {
                        v["spec"]["unschedulable"] = json!(true);
                        v["metadata"]["annotations"] = marks;
                    })
                });
            }
            Self::Unheld => {
                uncordoned(pod).await;
                world.update(|s| {
                    if let Some(package) = s.node_mut(WORKER).packages.get_mut("kubelet") {
                        package.held = false;
                    }
                });
            }
            Self::Operator => {
                seen(WORKER, |w| matches!(w, What::Cordon { .. })).await;
                let pause = Command::Pause { reason: "a look at the switch".into(), now: false };
                pod.say(pause).await.map_err(|e| e.to_string())?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What a person does about it.
    async fn mend(self, pod: &mut Pod) {
        let world = pod.world.clone();
        world.clear_faults();
        match self {
            Self::Component(name) => {
                // The kubelet starts it again after its back-off.
                let node = &world.shape.control_planes[0];
                world.until(|s| s.node(node).container(name).is_some_and(|c| c.listening)).await;
            }
            Self::AgentGone => pod.start_agent(WORKER, Cut::never()),
            Self::GpuHeld => world.release_gpus(WORKER),
            Self::Budget => {
                let budget = Key::new("policy", "poddisruptionbudgets", "runai", "inference");
                world.update(|s| s.api.change(&budget, |v| v["spec"]["minAvailable"] = json!(0)));
            }
            Self::Device => {
                world.update(|s| s.node_mut(WORKER).lost_devices.clear());
                let whole = |v: &mut serde_json::Value| {
                    v["status"]["allocatable"]["nvidia.com/gpu"] =
                        v["status"]["capacity"]["nvidia.com/gpu"].clone();
                };
                world.update(|s| s.api.change(&Key::node(WORKER), whole));
            }
            _ => {}
        }
    }
}

/// Longer than any run that ends.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The run when it is over or paused. A pause for an agent that is away leaves that agent's op open, which no other pause does.
async fn rest(pod: &Pod) -> Option<Arc<RunState>> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let state = pod.state()?;
        let open = state.steps.values().any(|s| s.is_open());
        match &state.status {
            RunStatus::Running | RunStatus::Aborting { .. } => {}
            RunStatus::Paused { reason } if open && reason.code != "agent-unreachable" => {}
            _ => return Some(state),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    None
}

/// The pauses of a run with this trouble, of which each was mended and its printed command typed. `Err`: the run did not get to its end so.
pub async fn pressed(trouble: Trouble) -> Result<Vec<StopReason>, String> {
    let mut pod = trouble.pod();
    let old = kubeadm_config(&pod.world);
    trouble.before(&pod.world);
    let cut = trouble.cut(&pod);
    pod.start(cut);
    pod.start_run().await.map_err(|e| e.to_string())?;
    trouble.meanwhile(&mut pod, old).await?;
    let mut pauses = vec![];
    loop {
        let state = rest(&pod).await.ok_or_else(|| format!("{trouble:?}: the run never rested"))?;
        let RunStatus::Paused { reason } = &state.status else {
            ensure(state.status == RunStatus::Succeeded && !pauses.is_empty(), || why(&state))?;
            return Ok(pauses);
        };
        ensure(pauses.len() < MANY, || format!("paused again and again: {}", why(&state)))?;
        trouble.mend(&mut pod).await;
        press::next(&pod, reason).await.map_err(|e| format!("{}: {e}", why(&state)))?;
        pauses.push(reason.clone());
    }
}
