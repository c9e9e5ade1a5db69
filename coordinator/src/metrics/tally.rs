//! Counters and durations, folded from the records of the journal and of its archives. A restarted coordinator counts the same, so no
//! counter ever falls.
//! `next` gives the next record, so that no event is counted twice.

use jiff::Timestamp;
use podlift_common::metrics::Labels;
use podlift_engine::issues::IssueName;
use podlift_engine::machine::{Event, Record};
use podlift_model::{OpOutcome, RunId, StepId};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;

/// Buckets in seconds, from the loss of an object to the end of its repair.
const MENDS: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 15.0, 60.0];
/// Buckets in seconds, from a look to an image pull over a slow link.
const STEPS: [f64; 11] = [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];

type Seconds = Counter<f64, AtomicU64>;

pub(super) struct Tally {
    seen: u64,
    /// Runs whose records were counted from their archives. The journal may still hold some of these records.
    archived: BTreeSet<RunId>,
    /// Steps of the open run that began and are not over.
    began: BTreeMap<(RunId, StepId), Timestamp>,
    steps: Family<Labels, Histogram>,
    ops: Family<Labels, Counter>,
    failures: Family<Labels, Counter>,
    pauses: Family<Labels, Counter>,
    heals: Family<Labels, Counter>,
    last_heal: Gauge<f64, AtomicU64>,
    losses: Counter,
    forgotten: Counter,
    outages: Family<Labels, Seconds>,
    lost: Family<Labels, Counter>,
    mends: Family<Labels, Counter>,
    mended: Histogram,
}

impl Default for Tally {
    fn default() -> Self {
        let ops = Family::<Labels, Counter>::default();
        for outcome in ["done", "failed", "indeterminate"] {
            drop(ops.get_or_create(&vec![("outcome", outcome.to_string())]));
        }
        let (lost, mends) = (Family::<Labels, Counter>::default(), Family::<Labels, Counter>::default());
        for issue in [IssueName::LoadBalancers, IssueName::IngressTls] {
            drop(lost.get_or_create(&vec![("issue", issue.to_string())]));
        }
        for result in ["ok", "failed"] {
            drop(mends.get_or_create(&vec![("result", result.to_string())]));
        }
        Self {
            lost,
            mends,
            mended: Histogram::new(MENDS),
            seen: 0,
            archived: BTreeSet::new(),
            began: BTreeMap::new(),
            steps: Family::new_with_constructor(|| Histogram::new(STEPS)),
            ops,
            failures: Family::default(),
            pauses: Family::default(),
            heals: Family::default(),
            last_heal: Gauge::default(),
            losses: Counter::default(),
            forgotten: Counter::default(),
            outages: Family::default(),
        }
    }
}

impl Tally {
    pub fn register(&self, to: &mut Registry) {
        let seconds = Unit::Seconds;
        to.register_with_unit(
            "step_duration",
            "From the first wait or op of a step to its end, by kind; steps that were found done are left out",
            seconds.clone(),
            self.steps.clone(),
        );
        to.register("ops", "Mutations that ended, by outcome", self.ops.clone());
        to.register("step_failures", "Steps that failed, by kind", self.failures.clone());
        to.register("pauses", "Pauses of runs: by podlift itself, or by an operator", self.pauses.clone());
        to.register("heals", "Repairs of manifests that agents reported, by rule", self.heals.clone());
        to.register_with_unit(
            "last_heal_timestamp",
            "When the newest repair was written to the journal; 0: there was none",
            seconds.clone(),
            self.last_heal.clone(),
        );
        to.register("sessions_lost", "Sessions of nodes of an open run that ended", self.losses.clone());
        to.register("ledgers_changed", "Agents that came back without their memory", self.forgotten.clone());
        to.register_with_unit(
            "api_outage",
            "Time in which an API endpoint did not answer while a run was open, counted when it answers again",
            seconds.clone(),
            self.outages.clone(),
        );
        to.register("sentinel_lost", "Objects of the record that went, by issue", self.lost.clone());
        to.register("sentinel_mends", "Repairs of lost objects that ended, by result", self.mends.clone());
        let help = "From the loss of an object to the end of its repair";
        to.register_with_unit("sentinel_mend_duration", help, seconds, self.mended.clone());
    }

