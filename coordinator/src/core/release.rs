//! `podlift node release`: gives back the cordon and the soft taint that an ended run of this journal has left on a node. The node must be
//! whole, or a person gives the reason why it gets work all the same. A soft taint of a run that this journal does not know is named, and
//! removed if a person insists.

use super::{Coordinator, CoordinatorError};
use crate::exec::{NotWhole, is_over, whole_now};
use podlift_engine::doors::NodeView;
use podlift_engine::machine::{Event, RunState};
use podlift_engine::steps::Cx;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Failure, NodeName, RunId, codes};

/// A cordon that may be given back, or why it may not.
type Mine = Result<RunId, (String, String)>;

impl Coordinator {
    pub(super) async fn release(
        &self,
        node: NodeName,
        reason: String,
        force: bool,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        let view = self.node_now(&node).await?;
        // The soft taint is ours, whoever has cordoned the node.
        let untainted = self.untaint(&view, force, by).await?;
        let tail = untainted.map_or(String::new(), |line| format!("; {line}"));
        let refused = |(why, next): (String, String)| CoordinatorError::NotReleased {
            node: node.clone(),
            why: format!("{why}{tail}"),
            next,
        };
        if !view.unschedulable {
            return Ok(self.unmark(&view, by).await? + &tail);
        }
        let run = self.owner(&view).map_err(refused)?;
        if !force {
            self.may_work(&node, &run).await.map_err(refused)?;
        }
        let note = if force { format!("although it may not be whole: {reason}") } else { reason };
        self.uncordon(&node, &run, by, note).await?;
        match self.node_now(&node).await?.unschedulable {
            false => {
                self.given_back(&run, &node, "cordon", by)?;
                Ok(format!("{node} is schedulable; run {run} had left it cordoned{tail}"))
            }
            true => Err(refused((
                "it is cordoned after the uncordon, so another person or program cordoned it before the run or meanwhile"
                    .into(),
                format!("kubectl get node {node} -o yaml --show-managed-fields"),
            ))),
        }
    }

    /// A node that another person has uncordoned still carries the mark of the run, and a later cordon of somebody else would look like a
    /// cordon of that run.
    async fn unmark(&self, view: &NodeView, by: &str) -> Result<String, CoordinatorError> {
        let node = &view.name;
        let mut said = format!("{node} is schedulable already");
        if let Some(owner) = view.owner.as_ref().filter(|owner| owner.over) {
            let note = "it is schedulable, and only the mark is removed".into();
            self.uncordon(node, &owner.run, by, note).await?;
            said = format!("{said}; the mark that run {} had left on it is removed", owner.run);
        }
        Ok(said)
    }

    /// Removes the soft taint that an ended run, or the open one that goes on without the node, has left, and by force one of a run that is
    /// not in the journal. `None` if there is none to speak of.
    async fn untaint(
        &self,
        view: &NodeView,
        force: bool,
        by: &str,
    ) -> Result<Option<String>, CoordinatorError> {
        let node = &view.name;
        let open = self.store.open_run();
        let goes_without = |run: &RunId| {
            open.as_ref()
                .is_some_and(|o| o.run == *run && o.deferred.contains_key(node) && !o.undo_due.contains(node))
        };
        let Some(run) = &view.soft_taint else { return Ok(None) };
        let known = self.store.run(run).is_some() || self.store.archived(run).is_some();
        if !known && !force {
            return Ok(Some(format!(
                "its soft taint is of run {run}, which this journal does not know, and stays; if no other coordinator works with the node: podlift node release {node} --force --reason TEXT"
            )));
        }
        if known && !is_over(&self.store, run) && !goes_without(run) {
            return Ok(None);
        }
        let note = "its soft taint is removed".to_string();
        let event = Event::NodeReleased { node: node.clone(), run: run.clone(), by: by.into(), note };
        let act = ClusterAct::SoftUntaint { node: node.clone(), run: run.clone() };
        self.give_back(event, &act).await?;
        self.given_back(run, node, "soft taint", by)?;
        Ok(Some(format!("the soft taint that run {run} had left on it is removed")))
    }

