//! The windows of the policy in which lanes may begin: those of a worker's group, if it has any, else those of all lanes.

use super::admission::is_of_workers;
use super::lengths::{EXPECTED_SECONDS, usual_seconds};
use super::scene;
use super::state::RunState;
use crate::inventory::NodeRole;
use jiff::Timestamp;
use podlift_batches::{Policy, Stage, Worker, open_for, open_for_worker};
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// Lanes for which the same windows count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes<'a> {
    policy: &'a Policy,
    /// The group that has windows of its own, with a worker of it; `None` if the windows of all lanes count.
    group: Option<(&'a str, &'a Worker)>,
}

impl<'a> Lanes<'a> {
    /// Lanes of no worker.
    pub fn of_all(policy: &'a Policy) -> Self {
        Self { policy, group: None }
    }

    /// Those of these workers, one for each group with windows of its own.
    pub fn of_workers(policy: &'a Policy, workers: impl Iterator<Item = &'a Worker>) -> Vec<Self> {
        let own = policy.groups.iter().any(|group| !group.windows.is_empty());
        let mut out: BTreeMap<Option<&str>, Self> = BTreeMap::new();
        for worker in workers {
            let lanes = if own { Self::of_worker(policy, worker) } else { Self::of_all(policy) };
            out.entry(lanes.name()).or_insert(lanes);
        }
        out.into_values().collect()
    }

    fn of_worker(policy: &'a Policy, worker: &'a Worker) -> Self {
        let group = policy.group_of(&worker.labels, worker.category.as_deref());
        let group = group.filter(|group| !group.windows.is_empty());
        Self { policy, group: group.map(|group| (group.name.as_str(), worker)) }
    }

    /// The group whose windows count; `None` if those of all lanes do.
    pub fn name(&self) -> Option<&'a str> {
        self.group.map(|(name, _)| name)
    }

    /// Whether a lane of this length may begin now. The error has the time from which on it may; `None` if no window is long enough any more.
    pub fn open(&self, now: Timestamp, seconds: u64) -> Result<(), Option<Timestamp>> {
        match self.group {
            Some((_, worker)) => {
                open_for_worker(self.policy, &worker.labels, worker.category.as_deref(), now, seconds)
            }
            None => open_for(self.policy, now, seconds),
        }
    }

    /// Whether lanes of the usual length fit into no window to come, and those of the length that was expected before do.
    fn only_usual_is_too_long(&self, now: Timestamp, usual: u64) -> bool {
        let never = |seconds| self.open(now, seconds) == Err(None);
        usual > EXPECTED_SECONDS && never(usual) && !never(EXPECTED_SECONDS)
    }

    /// The group and what a worker of it waits for; `None` if it does not wait, or if its group has no windows of its own.
    fn waits(&self, now: Timestamp, seconds: u64) -> Option<(&'a str, String)> {
        let group = self.name()?;
        let text = match self.open(now, seconds).err()? {
            Some(until) => format!("waits for a window of group {group:?} until {until}"),
            None => {
                format!(
                    "no window of group {group:?} opens again that is long enough for a lane ({seconds} s)"
                )
            }
        };
        Some((group, text))
    }

    /// `window`, `window of group "night"`.
    pub fn window(&self) -> String {
        self.name().map_or("window".into(), |name| format!("window of group {name:?}"))
    }
}

/// The length with which lanes are admitted. If only the usual one is too long for every window to come of all of them, what was expected
/// before counts, because a few slow nodes must not stop the run. While others have longer windows, the usual length counts for all.
pub(super) fn lane_seconds(lanes: &[Lanes], now: Timestamp, usual: u64) -> u64 {
    let too_long = !lanes.is_empty() && lanes.iter().all(|lanes| lanes.only_usual_is_too_long(now, usual));
    if too_long { EXPECTED_SECONDS } else { usual }
}

/// Why none of these lanes may begin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Closed {
    Until(Timestamp, String),
    /// No window opens again that is long enough for one of them: the windows in question.
    Never(String),
}

/// `None` if one of the lanes may begin, or if there are none.
pub(super) fn closed(lanes: &[Lanes], now: Timestamp, seconds: u64) -> Option<Closed> {
    let mut opens = vec![];
    for lanes in lanes {
        opens.push((lanes.open(now, seconds).err()?, lanes));
    }
    let first = opens.iter().filter_map(|(from, _)| *from).min();
    let waited = opens.iter().filter(|(from, _)| first.is_none() || from.is_some());
    let windows = waited.map(|(_, lanes)| lanes.window()).collect::<Vec<_>>().join(" or ");
    match first {
        Some(until) => Some(Closed::Until(until, windows)),
        None => (!opens.is_empty()).then_some(Closed::Never(windows)),
    }
}

