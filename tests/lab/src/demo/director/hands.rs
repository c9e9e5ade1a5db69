//! Does what a scenario says to the lab. `now` is for what happens at the moment of its condition, within the call that brought it
//! about: it must not wait. `later` is for what takes time.

use super::super::scenario::{Action, Edit, FaultOrder, Patch};
use crate::supervisor::{COORDINATOR, Lab, Processes, SECOND};
use crate::world::objects::Key;
use crate::world::{Fault, FaultAction, World, cast, kubeadm_config};
use anyhow::Context as _;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub struct Hands {
    world: Arc<World>,
    processes: Arc<Processes>,
    to: String,
}

impl Hands {
    pub fn new(lab: &Lab, to: &str) -> Self {
        Self { world: lab.world.clone(), processes: lab.processes.clone(), to: to.into() }
    }

    /// True: done, whole.
    pub fn now(&self, action: &Action) -> bool {
        match action {
            Action::Kill(name) => self.processes.cut(name),
            Action::Edit(edit) => self.edit(edit),
            Action::RevertConfig(writer) => self.revert_config(writer),
            Action::Patch(patch) => self.patch(patch),
            Action::Fault(order) => self.world.add_fault(fault(order)),
            Action::Mirror { node, lacks } => {
                let lacks = lacks.iter().map(|l| l.replace("{to}", self.to.trim_start_matches('v')));
                let lacks = lacks.collect();
                self.world.update(|s| s.node_mut(node).mirror_lacks = lacks);
            }
            Action::TakeLock { node, process } => self.world.hold_dpkg_lock(node, Some(process)),
            Action::FreeLock(node) => self.world.hold_dpkg_lock(node, None),
            Action::ApiAway { minutes } => self.world.api_away(Duration::from_secs(minutes * 60)),
            // Its first half is now.
            Action::Reboot(node) => {
                self.processes.cut(node);
                self.world.power_cut(node);
                return false;
            }
            Action::PowerOff(node) => {
                self.processes.cut(node);
                self.world.power_off(node);
                return false;
            }
            Action::ReplaceDisk(node) => {
                self.processes.cut(node);
                return false;
            }
            Action::Start(_) | Action::Stop(_) => return false,
        }
        true
    }

    /// What `now` did not do of it.
    pub async fn later(&self, lab: &Lab, action: &Action) -> anyhow::Result<()> {
        match action {
            Action::Stop(name) => self.processes.stop(name).await,
            Action::Start(name) => self.start(lab, name).await?,
            Action::Reboot(node) => {
                self.world.until(|s| s.node(node).kubelet.running.is_some()).await;
                self.start(lab, node).await?;
            }
            Action::PowerOff(node) => {
                self.processes.gone(node).await;
                lab.give_up(node);
            }
            Action::ReplaceDisk(node) => {
                self.processes.gone(node).await;
                self.world.lose_state(node);
                self.start(lab, node).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn start(&self, lab: &Lab, name: &str) -> anyhow::Result<()> {
        self.processes.gone(name).await;
        match name {
            COORDINATOR => lab.start_coordinator(),
            SECOND => lab.start_second(),
            node => lab.start_agent(node),
        }
        .with_context(|| format!("{name} can't be started"))
    }

    /// As an editor or a configuration tool does it: another file, renamed over the old one.
    fn edit(&self, edit: &Edit) {
        let disk = self.world.disk(&edit.node);
        let change = |line: &str| match line.contains(&edit.line) {
            true => format!("{}\n", edit.to),
            false => format!("{line}\n"),
        };
        let text: String = disk.text(&edit.path).lines().map(change).collect();
        let new = "/etc/kubernetes/tmp/by-somebody";
        let written = disk.put_text(new, &text, 0o600);
        let written = written.and_then(|()| disk.rename(Path::new(new), Path::new(&edit.path)));
        if let Err(error) = written {
            anstream::eprintln!("lab: {} of {} can't be edited: {error}", edit.path, edit.node);
        }
    }

    fn revert_config(&self, writer: &str) {
        let shape = &self.world.shape;
        let endpoints = if shape.empty_endpoints { vec![] } else { shape.etcd_endpoints() };
        let text = kubeadm_config::text(shape, &endpoints);
        let now = self.world.clock.now();
        self.world.update(|s| {
            s.api.change(&Key::config_map("kubeadm-config"), |v| {
                v["data"]["ClusterConfiguration"] = json!(text);
                cast::managed(v, writer, now);
            })
        });
    }

    fn patch(&self, patch: &Patch) {
        let key = Key::new(&patch.group, &patch.resource, &patch.namespace, &patch.name);
        let changed =
            self.world.update(|s| s.api.change(&key, |v| json_patch::merge(v, &patch.merge)).is_some());
        if !changed {
            anstream::eprintln!("lab: there is no {} {}/{}", patch.resource, patch.namespace, patch.name);
        }
    }
}

fn fault(order: &FaultOrder) -> Fault {
    let action = FaultAction::Fail { code: order.code, stderr: order.stderr.clone() };
    let fault = Fault::new(&order.program, &order.contains, action).times(order.times);
    match &order.node {
        Some(node) => fault.on(node),
        None => fault,
    }
}
