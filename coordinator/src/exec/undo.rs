//! The local and safe undo: our cordons and our guards. A node is uncordoned only if it is whole; otherwise its cordon stays, with this run
//! as its owner, and is listed with the next command. While the API is away an abort keeps trying.

use super::Performer;
use super::perform::Acted;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use podlift_engine::machine::{RunState, StepStatus};
use podlift_engine::program::StepSpec;
use podlift_engine::steps::{Cx, StepKind, whole};
use podlift_engine::{Act, ClusterAct, ClusterLook, ClusterReply};
use podlift_model::bcm::BcmOp;
use podlift_model::{Epoch, Failure, FailureClass, HostOp, NodeName, OpId, OpOutcome, OpOutput, codes};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

/// What was undone, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    pub undone: Vec<String>,
    pub left: Vec<String>,
}

/// Number of tries of an undo that fails for another reason than an absent API.
const TRIES: u32 = 5;
/// Longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);
/// Nodes at which undos run at the same time.
const AT_ONCE: usize = 32;

/// How long an undo is tried while the API is away.
#[derive(Clone, Copy)]
pub(crate) enum Patience<'a> {
    /// As often as after any other failure.
    Tries,
    /// While this is true.
    While(&'a (dyn Fn() -> bool + Send + Sync)),
}

/// The undo of one run.
pub(crate) struct Undo<'a> {
    pub performer: &'a Performer,
    pub state: &'a RunState,
    pub epoch: &'a Epoch,
    pub poll: Duration,
    pub patience: Patience<'a>,
    /// Cordons stay: the node is not fit for work.
    pub keep_cordons: bool,
}

/// The nodes with a soft taint of the run, which one undo looks at once.
type Tainted = OnceCell<Option<BTreeSet<NodeName>>>;

/// What one try led to.
enum Tried {
    Done(String),
    /// It is not undone, and another try won't change that; the reason.
    Left(String),
    Failed {
        why: String,
        /// The API does not answer now.
        away: bool,
    },
}

