//! The parts of a program that every goal takes from the input in the same way.

use super::PlanInput;
use super::upgrade::{checks, fingerprint};
use crate::analysis::record_of;
use crate::program::{BcmPlan, Finding, Goal, JobRow, LeftOut, Mends, Phase, Program};
use podlift_model::Digest;

/// What a goal itself decides.
pub(super) struct Made {
    pub goal: Goal,
    pub mends: Mends,
    pub phases: Vec<Phase>,
    pub jobs: Vec<JobRow>,
    pub bcm: Option<BcmPlan>,
    pub findings: Vec<Finding>,
    pub left_out: Vec<LeftOut>,
}

/// The whole program, with its hash.
pub(super) fn assemble(input: &PlanInput, made: Made) -> Program {
    let surveys = input.surveys.iter().filter_map(|(n, s)| Some((n, s.as_ref().ok()?)));
    let mut fingerprints = fingerprint::fingerprints(input, &made.left_out);
    if let Some(bcm) = &made.bcm {
        fingerprints.insert("software images".into(), fingerprint::of_bcm(bcm));
    }
    let mut recorded = record_of(input.cluster_survey.as_ref(), surveys);
    recorded.carry(&input.carried());
    let program = Program {
        cluster: input.cluster.clone(),
        goal: made.goal,
        made_at: input.now,
        options: input.options.clone(),
        nodes: input.nodes.clone(),
        left_out: made.left_out,
        waivers: input.waivers.clone(),
        mends: made.mends,
        checked: checks::ids(input.goal),
        findings: made.findings,
        recorded,
        attestations: input.attestations.clone(),
        phases: made.phases,
        jobs: made.jobs,
        bcm: made.bcm,
        inventory: input.inventory.clone(),
        fingerprints,
        hash: Digest::of(""),
    };
    program.hashed()
}
