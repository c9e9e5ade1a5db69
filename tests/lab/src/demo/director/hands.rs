//! Does what a scenario says to the lab. `now` is for what happens at the moment of its condition, within the call that brought it
//! about: it must not wait. `later` is for what takes time.

use super::super::scenario::Action;
use super::seeds;
use crate::doubles;
use crate::kubelet;
use crate::objects::Key;
use crate::supervisor::{COORDINATOR, Lab, Processes, SECOND};
use crate::world::{World, cast, kubeadm_config};
use anyhow::Context as _;
use serde_json::json;
use std::collections::BTreeMap;
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
        match seeds::sow(&self.world, &self.to, action) {
            Ok(false) => {}
            Ok(true) => return true,
            Err(error) => {
                anstream::eprintln!("lab: {error:#}");
                return true;
            }
        }
        match action {
            Action::Kill(name) => self.processes.cut(name),
            Action::RevertConfig(writer) => self.revert_config(writer),
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
            _ => return false,
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
            Action::StartKubelet(node) => kubelet::restart(&self.world, node, None).await,
            Action::Run { node, line } => self.tool(node, line).await?,
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

    /// A tool that the node lacks ends the story; one that fails does not.
    async fn tool(&self, node: &str, line: &str) -> anyhow::Result<()> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        let (program, args) = words.split_first().context("a command")?;
        let ended = doubles::run(&self.world, node, program, args, &BTreeMap::new()).await;
        let ended = ended.with_context(|| format!("{node} has no {program}"))?;
        anstream::eprintln!("{node}: {line} exited {}", ended.code);
        Ok(())
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
}