impl Undo<'_> {
    /// Undoes what the run did and has not undone itself, for one node or for all: nodes side by side, then what concerns no node, because
    /// an image is removed only when no node has it any more.
    pub async fn run(&self, only: Option<&NodeName>) -> Undone {
        let mut of_node: BTreeMap<Option<&NodeName>, Vec<&StepSpec>> = BTreeMap::new();
        let mine = |x: &&StepSpec| only.is_none_or(|n| x.node.as_ref() == Some(n));
        for step in self.state.plan.steps().filter(mine).filter(|x| self.is_due(x)) {
            of_node.entry(step.node.as_ref()).or_default().push(step);
        }
        let last = of_node.remove(&None).unwrap_or_default();
        let tainted = Tainted::default();
        let mut each: Vec<BoxFuture<'_, Undone>> = Vec::new();
        for steps in of_node.into_values() {
            each.push(self.one_by_one(steps, &tainted).boxed());
        }
        let mut all: Vec<Undone> = futures_util::stream::iter(each).buffered(AT_ONCE).collect().await;
        all.push(self.one_by_one(last, &tainted).await);
        all.into_iter().fold(Undone::default(), |mut sum, one| {
            sum.undone.extend(one.undone);
            sum.left.extend(one.left);
            sum
        })
    }

    /// What was done last is undone first, so that a node gets no work before its image is the old one again.
    async fn one_by_one(&self, steps: Vec<&StepSpec>, tainted: &Tainted) -> Undone {
        let (mut out, mut image_stays) = (Undone::default(), false);
        for step in steps.into_iter().rev() {
            match self.one(step, tainted, image_stays).await {
                None => {}
                Some(Ok(line)) => out.undone.push(line),
                Some(Err(why)) => {
                    image_stays |= matches!(step.kind, StepKind::AssignImage(_));
                    out.left.push(why);
                }
            }
        }
        out
    }

    fn is_due(&self, step: &StepSpec) -> bool {
        let attempted = self.state.steps.get(&step.id).is_some_and(|x| x.attempts > 0);
        attempted && !returned(self.state, step)
    }

    /// `None` if the step has nothing to undo. Err holds the line about what stays.
    async fn one(
        &self,
        step: &StepSpec,
        tainted: &Tainted,
        image_stays: bool,
    ) -> Option<Result<String, String>> {
        let cx = Cx { state: self.state, step, ahead: 0, acted: true };
        let act = step.kind.step().undo(&cx).filter(|act| !(self.keep_cordons && is_uncordon(act)))?;
        if self.is_untainted(&act, tainted).await {
            return None;
        }
        if image_stays && is_uncordon(&act) {
            let why = "its old software image is not given back, and a reboot would bring the new one";
            return Some(Err(self.stays(step, &act, why)));
        }
        let line = self.performer.lines.shown(step.node.as_ref());
        for number in 1.. {
            let (why, away) = match self.attempt(&cx, &act, number).await {
                Tried::Done(line) => return Some(Ok(line)),
                Tried::Left(why) => return Some(Err(why)),
                Tried::Failed { why, away } => (why, away),
            };
            let hint = match (away, self.patience) {
                (true, Patience::While(goes_on)) if goes_on() => "; a second podlift abort ends the wait",
                (true, Patience::While(_)) => return Some(Err(self.stays(step, &act, &why))),
                _ if number >= TRIES => return Some(Err(self.stays(step, &act, &why))),
                _ => "",
            };
            line.say(format!("the undo of {} waits: {why}{hint}", step.kind.step().verb()));
            self.pause(number, away).await;
        }
        None
    }

    /// Whether there is no soft taint of this run to remove, as on every finished node. False if the nodes can't be looked at.
    async fn is_untainted(&self, act: &Act, tainted: &Tainted) -> bool {
        let Act::Cluster(ClusterAct::SoftUntaint { node, .. }) = act else { return false };
        let seen = tainted.get_or_init(|| self.tainted()).await;
        seen.as_ref().is_some_and(|nodes| !nodes.contains(node))
    }

    /// The nodes with a soft taint of this run, from the shared watch; `None` if they can't be looked at.
    async fn tainted(&self) -> Option<BTreeSet<NodeName>> {
        let Ok(ClusterReply::Nodes(nodes)) = self.performer.cluster.look(&ClusterLook::Nodes).await else {
            return None;
        };
        let ours = nodes.into_iter().filter(|node| node.soft_taint.as_ref() == Some(&self.state.run));
        Some(ours.map(|node| node.name).collect())
    }

    async fn attempt(&self, cx: &Cx<'_>, act: &Act, number: u32) -> Tried {
        if is_uncordon(act) && whole::needed(cx.state, cx.step) {
            match self.whole(cx).await {
                Ok(()) => {}
                Err(Tried::Left(why)) => return Tried::Left(self.stays(cx.step, act, &why)),
                Err(other) => return other,
            }
        }
        // A repeated undo is harmless, so each try has its own id. An agent answers a known id from its memory and does nothing.
        let (attempts, epoch) = (self.state.steps[&cx.step.id].attempts, self.epoch.number);
        let of_step = format!("{}-s{:04}-a{attempts}", self.state.run, cx.step.number);
        let id = OpId::new(format!("{of_step}-e{epoch}-u{number}"));
        let op_id = match id {
            Ok(op_id) => op_id,
            Err(error) => return Tried::Left(self.stays(cx.step, act, &error.to_string())),
        };
        match self.act(act, &op_id).await {
            Acted::Ended(OpOutcome::Done { output }) => match self.still_cordoned(cx, act).await {
                Ok(false) => Tried::Done(line(cx, act, &output)),
                Ok(true) => Tried::Left(format!(
                    "{} stays cordoned by another person or program: kubectl uncordon {}",
                    cx.node(),
                    cx.node()
                )),
                Err(failure) => failed(failure),
            },
            Acted::Ended(OpOutcome::Indeterminate { why }) => Tried::Failed { why, away: false },
            Acted::Ended(OpOutcome::Failed { failure })
            | Acted::NotKnown(failure)
            | Acted::Fenced(failure) => failed(failure),
        }
    }

    /// Whether the node of an uncordon is unschedulable after it: a cordon of another writer is left as it is.
    async fn still_cordoned(&self, cx: &Cx<'_>, act: &Act) -> Result<bool, Failure> {
        if !is_uncordon(act) {
            return Ok(false);
        }
        match self.performer.cluster.look(&ClusterLook::Node { node: cx.node() }).await? {
            ClusterReply::Node(view) => Ok(view.unschedulable),
            _ => Err(Failure::permanent(codes::ODD_REPLY, "unexpected answer to a node")),
        }
    }

    async fn act(&self, act: &Act, op_id: &OpId) -> Acted {
        if let Some(agent) = self.performer.agent_of(act)
            && let Err(failure) = self.performer.claim(&agent.name, self.epoch).await
        {
            return Acted::NotKnown(agent.failed(failure));
        }
        self.performer.act(act, op_id, self.epoch).await
    }

    /// Whether the node may get work again.
    async fn whole(&self, cx: &Cx<'_>) -> Result<(), Tried> {
        whole_now(self.performer, cx).await.map_err(|e| match e {
            NotWhole::Unseen(failure) => failed(failure),
            NotWhole::Broken(why) => Tried::Left(why),
        })
    }

    /// The line about what could not be undone, with the next command.
    fn stays(&self, step: &StepSpec, act: &Act, why: &str) -> String {
        match (&step.node, is_uncordon(act)) {
            (Some(node), true) => {
                let run = &self.state.run;
                format!(
                    "{node} stays cordoned by run {run}: {why}; when it is mended: podlift node release {node}"
                )
            }
            (Some(node), false) if matches!(act, Act::Cluster(ClusterAct::SoftUntaint { .. })) => {
                let run = &self.state.run;
                format!("{node} keeps the soft taint of run {run}: {why}; podlift node release {node}")
            }
            _ => {
                let head = self.performer.agent_of(act).filter(|agent| agent.head).map(|agent| agent.name);
                format!("{} could not be undone: {why}{}", step.id, way_on(act, head.as_ref()))
            }
        }
    }

    /// The pauses grow. The end of the patience ends a pause.
    async fn pause(&self, number: u32, away: bool) {
        let until = Instant::now() + (self.poll * number).min(LONGEST);
        while Instant::now() < until {
            if let (true, Patience::While(goes_on)) = (away, self.patience)
                && !goes_on()
            {
                return;
            }
            sleep(self.poll.min(until - Instant::now())).await;
        }
    }
}

