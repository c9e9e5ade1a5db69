//! Documents of older versions are complete once they are read, and a step keeps its own value.

use super::*;
use crate::goals::upgrade::build;
use crate::machine::{Event, Record};
use crate::steps::{NodeReady, StepKind};
use crate::testing::input;

/// The program of the frozen journal, whose steps have no parameters in the document.
fn of_old() -> Program {
    let text = include_str!("../machine/fixtures/journal-0.1.0.jsonl");
    let records = text.lines().map(|line| serde_json::from_str::<Record>(line).unwrap());
    let mut programs = records.filter_map(|r| match r.event {
        Event::RunStarted { plan, .. } => Some(*plan),
        _ => None,
    });
    programs.next().unwrap()
}

fn kinds(program: &Program) -> Vec<&StepKind> {
    program.steps().map(|s| &s.kind).collect()
}

#[test]
fn steps_of_an_old_document_take_what_the_goal_says() {
    let (old, now) = (of_old(), build(&input()).unwrap());
    assert_eq!((old.from(), old.to()), (now.from(), now.to()));
    // Steps that were added since are not in it. Each step in it equals the one that would be made now.
    assert!(kinds(&old).len() > 50 && kinds(&old).iter().all(|k| kinds(&now).contains(k)));
    assert!(kinds(&old).contains(&&StepKind::from(NodeReady::at(old.to()))));
}

#[test]
fn a_value_of_its_own_is_written_and_read() {
    let mut program = build(&input()).unwrap();
    let usual = serde_json::to_string(&program).unwrap();
    let own = |text: &str| text.matches(r#""step":"node-ready","version":"v1.31.9""#).count();
    assert_eq!(own(&usual), 0, "what all steps share is written once");
    let back = Given::own(program.from());
    let steps = program.phases.iter_mut().flat_map(|p| &mut p.lanes).flat_map(|l| &mut l.steps);
    for step in steps.filter(|s| s.kind.step().verb() == "node-ready") {
        step.kind = NodeReady { version: back.clone() }.into();
    }
    let text = serde_json::to_string(&program).unwrap();
    assert_eq!(serde_json::from_str::<Program>(&text).unwrap(), program);
    assert_eq!(own(&text), program.inventory.nodes.len());
}

#[test]
fn every_kind_of_step_is_whole_after_it_was_written_without_its_parameters() {
    let shared = Shared {
        to: podlift_model::KubeVersion::new(1, 32, 9),
        packages: podlift_model::op::Package::ALL
            .iter()
            .map(|p| (*p, "1.32.9-1.1".parse().unwrap()))
            .collect(),
        addons: podlift_model::op::Addon::ALL.to_vec(),
        ignore: podlift_model::op::Preflight::ALL.to_vec(),
    };
    for kind in StepKind::samples() {
        let text = serde_json::to_string(&kind).unwrap();
        assert!(!text.contains("1.32"), "{text}");
        let mut read: StepKind = serde_json::from_str(&text).unwrap();
        read.complete(&shared);
        assert_eq!(read, kind);
    }
}
