//! Which parts of this agent are down, and why. A change is logged once; the present state is in systemd's status and in the metrics. The
//! heal continues in every case.

use crate::pulse;
use podlift_common::metrics::Labels;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Interval between attempts to start a part. It is long, because a person has to repair the cause.
pub(crate) const AGAIN: Duration = Duration::from_secs(60);

/// The label before anything was wrong.
const NONE: &str = "none";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The heal runs but only observes, because it can't trust or write its memory.
    HealMemory,
    /// No op is accepted or resumed.
    Executor,
    /// No connection to the coordinator.
    Session,
}

impl Part {
    const ALL: [Part; 3] = [Part::HealMemory, Part::Executor, Part::Session];

    fn name(self) -> &'static str {
        match self {
            Self::HealMemory => "heal-memory",
            Self::Executor => "executor",
            Self::Session => "session",
        }
    }
}

/// Why a part is down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Down {
    /// The reason as a metric label, from a small set.
    pub why: &'static str,
    pub message: String,
}

impl Down {
    pub fn new(why: &'static str, message: impl ToString) -> Self {
        Self { why, message: message.to_string() }
    }
}

#[derive(Default)]
pub(crate) struct Downs {
    now: Mutex<BTreeMap<Part, Down>>,
    gauges: Family<Labels, Gauge>,
}

impl Downs {
    pub fn register(&self, to: &mut Registry) {
        // A metric family without a value is not served, so an alert could not tell "up" from "never checked".
        let none = Down::new(NONE, "");
        Part::ALL.iter().for_each(|part| self.gauge(*part, &none, 0));
        to.register("down", "1 for each part of this agent that does not run, by why", self.gauges.clone());
    }

    fn now(&self) -> MutexGuard<'_, BTreeMap<Part, Down>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, part: Part, down: Down) {
        let before = self.now().insert(part, down.clone());
        if before.as_ref() == Some(&down) {
            return;
        }
        if let Some(before) = before {
            self.gauge(part, &before, 0);
        }
        self.gauge(part, &down, 1);
        tracing::error!(part = part.name(), why = down.why, "{}", down.message);
        pulse::status(&self.line());
    }

    pub fn clear(&self, part: Part) {
        let before = self.now().remove(&part);
        if let Some(before) = before {
            self.gauge(part, &before, 0);
            tracing::info!(part = part.name(), "it runs again");
            pulse::status(&self.line());
        }
    }

    #[cfg(test)]
    pub fn why(&self, part: Part) -> Option<Down> {
        self.now().get(&part).cloned()
    }

    fn gauge(&self, part: Part, down: &Down, value: i64) {
        let labels = vec![("part", part.name().to_string()), ("why", down.why.to_string())];
        self.gauges.get_or_create(&labels).set(value);
    }

    /// The line for `systemctl status`.
    pub fn line(&self) -> String {
        let now = self.now();
        let told = |part: &Part| now.get(part).map(|down| format!("{} down: {}", part.name(), down.message));
        let all: Vec<String> = Part::ALL.iter().filter_map(told).collect();
        if all.is_empty() { "heals and works".into() } else { format!("heals; {}", all.join("; ")) }
    }
}

/// Repeats `attempt` until it succeeds.
pub(crate) async fn until_up<T>(
    downs: &Downs,
    part: Part,
    mut attempt: impl FnMut() -> Result<T, Down>,
) -> T {
    loop {
        match attempt() {
            Ok(up) => {
                downs.clear(part);
                return up;
            }
            Err(down) => downs.set(part, down),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_is_tried_again_and_its_reason_is_kept_meanwhile() {
        let downs = Downs::default();
        let mut registry = Registry::default();
        downs.register(&mut registry);
        let page = || podlift_common::metrics::encode(&registry).unwrap();
        let began = tokio::time::Instant::now();
        let mut tries = 0;
        let up = until_up(&downs, Part::Session, || {
            tries += 1;
            match tries {
                1 | 2 => Err(Down::new("tls", "no file")),
                3 => {
                    assert!(page().contains("down{part=\"session\",why=\"tls\"} 1\n"), "{}", page());
                    assert_eq!(downs.line(), "heals; session down: no file");
                    Err(Down::new("config", "no key"))
                }
                _ => Ok(tries),
            }
        });
        assert_eq!(up.await, 4);
        assert_eq!(began.elapsed(), AGAIN * 3);
        assert!(page().contains("down{part=\"session\",why=\"config\"} 0\n"), "{}", page());
        assert_eq!(downs.line(), "heals and works");
    }
}
