//! Whether one more repair of a file is allowed: the budget and the fights of the history against the limits of the configuration, with the
//! search for the process that undoes repairs.

use crate::budget::{Fight, Spent, Verdict};
use crate::history::History;
use crate::settings;
use crate::suspects::Suspects;
use podlift_host::{Host, paths};
use podlift_model::op::Component;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) struct Allowance {
    pub per_hour: u32,
    fight_limit: u32,
    suspects: Mutex<Suspects>,
}

impl Allowance {
    pub fn new(config: &settings::Heal) -> Self {
        let suspects = Mutex::default();
        Self { per_hour: config.budget_per_hour, fight_limit: config.fight_limit, suspects }
    }

    fn suspects(&self) -> MutexGuard<'_, Suspects> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the kernel reported of writers until `now`, on the boot clock.
    pub fn read_writers(&self, now: Duration) {
        self.suspects().ask(now);
    }

    /// Whether another process undid a repair within the last hour.
    pub fn is_suspicious(&self) -> bool {
        self.suspects().is_armed()
    }

    fn verdict(&self, history: &History, component: Component, now: Duration) -> Verdict {
        history.budget(|budget| budget.check(component, now, self.per_hour, self.fight_limit))
    }

    /// Why repairs of this component have to wait; `None` if they need not.
    pub fn spent(&self, history: &History, component: Component, now: Duration) -> Option<Spent> {
        match self.verdict(history, component, now) {
            Verdict::Held(spent) => Some(spent),
            Verdict::Fine(_) | Verdict::Fight(_) => None,
        }
    }

    /// Allows one more repair, or records the fight that it would begin.
    pub fn spend(&self, host: &Host, history: &History, component: Component) -> Result<(), Spent> {
        let now = host.clock.since_boot();
        match self.verdict(history, component, now) {
            Verdict::Fine(0) => Ok(()),
            Verdict::Fine(_) => {
                self.suspects().undone(host.watch.as_ref(), Path::new(paths::MANIFESTS), now);
                Ok(())
            }
            Verdict::Held(spent) => Err(spent),
            Verdict::Fight(times) => {
                let by = self.suspects().who(component);
                let fight = Fight { clock: now, since: host.clock.now(), times, by: by.clone() };
                let told = history.fight(component, fight);
                drop(told.inspect_err(|error| tracing::error!(%error, "a fight could not be recorded")));
                Err(Spent::Fight { file: component.file(), times, by })
            }
        }
    }
}