/// Why a node may not get work.
pub(crate) enum NotWhole {
    /// It can't be looked at.
    Unseen(Failure),
    Broken(String),
}

/// Looks at the node of `cx` as the engine asks, and returns its verdict.
pub(crate) async fn whole_now(performer: &Performer, cx: &Cx<'_>) -> Result<(), NotWhole> {
    let mut replies = Vec::new();
    for probe in whole::looks(cx) {
        replies.push(performer.probe(&probe).await.map_err(NotWhole::Unseen)?);
    }
    whole::verdict(cx, &replies).map_err(NotWhole::Broken)
}

fn failed(failure: Failure) -> Tried {
    let of_api = [codes::API_UNREACHABLE, codes::API_BUSY, codes::API_FORBIDDEN, codes::API_CONFLICT];
    let away = failure.class == FailureClass::Transient && of_api.contains(&failure.code.as_str());
    // A run that is over can't be retried.
    let why =
        failure.message.replace(", then podlift retry or plan again", "").replace(", then podlift retry", "");
    Tried::Failed { why, away }
}

/// What ends by itself although it was not undone, or the command that undoes it; empty if neither is known.
/// `head` is the head node that acts now.
fn way_on(act: &Act, head: Option<&NodeName>) -> String {
    let text = match act {
        Act::Node(_, HostOp::ImageRelease) => "the next run of this node takes the pins off its images",
        Act::Node(_, HostOp::GuardDisarm { .. }) => "the guard returns to the steady watch by itself in time",
        Act::Node(_, HostOp::StepBack) => "the rule of the API server ends by itself at its deadline",
        Act::Node(planned, HostOp::Bcm(BcmOp::ImageUnlock { image })) => {
            let head = head.unwrap_or(planned);
            return format!("; on head node {head}: cmsh -c \"softwareimage unlock {image}\"");
        }
        Act::Node(planned, HostOp::Bcm(BcmOp::ImageRemove { image })) => {
            let head = head.unwrap_or(planned);
            return format!(
                "; software image {image} stays on head node {head}; when nothing uses it: cmsh -c \"softwareimage; remove {image}; commit\", then its folder"
            );
        }
        Act::Node(planned, HostOp::Bcm(BcmOp::AssignImage { node, image })) => {
            let head = head.unwrap_or(planned);
            return format!(
                "; on head node {head}: cmsh -c \"device use {node}; set softwareimage {image}; commit\""
            );
        }
        Act::Node(planned, HostOp::Bcm(BcmOp::FollowCategory { node })) => {
            let head = head.unwrap_or(planned);
            return format!(
                "; on head node {head}: cmsh -c \"device use {node}; clear softwareimage; commit\""
            );
        }
        _ => return String::new(),
    };
    format!("; {text}")
}

fn is_uncordon(act: &Act) -> bool {
    matches!(act, Act::Cluster(ClusterAct::Uncordon { .. }))
}

/// Whether the step that reverses `step` is done.
fn returned(s: &RunState, step: &StepSpec) -> bool {
    let Some(counterpart) = step.kind.step().counterpart() else { return false };
    let of_lane = |x: &&StepSpec| x.node == step.node && x.phase == step.phase;
    let back = s.plan.steps().filter(of_lane).find(|x| x.kind.step().verb() == counterpart);
    back.is_some_and(|x| matches!(s.steps[&x.id].status, StepStatus::Done { .. }))
}

/// What was undone, and where: on the node of the step, or on the head node that an op of no node went to.
fn line(cx: &Cx<'_>, act: &Act, output: &OpOutput) -> String {
    let at = cx.step.node.as_ref().or(act.node()).map_or("cluster", NodeName::as_str);
    match output {
        OpOutput::Changed(text) | OpOutput::Unchanged(text) => format!("{at}: {text}"),
        _ => format!("{at}: {} undone", cx.step.kind.step().verb()),
    }
}
