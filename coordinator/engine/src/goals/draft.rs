//! Phases before their steps have numbers, for the orders of all goals.

use crate::inventory::NodeEntry;
use crate::program::{Lane, Phase, StepSpec};
use crate::steps::{EtcdSnapshot, ManifestBackup, SealBackup, StepKind, Validate};
use podlift_model::{NodeName, StepId};

pub(super) struct Draft {
    pub name: &'static str,
    pub title: &'static str,
    pub why: &'static str,
    pub parallel: u32,
    pub lanes: Vec<(Option<NodeName>, Vec<StepKind>)>,
}

/// The sealed backup, which comes before the first change whatever the goal is.
pub(super) fn backup(servers: &[&NodeEntry]) -> Draft {
    let first = servers.first().map(|n| n.name.clone());
    let mut lanes: Vec<_> =
        servers.iter().map(|n| (Some(n.name.clone()), vec![ManifestBackup {}.into()])).collect();
    if first.is_some() {
        lanes.insert(0, (first, vec![EtcdSnapshot {}.into()]));
    }
    // One lane at a time, so that the seal comes last.
    lanes.push((None, vec![SealBackup {}.into()]));
    Draft {
        name: "backup",
        title: "Backup, verified and sealed",
        why: "nothing is changed before there is a way back that has been verified",
        parallel: 1,
        lanes,
    }
}

/// The last phase of every run.
pub(super) fn validation() -> Draft {
    Draft {
        name: "validate",
        title: "Validation",
        why: "a person signs only what was looked at after everything else was over",
        parallel: 1,
        lanes: vec![(None, vec![Validate {}.into()])],
    }
}

/// Numbers the steps over all phases, in order.
pub(super) fn number(drafts: impl Iterator<Item = Draft>) -> Vec<Phase> {
    let mut number = 0;
    let mut step = |phase: &str, node: &Option<NodeName>, kind: StepKind| {
        number += 1;
        let verb = kind.step().verb();
        let text = node.as_ref().map_or(format!("{phase}/{verb}"), |n| format!("{phase}/{n}/{verb}"));
        // Phase and verb are constants and node names are validated, so the id is always valid.
        let id = StepId::new(text).unwrap_or_else(|e| unreachable!("{e}"));
        StepSpec { number, id, phase: phase.into(), node: node.clone(), kind }
    };
    drafts
        .map(|draft| {
            let lanes = draft.lanes.into_iter().map(|(node, kinds)| {
                let steps = kinds.into_iter().map(|kind| step(draft.name, &node, kind)).collect();
                Lane { node, steps }
            });
            Phase {
                name: draft.name.into(),
                title: draft.title.into(),
                why: draft.why.into(),
                parallel: draft.parallel,
                batches: vec![],
                not_taken: Default::default(),
                ends_in_seconds: None,
                lanes: lanes.collect(),
            }
        })
        .collect()
}
