//! A journal that is made, not lived: legal runs of a large fleet, each event folded as the coordinator would fold it, written without an
//! fsync a record in the first format of the file.

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use podlift_engine::goals::upgrade::build;
use podlift_engine::inventory::Inventory;
use podlift_engine::machine::{Event, Record, RunState, advance, apply, seal};
use podlift_engine::program::{Evidence, Program, StepSpec};
use podlift_engine::testing::survey::node_survey;
use podlift_engine::testing::{input, name};
use podlift_model::heal::HealEvent;
use podlift_model::{Digest, NodeName, OpOutcome, RunId};
use rusqlite::{Connection, params};
use std::path::Path;

/// After every run that is made.
pub const LATER: &str = "2030-01-01";
const BEGAN: i64 = 1_790_000_000;

const FORMAT_1: &str = "
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE records (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
BEGIN;
";

/// Name of a worker by its number.
pub fn worker(n: u32) -> String {
    format!("dgx{:05}", n + 10_000)
}

pub fn write(path: &Path, records: u64, nodes: u32) -> anyhow::Result<()> {
    let db = Connection::open(path)?;
    db.execute_batch(FORMAT_1)?;
    let mut made = Made { db, last: None, state: None, left: records };
    let plan = plan(nodes)?;
    for number in 1.. {
        made.run(&RunId::new(format!("20260921-00000{number}-made"))?, &plan)?;
        if made.left == 0 {
            break;
        }
    }
    made.end()
}

/// The small fleet of the engine's tests, with more workers like its own.
fn plan(nodes: u32) -> anyhow::Result<Program> {
    let mut i = input();
    let like = i.inventory.get(&name("dgx030")).context("the worker that is copied")?.clone();
    let mut entries = i.inventory.nodes.clone();
    let more = nodes.saturating_sub(u32::try_from(entries.len())?);
    for n in 0..more {
        let node = name(&worker(n));
        let mut entry = like.clone();
        (entry.name, entry.view.name) = (node.clone(), node.clone());
        if let Some(facts) = entry.facts.as_mut() {
            facts.node = node.clone();
        }
        entries.push(entry);
        i.surveys.insert(node.clone(), Ok(node_survey(false)));
        i.offers.insert(node, i.offers[&name("dgx030")].clone());
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    i.inventory = Inventory { nodes: entries };
    Ok(build(&i)?)
}

struct Made {
    db: Connection,
    last: Option<Record>,
    state: Option<RunState>,
    left: u64,
}

impl Made {
    /// Every step of the plan in its order, as far as the records go.
    fn run(&mut self, run: &RunId, plan: &Program) -> anyhow::Result<()> {
        self.state = None;
        self.put(run, Event::RunStarted { plan: Box::new(plan.clone()), by: "bench".into() })?;
        for (i, step) in plan.steps().enumerate() {
            self.step(run, step)?;
            if let Some(node) = step.node.as_ref().filter(|_| i % 50 == 0) {
                self.put(run, Event::Healed { heal: heal(node, i) })?;
            }
        }
        self.put(run, Event::RunSucceeded)
    }

    fn step(&mut self, run: &RunId, step: &StepSpec) -> anyhow::Result<()> {
        let (attempt, op_id) = self.state.as_ref().context("a run")?.next_op(step);
        let id = || step.id.clone();
        self.put(run, Event::StepWaiting { step: id(), reason: "the lane before it is at work".into() })?;
        self.put(run, Event::StepStarted { step: id(), attempt, op_id: op_id.clone(), ledger: None })?;
        self.put(run, Event::OpEnded { step: id(), op_id, outcome: OpOutcome::changed("as asked") })?;
        let what = "seen as it must be: version, hold, service and readiness".to_string();
        let evidence = match step.kind.step().seals() {
            true => Evidence::BackupSealed { hash: Digest::of("sealed"), revision: 1, what, backup: None },
            false => Evidence::Seen { what },
        };
        self.put(run, Event::StepDone { step: id(), evidence })
    }

    /// Nothing more where all records are made.
    fn put(&mut self, run: &RunId, event: Event) -> anyhow::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        let seq = self.last.as_ref().map_or(0, |r| r.seq);
        let at = Timestamp::from_second(BEGAN)? + SignedDuration::from_secs(seq.try_into()?);
        match self.state.as_mut() {
            Some(state) => advance(state, at, &event)?,
            None => self.state = Some(apply(None, run, at, &event)?),
        }
        let record = seal(self.last.as_ref(), at, Some(run.clone()), None, event);
        let json = serde_json::to_string(&record)?;
        self.db
            .prepare_cached("INSERT INTO records (seq, hash, json) VALUES (?1, ?2, ?3)")?
            .execute(params![i64::try_from(record.seq)?, record.hash.as_str(), json])?;
        self.last = Some(record);
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        let last = self.last.context("a journal without records")?;
        self.db.execute(
            "INSERT INTO head (id, seq, hash) VALUES (1, ?1, ?2)",
            params![i64::try_from(last.seq)?, last.hash.as_str()],
        )?;
        self.db.execute_batch("COMMIT;")?;
        ensure!(self.db.close().is_ok(), "the journal could not be closed");
        Ok(())
    }
}

fn heal(node: &NodeName, number: usize) -> HealEvent {
    HealEvent {
        id: format!("h{number}"),
        node: node.clone(),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: Timestamp::UNIX_EPOCH,
        latency_us: 900,
        before: Digest::of("before"),
        after: Digest::of("after"),
        diff: "-    - --etcd-servers=\n+    - --etcd-servers=https://10.77.0.11:2379\n".into(),
    }
}
