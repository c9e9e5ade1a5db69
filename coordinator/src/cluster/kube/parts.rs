//! The parts of a validation, looked at side by side.

use super::{KubeCluster, dns, events, gpu_operator, not_ready, planes, storage, survey, webhooks};
use crate::cluster::{NO_PROBES, Parts, PartsAsk};
use crate::dispatch::Progress;
use podlift_model::Failure;
use podlift_model::survey::Seen;
use std::time::Duration;

/// Time limit of one part without a probe.
const PART: Duration = Duration::from_secs(45);

impl KubeCluster {
    pub(super) async fn gather(&self, ask: &PartsAsk, told: &Progress) -> Parts {
        let (api, pods) = (&self.api, self.watches.as_ref().map(|w| w.pods.as_ref()));
        let (own, image) = (api.clone(), ask.image.clone());
        let storage = async {
            match ask.claims {
                true => to_its_end(async move { storage::claims(&own, image.as_deref()).await }).await,
                false => storage::classes(api, NO_PROBES).await.map_err(|failure| failure.message),
            }
        };
        let (own, image) = (api.clone(), ask.image.clone());
        let dns = async {
            match ask.dns {
                true => to_its_end(async move { dns::ask(&own, image.as_deref()).await }).await,
                false => Err(NO_PROBES.into()),
            }
        };
        let (
            images,
            static_pods,
            (load_balancers, served, unasked),
            not_ready,
            events,
            hardware,
            gpu_operator,
            storage,
            webhooks,
            dns,
        ) = tokio::join!(
            planes::images(api, self.servers.as_ref(), &ask.endpoints),
            part(told, "static pods", planes::static_pods(api)),
            survey::outside(api, self.certificates.as_ref()),
            part(told, "pods that are not Ready", not_ready::read(api, pods)),
            part(told, "events", events::warnings(api, ask.since)),
            part(told, "hardware", survey::hardware(api)),
            part(told, "the GPU operator", gpu_operator::read(api)),
            shown(told, "storage classes", storage),
            part(told, "admission webhooks", webhooks::read(api)),
            shown(told, "DNS", dns)
        );
        Parts {
            images,
            static_pods,
            load_balancers,
            served,
            unasked,
            not_ready,
            events,
            hardware,
            gpu_operator,
            storage,
            webhooks,
            dns,
        }
    }
}

/// A probe that makes objects deletes them at its end, so it goes on when nobody waits for the validation any more.
async fn to_its_end<T: Send + 'static>(probe: impl Future<Output = Seen<T>> + Send + 'static) -> Seen<T> {
    tokio::spawn(probe).await.unwrap_or_else(|error| Err(format!("the probe broke off: {error}")))
}

async fn shown<T>(told: &Progress, what: &str, look: impl Future<Output = T>) -> T {
    told(what.to_string());
    look.await
}

async fn part<T>(told: &Progress, what: &str, look: impl Future<Output = Result<T, Failure>>) -> Seen<T> {
    told(what.to_string());
    match tokio::time::timeout(PART, look).await {
        Ok(Ok(seen)) => Ok(seen),
        Ok(Err(failure)) => Err(failure.message),
        Err(_) => Err(format!("no answer within {} s", PART.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn a_probe_runs_to_its_end_when_its_validation_is_dropped() {
        let (swept, seen) = oneshot::channel();
        let probe = to_its_end(async move {
            sleep(Duration::from_secs(60)).await;
            swept.send(()).unwrap();
            Ok::<(), String>(())
        });
        assert!(timeout(Duration::from_millis(1), probe).await.is_err());
        seen.await.unwrap();
    }
}