impl RunState {
    /// Workers to come whose group has windows of its own, while none of these lets a lane begin: until when each waits, in a sentence. Only
    /// while the run is at its workers.
    pub fn closed_groups(&self, now: Timestamp) -> BTreeMap<&NodeName, String> {
        let policy = self.plan.options.batches.as_ref();
        let policy = policy.filter(|policy| policy.groups.iter().any(|group| !group.windows.is_empty()));
        let at_workers = self.track.phase().filter(|phase| is_of_workers(&self.plan, *phase));
        let (Some(policy), Some(phase)) = (policy, at_workers) else { return BTreeMap::new() };
        let workers = scene::workers(self, phase, &[]);
        let to_come = || workers.iter().filter(|worker| worker.stage == Stage::ToCome);
        let all = Lanes::of_workers(policy, to_come());
        let seconds = lane_seconds(&all, now, usual_seconds(self, NodeRole::Worker));
        let texts: BTreeMap<&str, String> =
            all.iter().filter_map(|lanes| lanes.waits(now, seconds)).collect();
        let of = |worker: &Worker| texts.get(Lanes::of_worker(policy, worker).name()?).cloned();
        let nodes = to_come().filter_map(|worker| Some((&worker.node, of(worker)?)));
        let texts: BTreeMap<&NodeName, String> = nodes.collect();
        let own = self.plan.inventory.of_role(NodeRole::Worker).map(|node| &node.name);
        own.filter_map(|node| Some((node, texts.get(node)?.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::name;
    use podlift_batches::Stage;
    use serde_json::json;

    /// A worker of BCM category `category`.
    fn worker(category: &str) -> Worker {
        Worker {
            node: name("dgx030"),
            stage: Stage::ToCome,
            unavailable: false,
            labels: BTreeMap::new(),
            category: (!category.is_empty()).then(|| category.into()),
            finished: None,
            failed: false,
        }
    }

    #[test]
    fn the_windows_of_its_group_count_for_a_worker_and_else_those_of_all() {
        let window = |from: &str, to: &str| json!([{"from": from, "to": to, "zone": "UTC"}]);
        let once = json!([{"date": "2026-11-01", "from": "00:00", "to": "06:00", "zone": "UTC"}]);
        let group = |name: &str, windows: serde_json::Value| json!({"name": name, "category": name, "max-unavailable": 1, "windows": windows});
        let policy = |common: serde_json::Value| -> Policy {
            let groups = [
                group("noon", window("12:00", "14:00")),
                group("past", once.clone()),
                group("plain", json!([])),
            ];
            serde_json::from_value(json!({"windows": common, "groups": groups})).unwrap()
        };
        let (night, always) = (policy(window("22:00", "06:00")), policy(json!([])));
        let until = |time: &str, windows: &str| {
            Some(Closed::Until(format!("2026-11-{time}:00Z").parse().unwrap(), windows.into()))
        };
        let (noon, common) = ("window of group \"noon\"", "window");
        /// The policy, the categories of the workers to come, the time, the length of a lane, and why none may begin.
        type Case<'a> = (&'a Policy, &'a [&'a str], &'a str, u64, Option<Closed>);
        let cases: &[Case] = &[
            (&night, &["plain", ""], "27T10:00", 900, until("27T22:00", common)),
            (&night, &["noon"], "27T10:00", 900, until("27T12:00", noon)),
            (&night, &["noon"], "27T13:50", 900, until("28T12:00", noon)),
            (&night, &["noon"], "27T23:00", 900, until("28T12:00", noon)),
            (&night, &["noon", "plain"], "27T23:00", 900, None),
            (&night, &["noon", "plain"], "27T12:30", 900, None),
            (
                &night,
                &["noon", "plain"],
                "27T10:00",
                900,
                until("27T12:00", "window or window of group \"noon\""),
            ),
            (&night, &["past", "noon"], "27T10:00", 900, until("27T12:00", noon)),
            (&night, &["past"], "27T10:00", 900, Some(Closed::Never("window of group \"past\"".into()))),
            (&night, &["noon"], "27T10:00", 2 * 3600 + 1, Some(Closed::Never(noon.into()))),
            (&night, &[], "27T10:00", 900, None),
            (&always, &["plain", "noon"], "27T10:00", 900, None),
            (&always, &["noon"], "27T10:00", 900, until("27T12:00", noon)),
        ];
        for (policy, categories, time, seconds, want) in cases {
            let workers: Vec<Worker> = categories.iter().map(|category| worker(category)).collect();
            let lanes = Lanes::of_workers(policy, workers.iter());
            let now = format!("2026-11-{time}:00Z").parse().unwrap();
            assert_eq!(closed(&lanes, now, *seconds), *want, "{categories:?} at {time}");
        }
    }

    #[test]
    fn slow_nodes_do_not_close_the_windows_of_a_group() {
        let short = json!([{"from": "12:00", "to": "12:30", "zone": "UTC"}]);
        let group = json!({"name": "noon", "category": "noon", "max-unavailable": 1, "windows": short});
        let policy: Policy = serde_json::from_value(json!({"groups": [group]})).unwrap();
        let now = "2026-11-27T12:00:00Z".parse().unwrap();
        let (noon, other) = (worker("noon"), worker("other"));
        for (workers, usual, want) in [
            (vec![&noon], 600, 600),
            (vec![&noon], 1800, 1800),
            (vec![&noon], 1801, EXPECTED_SECONDS),
            (vec![&noon, &other], 1801, 1801),
            (vec![&other], 1801, 1801),
        ] {
            let lanes = Lanes::of_workers(&policy, workers.iter().copied());
            assert_eq!(lane_seconds(&lanes, now, usual), want, "{usual}");
        }
    }
}
