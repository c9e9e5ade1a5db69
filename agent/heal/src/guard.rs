//! When the heal may act: the armed guard of a run, with its end on the boot clock, and how often one file may be repaired. The guard is
//! on the disk and does not outlive a reboot: hygiene then only reports, rescue goes on.

use podlift_host::Files;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::{BootId, Digest, RunId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

const GUARD: &str = "guard.json";
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    pub run: RunId,
    pub boot: BootId,
    /// On the boot clock.
    pub until: Duration,
    /// The manifests as they were when it was armed. Hygiene leaves them alone: repairing one would restart its component ahead of
    /// kubeadm, which would take that for its own work. What kubeadm writes afterwards is another file.
    pub as_armed: BTreeMap<Component, Digest>,
}

impl Guard {
    pub fn armed(&self, boot: &BootId, now: Duration) -> bool {
        self.boot == *boot && now < self.until
    }
}

pub(crate) fn load(files: &dyn Files) -> Option<Guard> {
    let bytes = files.read(&paths::heal(GUARD)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

pub(crate) fn save(files: &dyn Files, guard: Option<&Guard>) -> io::Result<()> {
    match guard {
        Some(guard) => files.write(&paths::heal(GUARD), &serde_json::to_vec(guard)?, 0o600),
        None => files.remove(&paths::heal(GUARD)),
    }
}

/// Why a repair has to wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    #[error("{0} was repaired {1} times within an hour (heal.budget_per_hour); find out who breaks it")]
    Budget(String, usize),
    #[error(
        "something undid {1} repairs of {0} within a minute (heal.fight_limit); find out what writes it, then arm the guard or restart the agent"
    )]
    Fight(String, usize),
}

/// Repairs of each file, on the boot clock.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    repairs: BTreeMap<Component, Vec<Duration>>,
    fights: BTreeMap<Component, Duration>,
}

impl Budget {
    /// Whether one more repair is all right now.
    pub fn check(
        &mut self,
        component: Component,
        now: Duration,
        per_hour: u32,
        fight_limit: u32,
    ) -> Result<(), Spent> {
        let repairs = self.repairs.entry(component).or_default();
        repairs.retain(|at| now.saturating_sub(*at) < HOUR);
        let recent = repairs.iter().filter(|at| now.saturating_sub(**at) < MINUTE).count();
        let fought = self.fights.get(&component).is_some_and(|at| now.saturating_sub(*at) < HOUR);
        if fought || recent >= fight_limit as usize {
            self.fights.entry(component).or_insert(now);
            return Err(Spent::Fight(component.file(), recent.max(fight_limit as usize)));
        }
        if repairs.len() >= per_hour as usize {
            return Err(Spent::Budget(component.file(), repairs.len()));
        }
        self.fights.remove(&component);
        Ok(())
    }

    /// Repairs that may still be done now.
    pub fn left(&self, component: Component, now: Duration, per_hour: u32) -> u32 {
        let recent = |at: &&Duration| now.saturating_sub(**at) < HOUR;
        let spent = self.repairs.get(&component).map_or(0, |all| all.iter().filter(recent).count());
        per_hour.saturating_sub(u32::try_from(spent).unwrap_or(u32::MAX))
    }

    pub fn spend(&mut self, component: Component, now: Duration) {
        self.repairs.entry(component).or_default().push(now);
    }

    /// A person or a run has taken over: begin anew.
    pub fn forget_fights(&mut self) {
        self.fights.clear();
        self.repairs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_and_fights() {
        let api = Component::KubeApiserver;
        let at = Duration::from_secs;
        let mut budget = Budget::default();
        for second in [0, 20, 40] {
            assert_eq!(budget.check(api, at(second), 6, 3), Ok(()));
            budget.spend(api, at(second));
        }
        assert!(matches!(budget.check(api, at(50), 6, 3), Err(Spent::Fight(_, 3))));
        assert!(
            matches!(budget.check(api, at(1000), 6, 3), Err(Spent::Fight(..))),
            "stays until somebody takes over"
        );
        assert_eq!(budget.check(Component::KubeScheduler, at(50), 6, 3), Ok(()), "each file for itself");
        budget.forget_fights();
        for minute in 0..6 {
            assert_eq!(budget.check(api, at(1000 + minute * 61), 6, 3), Ok(()));
            budget.spend(api, at(1000 + minute * 61));
        }
        assert!(matches!(budget.check(api, at(1400), 6, 3), Err(Spent::Budget(_, 6))));
        assert_eq!(budget.check(api, at(1000 + 3601), 6, 3), Ok(()), "the oldest is over");
    }

    #[test]
    fn a_guard_ends_by_itself_and_with_the_boot() {
        let boot = |id: &str| BootId::new(id).unwrap();
        let guard = Guard {
            run: RunId::new("r").unwrap(),
            boot: boot("b1"),
            until: Duration::from_secs(10),
            as_armed: BTreeMap::new(),
        };
        assert!(guard.armed(&boot("b1"), Duration::from_secs(9)));
        assert!(!guard.armed(&boot("b1"), Duration::from_secs(10)));
        assert!(!guard.armed(&boot("b2"), Duration::from_secs(1)));
    }
}
