//! Plans that are being made: one at a time, and one for all who ask for the same. A plan asks every node and lists the whole cluster, so
//! ten people at ten screens must not make ten of them.

use super::{Coordinator, CoordinatorError, PlanAsk};
use crate::exec::{Count, Counts};
use futures_util::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use podlift_engine::Program;
use podlift_engine::goals::Ask;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedMutexGuard, watch};

type Made = Result<Arc<Program>, Arc<CoordinatorError>>;
type Making = Shared<BoxFuture<'static, Made>>;

/// The plan that was asked for last. It does not keep the work alive.
struct Current {
    ask: Ask,
    counts: Counts,
    making: WeakShared<BoxFuture<'static, Made>>,
}

#[derive(Default)]
pub(super) struct Plans {
    turn: Arc<tokio::sync::Mutex<()>>,
    current: Mutex<Option<Current>>,
}

/// A plan that is being made, perhaps for others, too. The work goes on while one of them waits for it.
pub struct SharedPlan {
    counts: Counts,
    making: Making,
}

impl SharedPlan {
    /// How far the looks have come.
    pub fn progress(&self) -> watch::Receiver<Vec<Count>> {
        self.counts.subscribe()
    }

    pub async fn made(self) -> Result<Arc<Program>, CoordinatorError> {
        self.making.await.map_err(CoordinatorError::Shared)
    }
}

impl Plans {
    /// Waits until no other plan is being made.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        self.turn.clone().lock_owned().await
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan that is being made for this very request.
    fn same(&self, ask: &Ask) -> Option<SharedPlan> {
        let current = self.current();
        let current = current.as_ref().filter(|c| c.ask == *ask)?;
        let making = current.making.upgrade().filter(|making| making.peek().is_none())?;
        Some(SharedPlan { counts: current.counts.clone(), making })
    }
}

impl Coordinator {
    /// A plan from fresh looks for a viewer: the one that is being made if the request is the same.
    pub fn shared_plan(self: &Arc<Self>, ask: &PlanAsk, by: &str) -> SharedPlan {
        let ask = self.wanted(ask, by);
        if let Some(same) = self.plans.same(&ask) {
            return same;
        }
        let counts = Counts::default();
        let (me, wanted, by, told) = (self.clone(), ask.clone(), by.to_string(), counts.clone());
        let making = async move { me.make(wanted, &by, &told).await.map_err(Arc::new) }.boxed().shared();
        if let Some(weak) = making.downgrade() {
            *self.plans.current() = Some(Current { ask, counts: counts.clone(), making: weak });
        }
        SharedPlan { counts, making }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Settings;
    use crate::journal::MemoryJournal;
    use crate::testing::{Fleet, assemble, name, options, store};
    use std::time::Duration;
    use tokio::time::Instant;

    fn ask() -> PlanAsk {
        PlanAsk::to("v1.32.9".parse().unwrap())
    }

    /// A node hangs, so that a plan takes the time limit of a survey: a minute.
    fn slow() -> (Arc<Fleet>, Arc<Coordinator>) {
        let fleet = Fleet::new();
        fleet.lock().silent.insert(name("dgx030"));
        let settings = Settings { options: options(), ..Settings::default() };
        let coordinator = assemble(&fleet, store(&MemoryJournal::new()), "one", settings);
        (fleet, coordinator)
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_for_the_same_get_the_same_plan() {
        let (_fleet, coordinator) = slow();
        let begin = Instant::now();
        let first = coordinator.shared_plan(&ask(), "eve");
        let progress = first.progress();
        let later = async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let second = coordinator.shared_plan(&ask(), "bob");
            assert!(!second.progress().borrow().is_empty(), "it is under way");
            second.made().await.unwrap()
        };
        let (first, second) = tokio::join!(first.made(), later);
        assert!(Arc::ptr_eq(&first.unwrap(), &second) && !progress.borrow().is_empty());
        assert!(begin.elapsed() < Duration::from_secs(61), "{:?}", begin.elapsed());
        let third = coordinator.shared_plan(&ask(), "eve").made().await.unwrap();
        assert!(!Arc::ptr_eq(&third, &second), "a plan that is made is not made anew from old looks");
    }

    #[tokio::test(start_paused = true)]
    async fn different_plans_are_made_one_after_another() {
        let (_fleet, coordinator) = slow();
        let begin = Instant::now();
        let other = PlanAsk { max_unavailable: "2".parse().ok(), ..ask() };
        let (one, two) = (coordinator.shared_plan(&ask(), "eve"), coordinator.shared_plan(&other, "bob"));
        let (one, two) = tokio::join!(one.made(), two.made());
        assert!(one.is_ok() && two.is_ok() && begin.elapsed() >= Duration::from_secs(120));
    }

    #[tokio::test(start_paused = true)]
    async fn the_work_ends_with_the_last_who_waits_for_it() {
        let (_fleet, coordinator) = slow();
        let shared = coordinator.shared_plan(&ask(), "eve");
        let waited = tokio::time::timeout(Duration::from_secs(5), shared.made()).await;
        assert!(waited.is_err());
        let begin = Instant::now();
        coordinator.shared_plan(&ask(), "eve").made().await.unwrap();
        assert!(begin.elapsed() >= Duration::from_secs(60), "nothing of the first one is left");
    }
}
