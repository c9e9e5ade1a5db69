//! One repair: its intent is durable before the change, and its result is what was seen afterwards.

use super::Sentinel;
use super::baseline::Baseline;
use super::losses::key;
use super::verdict::show;
use crate::fold::CREATED;
use jiff::Timestamp;
use podlift_engine::issues::{Mend, helm, raw};
use podlift_engine::machine::Event;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::survey::Seen;
use podlift_model::{Failure, FailureClass};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a change is repeated while the API does not answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a service may wait for its address.
const ADDRESS: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(100);

/// A repair that was decided.
pub(super) struct Job {
    pub baseline: Baseline,
    pub mend: Mend,
    /// When the object was lost.
    pub since: Timestamp,
}

impl Sentinel {
    pub(super) async fn mend(self: Arc<Self>, job: Job) {
        let (object, issue) = (job.mend.object(), job.mend.issue());
        let started = Event::MendStarted { object: object.clone(), issue, mend: job.mend.clone() };
        // Without a durable intent nothing is changed.
        if !self.write(job.baseline.run(), started) {
            return;
        }
        let restored = async {
            let result = self.restored(&job).await;
            let took = self.clock.now().duration_since(job.since).as_millis();
            (result, u64::try_from(took).unwrap_or(0))
        };
        let ((result, milliseconds), by) = tokio::join!(restored, self.deleted_by(&job.baseline, &job.mend));
        let result = result.map(|what| format!("{what}{by}")).map_err(|why| format!("{why}{by}"));
        match &result {
            Ok(what) => self.clear(&key(&job.mend), what.clone()),
            Err(why) => self.saw(&job.mend, format!("{object}: {why}"), show(&job.mend)),
        }
        self.write(job.baseline.run(), Event::MendEnded { object, issue, result, milliseconds });
    }

    async fn restored(&self, job: &Job) -> Seen<String> {
        let run = job.baseline.run().cloned();
        match &job.mend {
            Mend::RestoreService { namespace, name } => {
                let addresses = job.baseline.addresses(namespace, name);
                let copy = self.copy_of_service(&job.baseline, namespace, name).await?;
                let object = raw::cleaned_service(&copy, &addresses);
                let object = Box::new(object.map_err(|e| format!("its copy can't be used: {e}"))?);
                self.change(&ClusterAct::RestoreService { object, run }).await.map_err(words)?;
                self.with_address(namespace, name, &addresses, &copy).await
            }
            Mend::RestoreSecret { namespace, name } => {
                let (namespace, name) = (namespace.clone(), name.clone());
                let act = ClusterAct::RestoreSecret { namespace: namespace.clone(), name: name.clone(), run };
                let said = self.change(&act).await.map_err(words)?;
                match self
                    .performer
                    .cluster
                    .look(&ClusterLook::Secret { namespace, name })
                    .await
                    .map_err(words)?
                {
                    ClusterReply::Secret(view) if view.exists => Ok(said),
                    _ => Err(format!("{CREATED}, and is gone again")),
                }
            }
            // These need a person, so a run makes them.
            Mend::RestartRollout { .. } | Mend::RemoveOperator => {
                Err("only a run can repair it: podlift repair".into())
            }
        }
    }

    /// In an open run the sealed set comes first, with which the run compares.
    async fn copy_of_service(&self, baseline: &Baseline, namespace: &str, name: &str) -> Seen<Value> {
        if !baseline.open
            && let Some(copy) = self.keeper.service(namespace, name)
        {
            return Ok(copy);
        }
        let look = ClusterLook::KeptService { namespace: namespace.into(), name: name.into() };
        match self.performer.cluster.look(&look).await.map_err(words)? {
            ClusterReply::Kept(Some(copy)) => Ok(copy),
            _ => Err("no sealed set has a copy of it: podlift backup list".into()),
        }
    }

    /// Makes the change, again while the API does not answer. A repetition is harmless: it only creates.
    async fn change(&self, act: &ClusterAct) -> Result<String, Failure> {
        let until = Instant::now() + PATIENCE;
        loop {
            let epoch = self.fence.commanding();
            let epoch =
                epoch.ok_or_else(|| Failure::operator("read-only", "this coordinator may not command"))?;
            match self.performer.cluster.act(act, &epoch).await {
                Err(failure) if failure.class == FailureClass::Transient && Instant::now() < until => {
                    sleep(AGAIN).await;
                }
                ended => return ended,
            }
        }
    }

    /// Waits for the address that the service had. Another one is a failure that names both, and a provider that gives none is named by its
    /// own event.
    pub(super) async fn with_address(
        &self,
        namespace: &str,
        name: &str,
        before: &[String],
        copy: &Value,
    ) -> Seen<String> {
        let until = Instant::now() + ADDRESS;
        let look = ClusterLook::Service { namespace: namespace.into(), name: name.into() };
        let had = loop {
            // An API that does not answer now has taken the service already.
            let now = match self.performer.cluster.look(&look).await {
                Ok(ClusterReply::Service(Some(service))) => service.view.addresses,
                Ok(ClusterReply::Service(None)) => {
                    return Err(format!("{CREATED} again, and is gone once more"));
                }
                _ => vec![],
            };
            match same(&now, before) {
                Some(true) => {
                    return Ok(format!("service {namespace}/{name} is there again with {}", text(&now)));
                }
                Some(false) => {
                    return Err(format!("{CREATED} again with {}, it had {}", text(&now), text(before)));
                }
                None if Instant::now() >= until => break now,
                None => sleep(AGAIN).await,
            }
        };
        let due: Vec<String> = before.iter().filter(|address| !had.contains(address)).cloned().collect();
        let said = self.performer.cluster.said_about("Service", namespace, name).await.ok().flatten();
        let said = said.unwrap_or_else(|| "it has said nothing about it".into());
        let provider = podlift_engine::issues::providers::of(copy).name();
        let release = helm::hint(copy).unwrap_or_default();
        Err(format!(
            "{CREATED} again, and {provider} has not given it {} within {} s: {said}{release}",
            text(&due),
            ADDRESS.as_secs()
        ))
    }
}

/// Whether a service has the addresses that it had before; `None` if it has a part of them, which the others may follow.
fn same(now: &[String], before: &[String]) -> Option<bool> {
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    match (set(now), set(before)) {
        (now, before) if now == before => Some(true),
        (now, before) if now.is_subset(&before) => None,
        _ => Some(false),
    }
}

fn words(failure: Failure) -> String {
    failure.message
}

fn text(addresses: &[String]) -> String {
    if addresses.is_empty() { "no address".into() } else { format!("address {}", addresses.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_addresses_is_waited_for_and_another_one_is_not() {
        let list = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = list(&["10.77.0.90", "fd00::90"]);
        for (now, wanted) in [
            (vec![], None),
            (vec!["fd00::90"], None),
            (vec!["fd00::90", "10.77.0.90"], Some(true)),
            (vec!["10.77.0.91"], Some(false)),
            (vec!["10.77.0.90", "fd00::91"], Some(false)),
        ] {
            assert_eq!(same(&list(&now), &before), wanted, "{now:?}");
        }
        assert_eq!(same(&[], &[]), Some(true), "it never had one");
    }
}
