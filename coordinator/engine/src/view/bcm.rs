//! The software images of a run and BCM's books, folded from the plan and the states of its steps.

use super::checks::{SignOff, of_steps};
use crate::inventory::NodeRole;
use crate::machine::{RunState, RunStatus, StepStatus};
use crate::program::{BcmPlan, ImagePlan, StepSpec};
use crate::steps::StepKind;
use podlift_model::bcm::{CategoryName, ImageName};
use podlift_model::{NodeName, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the run has done in BCM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmReport {
    /// The head node whose agent ran BCM's tools, the last one if BCM has failed over.
    pub head: NodeName,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageReport>,
}

/// One software image of the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageReport {
    /// The image that the nodes had when the plan was made.
    pub from: ImageName,
    /// The image that they get: a clone of `from`, or `from` itself if it has the target's packages already.
    pub image: ImageName,
    pub role: NodeRole,
    /// Whether the image has the target's packages and is on all provisioners.
    pub ready: bool,
    /// Nodes to which the run has assigned the image.
    pub assigned: Vec<NodeName>,
    /// Those of them to which BCM has written it. The others have the packages already, and get the rest at their next sync.
    pub synced: Vec<NodeName>,
    /// Nodes of the run that have not got the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<NodeName>,
    /// Categories that have the image, so that it is the image of their new nodes, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryName>,
    /// Nodes outside of the run that keep `from`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<NodeName>,
    /// Whether no node that BCM listed has `from` any more. podlift does not remove it, because it is the way back.
    pub old_unused: bool,
}

/// What the head node's agent does for the run as a whole, and not for a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AtHead {
    pub head: NodeName,
    pub step: StepId,
    /// working, waiting, failed
    pub state: String,
    /// What the step waits for, or the last output of its op.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// Phases whose steps run on the head node.
const PHASES: [&str; 2] = ["images", "bcm"];
/// Name of the line of the sign-off.
const IMAGES: &str = "software-images";
pub(super) const BOOKS: &str = "bcm-metadata";

/// `None` if the run does not ask BCM.
pub(super) fn bcm(s: &RunState) -> Option<BcmReport> {
    let plan = s.plan.bcm.as_ref()?;
    Some(BcmReport {
        head: s.head()?.clone(),
        images: plan.images.iter().map(|of| image(s, plan, of)).collect(),
    })
}

/// The step that the head node is at; `None` in phases of nodes.
pub(super) fn at_head(s: &RunState) -> Option<AtHead> {
    let head = s.head()?.clone();
    let phase = s.phase().filter(|phase| PHASES.contains(&phase.name.as_str()))?;
    let mut steps = phase.lanes.iter().filter(|lane| lane.node.is_none()).flat_map(|lane| &lane.steps);
    let step = steps.find(|x| !s.steps[&x.id].is_over())?;
    let (state, line) = match &s.steps[&step.id].status {
        StepStatus::Failed { reason } => ("failed", Some(reason.message.clone())),
        StepStatus::Waiting { reason } => ("waiting", Some(reason.clone())),
        _ => ("working", None),
    };
    Some(AtHead { head, step: step.id.clone(), state: state.into(), line })
}

fn image(s: &RunState, plan: &BcmPlan, of: &ImagePlan) -> ImageReport {
    let categories = categories(s, of);
    ImageReport {
        from: of.from.clone(),
        image: of.image.clone(),
        role: of.role,
        ready: ready(s, of),
        assigned: nodes(s, of, is_assigned, true),
        synced: nodes(s, of, is_synced, true),
        waiting: nodes(s, of, is_assigned, false),
        others: of.others.clone(),
        old_unused: !of.is_as_it_is()
            && plan.images.iter().filter(|i| i.from == of.from).all(|i| has_left(s, i)),
        categories,
    }
}

/// Whether no node of the old image is left, in the run or outside of it, and its categories have the new one.
fn has_left(s: &RunState, of: &ImagePlan) -> bool {
    let rest = nodes(s, of, is_assigned, false);
    rest.is_empty() && of.others.is_empty() && categories(s, of).len() == of.categories.len()
}

fn is_assigned(kind: &StepKind) -> bool {
    matches!(kind, StepKind::AssignImage(_))
}

fn is_synced(kind: &StepKind) -> bool {
    matches!(kind, StepKind::SyncNode(_))
}

fn is_book(kind: &StepKind) -> bool {
    matches!(kind, StepKind::BcmVersion(_) | StepKind::LearnConfig(_) | StepKind::CategoryImage(_))
}

/// Nodes of the image with such a step, those where it is done or those where it is not. Where the run ended before a node was written, its
/// old image is given back.
fn nodes(s: &RunState, of: &ImagePlan, is: fn(&StepKind) -> bool, done: bool) -> Vec<NodeName> {
    let fits = |node: &&NodeName| {
        let kept = !is_given_back(s, node);
        s.steps_of(node).any(|(x, state)| is(&x.kind) && (state.is_done() && kept) == done)
    };
    of.nodes.iter().filter(fits).cloned().collect()
}

/// Whether a run that ends without this node gives its image back: nothing of the new one is on it yet.
fn is_given_back(s: &RunState, node: &NodeName) -> bool {
    let mut syncs = s.steps_of(node).filter(|(x, _)| is_synced(&x.kind)).peekable();
    let untouched = syncs.peek().is_some() && syncs.all(|(_, state)| state.attempts == 0 && !state.is_done());
    let without =
        s.goes_without(node) || matches!(s.status, RunStatus::Aborting { .. } | RunStatus::Aborted { .. });
    untouched && without
}

/// Steps of no node, among which are those of the head node.
fn of_head(s: &RunState) -> impl Iterator<Item = &StepSpec> {
    s.plan.steps().filter(|x| x.node.is_none())
}

fn ready(s: &RunState, of: &ImagePlan) -> bool {
    let mut mine = of_head(s).filter(|x| x.kind.step().makes_image() == Some(&of.image)).peekable();
    mine.peek().is_some() && mine.all(|x| s.steps[&x.id].is_done())
}

fn categories(s: &RunState, of: &ImagePlan) -> Vec<CategoryName> {
    let done = |category: &&CategoryName| {
        let gives =
            |x: &StepSpec| matches!(&x.kind, StepKind::CategoryImage(step) if step.category() == *category);
        of_head(s).any(|x| gives(x) && s.steps[&x.id].is_done())
    };
    of.categories.iter().filter(done).cloned().collect()
}

/// The line of the images; `None` if no node of the run goes through one.
pub(super) fn images_signed(s: &RunState) -> Option<SignOff> {
    let plan = s.plan.bcm.as_ref().filter(|plan| !plan.images.is_empty())?;
    let makes = |x: &StepSpec| {
        let made = x.kind.step().makes_image();
        made.is_some_and(|image| plan.images.iter().any(|of| of.image == *image))
    };
    Some(of_steps(s, IMAGES, |x| {
        is_assigned(&x.kind) || is_synced(&x.kind) || (x.node.is_none() && makes(x))
    }))
}

/// The line of BCM's books; `None` if the run does not ask BCM.
pub(super) fn books_signed(s: &RunState) -> Option<SignOff> {
    s.plan.bcm.as_ref()?;
    Some(of_steps(s, BOOKS, |x| is_book(&x.kind)))
}
