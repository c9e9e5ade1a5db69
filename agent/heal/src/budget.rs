//! How often one file may be repaired, and when repairs are a fight with another process. Pure: it is the fold of the history on the disk,
//! so that it survives a restart of the agent. Times are on the boot clock; nothing outlives a reboot.

use jiff::Timestamp;
use podlift_model::count;
use podlift_model::op::Component;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

pub const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Why a repair has to wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    #[error(
        "{file} was repaired {} within an hour (heal.budget_per_hour); find out who breaks it, then: podlift heal apply",
        count(*times, "time")
    )]
    Budget { file: String, times: usize },
    #[error(
        "something undid {} of {file} within a minute (heal.fight_limit): {by}; stop it, then: podlift heal apply (or arm the guard)",
        count(*times, "repair")
    )]
    Fight { file: String, times: usize, by: String },
}

/// Another process undid the repairs as fast as the heal made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fight {
    /// On the boot clock.
    pub clock: Duration,
    pub since: Timestamp,
    pub times: usize,
    /// The other process, in words.
    pub by: String,
}

/// Whether one more repair is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed, with the number of repairs in the last minute. A number above 0 means that a repair was undone.
    Fine(usize),
    /// The number of repairs in the last minute reached the limit: a fight begins.
    Fight(usize),
    Held(Spent),
}

/// Repairs of each component, and the fights that have not ended.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    repairs: BTreeMap<Component, Vec<Duration>>,
    fights: BTreeMap<Component, Fight>,
}

impl Budget {
    pub fn check(&self, component: Component, now: Duration, per_hour: u32, fight_limit: u32) -> Verdict {
        if let Some(fight) = self.fight(component, now) {
            let (file, times, by) = (component.file(), fight.times, fight.by.clone());
            return Verdict::Held(Spent::Fight { file, times, by });
        }
        let (hour, minute) = (self.within(component, now, HOUR), self.within(component, now, MINUTE));
        if minute >= fight_limit as usize {
            return Verdict::Fight(minute);
        }
        match hour >= per_hour as usize {
            true => Verdict::Held(Spent::Budget { file: component.file(), times: hour }),
            false => Verdict::Fine(minute),
        }
    }

    fn within(&self, component: Component, now: Duration, span: Duration) -> usize {
        let recent = |at: &&Duration| now.saturating_sub(**at) < span;
        self.repairs.get(&component).map_or(0, |all| all.iter().filter(recent).count())
    }

    /// Number of repairs that are still allowed now.
    pub fn left(&self, component: Component, now: Duration, per_hour: u32) -> u32 {
        let spent = self.within(component, now, HOUR);
        per_hour.saturating_sub(u32::try_from(spent).unwrap_or(u32::MAX))
    }

    /// The fight that holds repairs back: for an hour, or until a person or a run takes over.
    pub fn fight(&self, component: Component, now: Duration) -> Option<&Fight> {
        self.fights.get(&component).filter(|fight| now.saturating_sub(fight.clock) < HOUR)
    }

    pub fn spend(&mut self, component: Component, clock: Duration) {
        let repairs = self.repairs.entry(component).or_default();
        repairs.retain(|at| clock.saturating_sub(*at) < HOUR);
        repairs.push(clock);
    }

    pub fn begin_fight(&mut self, component: Component, fight: Fight) {
        self.fights.insert(component, fight);
    }

    /// Begins anew, because a person or a run has taken over.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    pub fn repairs(&self) -> impl Iterator<Item = (Component, Duration)> {
        self.repairs.iter().flat_map(|(component, all)| all.iter().map(|at| (*component, *at)))
    }

    pub fn fights(&self) -> impl Iterator<Item = (Component, &Fight)> {
        self.fights.iter().map(|(component, fight)| (*component, fight))
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
        for (repairs, second) in [0, 20, 40].into_iter().enumerate() {
            assert_eq!(budget.check(api, at(second), 6, 3), Verdict::Fine(repairs));
            budget.spend(api, at(second));
        }
        assert_eq!(budget.check(api, at(50), 6, 3), Verdict::Fight(3));
        assert_eq!(budget.check(api, at(101), 6, 3), Verdict::Fine(0), "nobody undid the last one");
        let (since, by) = (Timestamp::UNIX_EPOCH, "pid 7".to_string());
        budget.begin_fight(api, Fight { clock: at(50), since, times: 3, by });
        let Verdict::Held(held) = budget.check(api, at(1000), 6, 3) else {
            panic!("until somebody takes over")
        };
        assert!(held.to_string().contains("within a minute (heal.fight_limit): pid 7;"), "{held}");
        assert_eq!(
            budget.check(Component::KubeScheduler, at(50), 6, 3),
            Verdict::Fine(0),
            "each file for itself"
        );
        budget.forget();
        for minute in 0..6 {
            assert_eq!(budget.left(api, at(1000 + minute * 61), 6), 6 - u32::try_from(minute).unwrap());
            budget.spend(api, at(1000 + minute * 61));
        }
        assert!(matches!(budget.check(api, at(1400), 6, 3), Verdict::Held(Spent::Budget { times: 6, .. })));
        assert_eq!(budget.check(api, at(1000 + 3601), 6, 3), Verdict::Fine(0), "the oldest is over");
    }
}
