//! What CMDaemon does when cmsh asks for it: the copy of a clone, and rsync for an imageupdate. The lab's cmsh says the rest.

use super::excluded::Lists;
use super::image::Images;
use super::kept::Kept;
use super::rsync;
use crate::faults::AGENT;
use crate::machine::Machine;
use anyhow::{Context as _, ensure};
use podlift_lab::{HEAD_NODE, Hook, Seen, World};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// An imageupdate that was served.
#[derive(Debug, Clone)]
pub struct Update {
    pub node: String,
    pub image: String,
    pub write: bool,
    /// Of its log.
    pub lines: Vec<String>,
}

#[derive(Default)]
struct Done {
    updates: Vec<Update>,
    complaints: Vec<String>,
}

pub struct Daemon {
    world: Weak<World>,
    images: Images,
    machines: BTreeMap<String, Arc<Machine>>,
    done: Mutex<Done>,
}

/// What a script of cmsh makes CMDaemon do.
#[derive(Debug, PartialEq, Eq)]
enum Act<'a> {
    Clone { from: &'a str, image: &'a str },
    Update { node: &'a str, write: bool },
}

/// A script does one such thing at most.
fn act(script: &str) -> Option<Act<'_>> {
    script.split(';').find_map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["clone", from, image] => Some(Act::Clone { from, image }),
            ["imageupdate", "-n", node, rest @ ..] => Some(Act::Update { node, write: rest.contains(&"-w") }),
            _ => None,
        }
    })
}

impl Daemon {
    /// Serves from now on.
    pub fn start(world: &Arc<World>, images: Images, machines: BTreeMap<String, Arc<Machine>>) -> Arc<Self> {
        let this = Self { world: Arc::downgrade(world), images, machines, done: Mutex::default() };
        let this = Arc::new(this);
        world.add_hook(this.clone());
        this
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn images(&self) -> &Images {
        &self.images
    }

    pub fn updates(&self) -> Vec<Update> {
        self.done().updates.clone()
    }

    pub fn complaints(&self) -> Vec<String> {
        self.done().complaints.clone()
    }

    fn act(&self, act: &Act<'_>) -> anyhow::Result<()> {
        match act {
            Act::Clone { from, image } => self.images.copy(from, image),
            Act::Update { node, write } => self.update(node, *write),
        }
    }

    /// Its request fails in BCM with rsync's exit code.
    fn update(&self, node: &str, write: bool) -> anyhow::Result<()> {
        let world = self.world.upgrade().context("the lab is gone")?;
        let machine = self.machines.get(node).with_context(|| format!("there is no machine {node}"))?;
        let (image, locked) = {
            let s = world.lock();
            let (image, _) = s.bcm.image_of(node).with_context(|| format!("{node} has no image"))?;
            let locked = s.bcm.images.get(&image).is_none_or(|i| i.locked);
            (image, locked)
        };
        ensure!(!locked, "{node} was to be written from {image}, which is locked");
        let (root, lists) = (machine.root(), Lists::of(&world, node, "update"));
        let (before, agent) = (Kept::look(&root), machine.processes(AGENT));
        let ended = rsync::update(&self.images.root(&image), &root, &lists, write)?;
        let mut wrong = before.differs(&Kept::look(&root));
        if before.count() < 10 {
            wrong.push(format!("only {} files are protected", before.count()));
        }
        if agent.is_empty() || machine.processes(AGENT) != agent {
            wrong.push("its agent did not run through the update".into());
        }
        world.bcm(|b| match ended.code {
            0 => drop(b.failing_requests.remove(node)),
            code => drop(b.failing_requests.insert(node.into(), code)),
        });
        let mut done = self.done();
        done.complaints.extend(wrong.into_iter().map(|w| format!("{node}, written from {image}: {w}")));
        done.updates.push(Update { node: node.into(), image, write, lines: ended.lines });
        ensure!(ended.code == 0, "rsync to {node} exited {}: {}", ended.code, ended.stderr);
        Ok(())
    }

    /// The lab has written the log without files, for it has copied none.
    fn logged(&self, node: &str) {
        let lines = self.updates().into_iter().rfind(|u| u.node == node).map(|u| u.lines);
        let Some((world, lines)) = self.world.upgrade().zip(lines) else { return };
        world.update(|s| s.bcm.syncs.get_mut(node).map(|log| log.lines = lines));
    }
}

/// The script of a call of cmsh on the head node.
fn script<'a>(call: &Seen<'a>) -> Option<&'a str> {
    (call.node == HEAD_NODE && call.program == "cmsh").then(|| call.args.last().map(String::as_str))?
}

impl Hook for Daemon {
    fn before(&self, call: &Seen<'_>) {
        let Some(act) = script(call).and_then(act) else { return };
        // Seconds of copying: the machines' other calls are served by other threads meanwhile.
        let ended = tokio::task::block_in_place(|| self.act(&act));
        if let Err(error) = ended {
            self.done().complaints.push(format!("{error:#}"));
        }
    }

    fn after(&self, call: &Seen<'_>, _code: i32) {
        if let Some(Act::Update { node, .. }) = script(call).and_then(act) {
            self.logged(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_for_real() {
        for (script, want) in [
            ("softwareimage; clone a b; commit -w", Some(Act::Clone { from: "a", image: "b" })),
            ("device; imageupdate -n w2 --wait", Some(Act::Update { node: "w2", write: false })),
            ("device; imageupdate -n w2 -w --wait", Some(Act::Update { node: "w2", write: true })),
            ("device; synclog w2", None),
            ("task; list", None),
        ] {
            assert_eq!(act(script), want, "{script}");
        }
    }
}