    async fn uncordon(
        &self,
        node: &NodeName,
        run: &RunId,
        by: &str,
        note: String,
    ) -> Result<(), CoordinatorError> {
        let event = Event::NodeReleased { node: node.clone(), run: run.clone(), by: by.into(), note };
        let act = ClusterAct::Uncordon { node: node.clone(), run: run.clone() };
        self.give_back(event, &act).await
    }

    /// The record first, then the change.
    async fn give_back(&self, event: Event, act: &ClusterAct) -> Result<(), CoordinatorError> {
        let epoch = self
            .fence
            .commanding()
            .ok_or_else(|| CoordinatorError::ReadOnly { why: self.fence.read_only().unwrap_or_default() })?;
        self.store.append(None, event)?;
        self.performer.cluster.act(act, &epoch).await?;
        Ok(())
    }

    /// The run that is open and goes on without the node does not list its `what` any more: a cordon or a soft taint.
    fn given_back(&self, run: &RunId, node: &NodeName, what: &str, by: &str) -> Result<(), CoordinatorError> {
        let Some(open) = self.store.open_run().filter(|open| open.run == *run) else { return Ok(()) };
        let Some(left) = open.left.get(node) else { return Ok(()) };
        let next = format!("podlift node release {node}");
        let of_taint = |line: &String| line.contains("keeps the soft taint");
        let mine = |line: &&String| line.ends_with(&next) && of_taint(line) == (what == "soft taint");
        let left = left.iter().filter(|line| !mine(line)).cloned().collect();
        let undone = vec![format!("{node}: its {what} was released by {by}")];
        self.store.append(Some(run), Event::NodeUndone { node: node.clone(), undone, left })?;
        Ok(())
    }

    async fn node_now(&self, node: &NodeName) -> Result<NodeView, CoordinatorError> {
        match self.performer.cluster.look(&ClusterLook::Node { node: node.clone() }).await? {
            ClusterReply::Node(view) => Ok(view),
            _ => Err(Failure::permanent(codes::ODD_REPLY, "unexpected answer to a node").into()),
        }
    }

    /// The ended run that has left this cordon.
    fn owner(&self, view: &NodeView) -> Mine {
        let node = &view.name;
        let Some(owner) = view.cordon_owner() else {
            let why = "it was cordoned by another person or program, and podlift never removes such a cordon";
            return Err((why.into(), format!("kubectl uncordon {node}")));
        };
        let run = owner.run.clone();
        if let Some(open) = self.store.open_run() {
            let busy = open.steps_of(node).any(|(_, step)| !step.is_over()) || open.undo_due.contains(node);
            let left = open.run == run && open.deferred.contains_key(node);
            if busy || (open.run == run && !left) {
                return Err((
                    format!("run {} is open and has not left it", open.run),
                    format!("podlift defer {node}"),
                ));
            }
            if left {
                return Ok(run);
            }
        }
        match owner.over {
            true => Ok(run),
            false => Err((
                format!(
                    "its cordon is of run {run}, which this journal does not know as ended; if no other coordinator works with it: kubectl annotate node {node} podlift.io/owner-"
                ),
                format!("kubectl uncordon {node}"),
            )),
        }
    }

    /// Whether the node may get work, as its run would judge before an uncordon.
    async fn may_work(&self, node: &NodeName, run: &RunId) -> Result<(), (String, String)> {
        let forced = || format!("podlift node release {node} --force --reason TEXT");
        let Some(state) = self.store.run(run) else {
            let why = format!("run {run} is archived, so that it is not known how the node was before it");
            return Err((why, forced()));
        };
        let Some(cx) = uncordon_of(&state, node) else {
            return Err((format!("run {run} has no step that uncordons it"), forced()));
        };
        match whole_now(&self.performer, &cx).await {
            Ok(()) => Ok(()),
            Err(NotWhole::Broken(why)) => Err((format!("it is not whole: {why}"), forced())),
            Err(NotWhole::Unseen(failure)) => {
                Err((format!("it can't be looked at: {}", failure.message), forced()))
            }
        }
    }
}

/// The node's last step that uncordons, as the view of its state.
fn uncordon_of<'a>(state: &'a RunState, node: &NodeName) -> Option<Cx<'a>> {
    let steps = state.steps_of(node).map(|(spec, _)| spec);
    let step = steps.filter(|spec| spec.kind.step().verb() == "uncordon").last()?;
    Some(Cx { state, step, ahead: 0, acted: true })
}
