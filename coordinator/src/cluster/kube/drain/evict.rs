//! Makes one pod go: asks until the eviction is accepted, then waits until the pod is gone.

use super::super::api::{Api, ApiError};
use super::super::pod::Pod;
use super::attempt::{AGAIN, Answer, attempt};
use super::board::{Hold, Slot};
use super::filter::{Rules, skipped};
use super::returning::Cordoned;
use super::sight::Sight;
use jiff::Timestamp;
use podlift_engine::doors::DrainOptions;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Time between two looks at a pod that is terminating, where each look is a request.
const LOOK: Duration = Duration::from_secs(1);
/// The same in the shared watch, where a look costs the API nothing.
const GLANCE: Duration = Duration::from_millis(250);
/// How long the watch may be behind before the API is asked for each pod instead. A watch that begins with the drain lists every pod first.
const BEHIND: Duration = Duration::from_secs(5);
/// How often an answer is tried again that may pass or not: half a minute, in which webhooks and API servers restart.
const DOUBTS: u32 = 6;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ended {
    Gone,
    /// It terminates for too long, and the options say that it is not waited for.
    Left,
    /// The time limit passed. The board has the reason.
    Blocked,
    Failed(String),
}

impl Ended {
    pub fn failed(&self) -> Option<&str> {
        match self {
            Ended::Failed(why) => Some(why),
            _ => None,
        }
    }
}

pub(super) struct Eviction<'a> {
    pub api: &'a Api,
    /// Places for requests, shared by all drains.
    pub places: &'a Semaphore,
    pub sight: &'a Sight<'a>,
    pub pod: &'a Pod,
    pub options: &'a DrainOptions,
    pub now: &'a (dyn Fn() -> Timestamp + Send + Sync),
    pub deadline: Instant,
    pub slot: Slot<'a>,
}

impl Eviction<'_> {
    pub async fn run(self) -> Ended {
        let mut doubts = 0;
        loop {
            let Some(place) = self.place().await else {
                self.slot.put(Hold::Refused(
                    "it was not asked for: the evictions of other pods took all places".into(),
                ));
                return Ended::Blocked;
            };
            let answer = attempt(self.api, self.pod, self.options).await;
            drop(place);
            let (pause, hold) = match answer {
                Answer::Gone => return self.over(Ended::Gone),
                Answer::Accepted => return self.wait_until_gone().await,
                Answer::Conflict => match self.sight.ask(self.pod).await {
                    Ok(None) => return self.over(Ended::Gone),
                    _ => (AGAIN, Hold::Refused("it changed while it was evicted".into())),
                },
                Answer::Later(pause, why) => (pause, Hold::Refused(why)),
                Answer::Moving(why) => (AGAIN, Hold::Moving(why)),
                Answer::Doubtful(why) => {
                    doubts += 1;
                    if doubts > DOUBTS {
                        return Ended::Failed(format!(
                            "{}: {why}, {}",
                            self.pod.name(),
                            podlift_model::count(doubts, "time")
                        ));
                    }
                    (AGAIN, Hold::Refused(why))
                }
                Answer::Failed(why) => return Ended::Failed(format!("{}: {why}", self.pod.name())),
            };
            self.slot.put(hold);
            if Instant::now() + pause > self.deadline {
                sleep_until(self.deadline).await;
                return Ended::Blocked;
            }
            sleep(pause).await;
        }
    }

    /// A place for a request; `None` if the drain's time is over before one is free.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        timeout_at(self.deadline, self.places.acquire()).await.ok()?.ok()
    }

    fn over(&self, ended: Ended) -> Ended {
        self.slot.clear();
        ended
    }

    /// A pod is gone if there is none of its name, or if another pod has its name.
    async fn wait_until_gone(&self) -> Ended {
        self.slot.put(Hold::Accepted);
        let mut seen_at = self.sight.is_watched().then(Instant::now);
        loop {
            let (seen, pause) = match self.sight.glance(self.pod) {
                Some(now) => {
                    seen_at = Some(Instant::now());
                    (Ok(now), GLANCE)
                }
                // Nothing is lost if the end of a pod is seen a moment later.
                None if seen_at.is_some_and(|at| at.elapsed() < BEHIND) => {
                    if Instant::now() + GLANCE > self.deadline {
                        return Ended::Blocked;
                    }
                    sleep(GLANCE).await;
                    continue;
                }
                None => {
                    let place = self.place().await;
                    let seen = self.sight.ask(self.pod).await;
                    drop(place);
                    (seen, LOOK)
                }
            };
            match seen {
                Ok(None) => return self.over(Ended::Gone),
                Ok(Some(now)) if self.skipped(&now) => return self.over(Ended::Left),
                Ok(Some(now)) if now.deleting.is_some() => self.slot.put(Hold::Terminating(Box::new(now))),
                Ok(Some(_)) => {}
                // A look that fails proves nothing about the pod.
                Err(ApiError::Unreachable(why)) => self.slot.put(Hold::Unseen(why)),
                Err(ApiError::Status(s)) if matches!(s.code, 401 | 403 | 408 | 429 | 500..) => {
                    self.slot.put(Hold::Unseen(format!("{} {}", s.code, s.message)));
                }
                Err(ApiError::Status(s)) => {
                    return Ended::Failed(format!("{}: {} {}", self.pod.name(), s.code, s.message));
                }
            }
            if Instant::now() + pause > self.deadline {
                return Ended::Blocked;
            }
            sleep(pause).await;
        }
    }

    fn skipped(&self, pod: &Pod) -> bool {
        let (cordoned, evicted) = (&Cordoned::default(), &BTreeSet::new());
        let rules = Rules { options: self.options, cordoned, evicted, now: (self.now)() };
        skipped(pod, &rules).is_some()
    }
}
