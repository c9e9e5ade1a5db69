//! How long nothing could be learned of a component. After ten minutes that is logged once, and again only if something was learned in
//! between. Pure; the time is an argument.

use podlift_model::op::Component;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// An API server that starts, moves or is upgraded stays unlearned for minutes, which is no reason for an alarm.
pub(super) const LONG: Duration = Duration::from_secs(600);

#[derive(Default)]
pub(super) struct Patience(BTreeMap<Component, Waiting>);

struct Waiting {
    since: Instant,
    said: bool,
}

impl Patience {
    pub fn waits(&self, component: Component) -> bool {
        self.0.contains_key(&component)
    }

    pub fn forget(&mut self, component: Component) {
        self.0.remove(&component);
    }

    /// Returns true if it logged now.
    pub fn unlearned(&mut self, component: Component, why: &str, now: Instant) -> bool {
        let waiting = self.0.entry(component).or_insert(Waiting { since: now, said: false });
        if waiting.said || now.duration_since(waiting.since) < LONG {
            return false;
        }
        waiting.said = true;
        tracing::warn!(
            %component,
            why,
            minutes = LONG.as_secs() / 60,
            "nothing could be learned of this component: a broken manifest of it can't be restored until that is mended"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_said_once_after_ten_minutes() {
        let (mut patience, api) = (Patience::default(), Component::KubeApiserver);
        let mut said = Vec::new();
        for minute in 0..30 {
            if minute == 25 {
                patience.forget(api);
            }
            if patience.unlearned(api, "no crictl", Instant::now()) {
                said.push(minute);
            }
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        assert_eq!(said, [10], "once, and the time begins anew when something was learned");
    }
}