    /// Number of the first record that was not counted yet.
    pub fn next(&self) -> u64 {
        self.seen + 1
    }

    pub fn take(&mut self, record: &Record) {
        // The query skips records of archived runs.
        if record.seq < self.next() {
            return;
        }
        self.seen = record.seq;
        if record.run.as_ref().is_none_or(|run| !self.archived.contains(run)) {
            self.count(record);
        }
    }

    /// True before the first record.
    pub fn is_new(&self) -> bool {
        self.seen == 0
    }

    /// Records of these runs are counted from their archives, and not from the journal.
    pub fn leave_out(&mut self, runs: impl IntoIterator<Item = RunId>) {
        self.archived.extend(runs);
    }

    pub fn take_archived(&mut self, record: &Record) {
        self.count(record);
    }

    fn count(&mut self, record: &Record) {
        match &record.event {
            Event::StepStarted { step, .. } | Event::StepWaiting { step, .. } => self.begin(record, step),
            Event::StepDone { step, .. } => self.end(record, step),
            Event::StepFailed { step, .. } => {
                self.end(record, step);
                inc(&self.failures, "step", kind(step));
            }
            Event::OpEnded { outcome, .. } => inc(&self.ops, "outcome", outcome_name(outcome)),
            Event::RunPaused { by, .. } => {
                inc(&self.pauses, "by", if by.is_some() { "operator" } else { "podlift" });
            }
            Event::Healed { heal } => {
                heal.rules.iter().for_each(|rule| inc(&self.heals, "rule", rule));
                self.last_heal.set(podlift_common::metrics::seconds(record.at));
            }
            Event::AgentLost { .. } => drop(self.losses.inc()),
            Event::LedgerChanged { .. } => drop(self.forgotten.inc()),
            Event::ApiUp { endpoint, milliseconds } => {
                let labels = vec![("endpoint", endpoint.clone())];
                self.outages.get_or_create(&labels).inc_by(*milliseconds as f64 / 1000.0);
            }
            Event::ObjectLost { issue, .. } => inc(&self.lost, "issue", issue.name()),
            Event::MendEnded { result, milliseconds, .. } => {
                inc(&self.mends, "result", if result.is_ok() { "ok" } else { "failed" });
                self.mended.observe(*milliseconds as f64 / 1000.0);
            }
            // Steps that began and did not end never will end.
            Event::RunSucceeded | Event::RunAborted { .. } => {
                self.began.retain(|(run, _), _| Some(run) != record.run.as_ref());
            }
            _ => {}
        }
    }

    fn begin(&mut self, record: &Record, step: &StepId) {
        if let Some(run) = &record.run {
            self.began.entry((run.clone(), step.clone())).or_insert(record.at);
        }
    }

    fn end(&mut self, record: &Record, step: &StepId) {
        let began = record.run.clone().and_then(|run| self.began.remove(&(run, step.clone())));
        let Some(began) = began else { return };
        // A wall clock that was set back must not cause a negative duration.
        let took = record.at.duration_since(began).as_secs_f64().max(0.0);
        self.steps.get_or_create(&vec![("step", kind(step).to_string())]).observe(took);
    }
}

fn inc(family: &Family<Labels, Counter>, name: &'static str, value: &str) {
    family.get_or_create(&vec![(name, value.to_string())]).inc();
}

/// The kind of a step, without its node: the last part of its id.
fn kind(step: &StepId) -> &str {
    step.as_str().rsplit('/').next().unwrap_or_default()
}

fn outcome_name(outcome: &OpOutcome) -> &'static str {
    match outcome {
        OpOutcome::Done { .. } => "done",
        OpOutcome::Failed { .. } => "failed",
        OpOutcome::Indeterminate { .. } => "indeterminate",
    }
}
