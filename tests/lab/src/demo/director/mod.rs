//! Makes a scenario's events happen: each once, as soon as its condition is seen. It never waits for a time.

mod bcm;
mod hands;
mod journal;
mod seeds;
mod site;

use super::scenario::{Action, Event, Scenario, When};
use crate::supervisor::Lab;
use crate::world::{Effect, Hook, World};
use hands::Hands;
pub use seeds::sow;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Between two looks at a file or an API server.
const LOOK: Duration = Duration::from_millis(20);

pub struct Director {
    events: Vec<Event>,
    /// Numbers of the events that have not happened yet.
    open: Mutex<Vec<usize>>,
    /// Armed from the operator's first word on.
    hands: Hands,
    /// What takes time: done by `run`, in order.
    later: mpsc::UnboundedSender<Vec<Action>>,
    queue: Mutex<Option<mpsc::UnboundedReceiver<Vec<Action>>>>,
}

impl Director {
    /// Does what was before, and listens from now on.
    pub async fn new(lab: &Lab, scenario: &Scenario, to: &str) -> anyhow::Result<Arc<Self>> {
        let (later, queue) = mpsc::unbounded_channel();
        let director = Arc::new(Self {
            events: scenario.events.clone(),
            open: Mutex::new((0..scenario.events.len()).collect()),
            hands: Hands::new(lab, to),
            later,
            queue: Mutex::new(Some(queue)),
        });
        director.act(lab, &scenario.before).await?;
        lab.world.add_hook(director.clone());
        Ok(director)
    }

    fn open(&self) -> MutexGuard<'_, Vec<usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events that never happened.
    pub fn missed(&self) -> Vec<&str> {
        self.open().iter().map(|i| self.events[*i].what.as_str()).collect()
    }

    pub fn count(&self) -> usize {
        self.events.len()
    }

    /// Does these one after the other.
    pub async fn act(&self, lab: &Lab, actions: &[Action]) -> anyhow::Result<()> {
        for action in actions {
            if !self.hands.now(action) {
                self.hands.later(lab, action).await?;
            }
        }
        Ok(())
    }

    /// Whatever can be done in this moment is; the rest in order behind it.
    fn fire(&self, matches: impl Fn(&When) -> bool) {
        let due: Vec<usize> = {
            let mut open = self.open();
            let due = open.iter().copied().filter(|i| matches(&self.events[*i].when)).collect();
            open.retain(|i| !matches(&self.events[*i].when));
            due
        };
        for event in due.into_iter().map(|i| &self.events[i]) {
            anstream::eprintln!("⚡ {}", event.what);
            let rest = event.actions.iter().skip_while(|a| self.hands.now(a)).cloned().collect();
            // The receiver is gone when the story is over already.
            self.later.send(rest).ok();
        }
    }

    /// Until it is dropped.
    pub async fn run(&self, lab: &Lab) -> anyhow::Result<()> {
        let Some(mut queue) = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let watches_journal = self.events.iter().any(|e| matches!(e.when, When::Journal(_)));
        let mut looks = tokio::time::interval(LOOK);
        let seen = |record: Value| self.fire(|w| matches!(w, When::Journal(r) if r.matches(&record)));
        let journal = journal::follow(lab, watches_journal, seen);
        tokio::pin!(journal);
        loop {
            tokio::select! {
                Some(actions) = queue.recv() => self.act(lab, &actions).await?,
                _ = looks.tick() => self.fire(|w| is_so(&lab.world, w)),
                ended = &mut journal => ended?,
            }
        }
    }

    /// Waits until it is so, or was seen already.
    pub async fn until(&self, lab: &Lab, when: &When) -> anyhow::Result<()> {
        loop {
            let seen = match when {
                When::Effect(e) => lab.world.effects().iter().any(|x| e.matches(x)),
                When::Journal(r) => journal::has(lab, r).await?,
                other => is_so(&lab.world, other),
            };
            if seen {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Hook for Director {
    fn effect(&self, effect: &Effect) {
        self.fire(|w| matches!(w, When::Effect(e) if e.matches(effect)));
    }
}

/// Conditions that are looked at.
fn is_so(world: &World, when: &When) -> bool {
    match when {
        When::File(f) => {
            let bytes = world.disk(&f.node).read(Path::new(&f.path)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(&f.has)
        }
        When::Store { node, port } => {
            let s = world.lock();
            let etcd = s.etcds().find(|e| e.members.iter().any(|m| m.port == *port));
            let name = etcd.map(crate::world::etcd::Etcd::hex);
            s.store_name(node).zip(name).is_some_and(|(store, id)| store.starts_with(&id))
        }
        When::Writer { node, file, by } => world.lock().last_writer(node, file) == *by,
        When::Listens { node, component } => {
            world.lock().node(node).container(component).is_some_and(|c| c.running() && c.listening)
        }
        When::Api { node, serves } => world.lock().front_up(node) == *serves,
        When::Effect(_) | When::Journal(_) => false,
    }
}
