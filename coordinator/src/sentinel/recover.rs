//! Repairs that an earlier coordinator began and did not end: whether the object is there, a service with the addresses of the record,
//! decides, and nothing is made blindly.

use super::Sentinel;
use super::baseline::Baseline;
use crate::journal::{JournalError, Query, each};
use jiff::Timestamp;
use podlift_engine::issues::Mend;
use podlift_engine::machine::Event;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::RunId;
use podlift_model::survey::Seen;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// Time between two looks at an object while the API does not answer.
const AGAIN: Duration = Duration::from_secs(1);

struct Begun {
    seq: u64,
    at: Timestamp,
    run: Option<RunId>,
    mend: Mend,
}

impl Sentinel {
    pub(super) async fn recover(&self) {
        for (object, begun) in self.unfinished() {
            let result = self.seen(&begun.mend).await;
            let took = self.clock.now().duration_since(begun.at).as_millis();
            let milliseconds = u64::try_from(took).unwrap_or(0);
            let event = Event::MendEnded { object, issue: begun.mend.issue(), result, milliseconds };
            self.write(begun.run.as_ref(), event);
        }
    }

    /// The last repair of each object, if its end is not in the journal.
    fn unfinished(&self) -> BTreeMap<String, Begun> {
        let mut begun: BTreeMap<String, Begun> = BTreeMap::new();
        let reader = self.store.reader().as_ref();
        let read = each(reader, Query::kind("mend-started"), |row| {
            let record = row.record()?;
            if let Event::MendStarted { object, mend, .. } = record.event {
                begun.insert(object, Begun { seq: record.seq, at: record.at, run: record.run, mend });
            }
            Ok::<_, JournalError>(())
        });
        let ended = read.and_then(|()| {
            each(reader, Query::kind("mend-ended"), |row| {
                let record = row.record()?;
                if let Event::MendEnded { object, .. } = &record.event
                    && begun.get(object).is_some_and(|b| b.seq < record.seq)
                {
                    begun.remove(object);
                }
                Ok::<_, JournalError>(())
            })
        });
        if let Err(error) = ended {
            tracing::error!(%error, "repairs of an earlier coordinator can't be read");
            return BTreeMap::new();
        }
        begun
    }

    async fn seen(&self, mend: &Mend) -> Seen<String> {
        let there = match mend {
            Mend::RestoreService { namespace, name } => {
                ClusterLook::Service { namespace: namespace.clone(), name: name.clone() }
            }
            Mend::RestoreSecret { namespace, name } => {
                ClusterLook::Secret { namespace: namespace.clone(), name: name.clone() }
            }
            Mend::RestartRollout { .. } | Mend::RemoveOperator => {
                return Err("only a run can repair it: podlift repair".into());
            }
        };
        loop {
            match self.performer.cluster.look(&there).await {
                Ok(ClusterReply::Service(Some(service))) => {
                    let Some(baseline) = Baseline::of(&self.store, self.settings.mode) else { break };
                    let (namespace, name) = (&service.view.namespace, &service.view.name);
                    let before = baseline.addresses(namespace, name);
                    return self.with_address(namespace, name, &before, &service.raw).await;
                }
                Ok(ClusterReply::Secret(view)) if view.exists => break,
                Ok(_) => {
                    return Err(format!("the coordinator ended before it could create {}", mend.object()));
                }
                Err(failure) if failure.class == podlift_model::FailureClass::Transient => sleep(AGAIN).await,
                Err(failure) => return Err(failure.message),
            }
        }
        Ok(format!("{} is there, as a look after the coordinator's restart shows", mend.object()))
    }
}
