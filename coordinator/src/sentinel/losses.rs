//! What is lost and not back yet: journaled when it is noticed, judged each second, and handed to a repair of its own.

use super::Sentinel;
use super::baseline::Baseline;
use super::keeper::Heard;
use super::mend::Job;
use super::verdict::{Case, Verdict, verdict};
use jiff::{SignedDuration, Timestamp};
use podlift_engine::Severity;
use podlift_engine::issues::{Mend, Writer};
use podlift_engine::machine::Event;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::task::{Id, JoinSet};

/// Losses of the present baseline.
#[derive(Default)]
pub(super) struct Losses(BTreeMap<Mend, Loss>);

struct Loss {
    since: Timestamp,
    what: String,
    /// When the last repair ended; a failed one is tried again after a pause.
    ended: Option<Timestamp>,
}

/// Repairs that are under way, also those of an earlier record: one of an object at a time.
#[derive(Default)]
pub(super) struct Mends {
    tasks: JoinSet<()>,
    /// With the time of the loss that is repaired.
    busy: HashMap<Id, (Mend, Timestamp)>,
}

impl Mends {
    fn is_busy(&self, mend: &Mend) -> bool {
        self.busy.values().any(|(busy, _)| busy == mend)
    }

    fn begin(&mut self, mend: &Mend, since: Timestamp, repair: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(repair).id();
        self.busy.insert(id, (mend.clone(), since));
    }

    /// The next repair that ends, with the time of its loss; `None` if none is under way.
    pub async fn next(&mut self) -> Option<(Mend, Timestamp)> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.busy.remove(&id)
    }
}

/// Time after which a repair that has ended, while the object is still gone, is followed by another one.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The name of a row, which stays while the object is gone.
pub(super) fn key(mend: &Mend) -> String {
    format!("{}/{}", mend.issue(), mend.object())
}

impl Sentinel {
    pub(super) fn heard(&self, baseline: &Baseline, losses: &mut Losses, heard: Heard) {
        match heard {
            Heard::Lost { mend, by } => {
                let what = format!("{} is gone{}", mend.object(), written(by.as_ref()));
                let event =
                    Event::ObjectLost { object: mend.object(), issue: mend.issue(), what: what.clone(), by };
                self.write(baseline.run(), event);
                losses.0.insert(mend, Loss { since: self.clock.now(), what, ended: None });
            }
            Heard::Back(mend) => {
                losses.0.remove(&mend);
                self.clear(&key(&mend), format!("{} is there again", mend.object()));
            }
        }
    }

    /// A repair ended; if the object is still gone, the next one waits. An object that was back in between and is lost anew waits for nothing.
    pub(super) fn ended(&self, losses: &mut Losses, (mend, since): &(Mend, Timestamp)) {
        if let Some(loss) = losses.0.get_mut(mend).filter(|loss| loss.since == *since) {
            loss.ended = Some(self.clock.now());
        }
    }

    /// Begins the repairs that may begin, and reports the rest.
    pub(super) fn judge(self: &Arc<Self>, baseline: &Baseline, losses: &Losses, mends: &mut Mends) {
        if losses.0.is_empty() {
            return;
        }
        let now = self.clock.now();
        let run = baseline.run().and_then(|run| self.store.run(run));
        for (mend, loss) in &losses.0 {
            if mends.is_busy(mend) || loss.ended.is_some_and(|at| now.duration_since(at) < PAUSE) {
                continue;
            }
            let mended = self.store.mended(&mend.object());
            let case = Case {
                mend,
                mode: self.settings.mode,
                run: run.as_deref(),
                options: &self.options,
                mended: &mended,
                commands: self.fence.commanding().is_some(),
                copy: self.has_copy(mend),
                now,
            };
            match verdict(&case) {
                Verdict::Mend => {
                    let job = Job { baseline: baseline.clone(), mend: mend.clone(), since: loss.since };
                    mends.begin(mend, loss.since, self.clone().mend(job));
                }
                Verdict::Leave { why, next } => self.saw(mend, format!("{}; {why}", loss.what), next),
            }
        }
    }

    /// A service may come from a sealed set, too; a secret only from memory.
    fn has_copy(&self, mend: &Mend) -> bool {
        match mend {
            Mend::RestoreSecret { namespace, name } => self.keeper.secret(namespace, name).is_some(),
            _ => true,
        }
    }

    /// Writes what is seen, unless exactly that was written last.
    pub(super) fn saw(&self, mend: &Mend, what: String, next: String) {
        self.see(super::look::Row {
            key: key(mend),
            issue: Some(mend.issue()),
            severity: Severity::Blocker,
            what,
            evidence: vec![],
            next,
        });
    }
}

fn written(by: Option<&Writer>) -> String {
    match by {
        Some(Writer { name, at: Some(at), .. }) => format!("; {name} was its last writer, at {at}"),
        Some(Writer { name, .. }) => format!("; {name} was its last writer"),
        None => String::new(),
    }
}
