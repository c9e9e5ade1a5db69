//! The etcd snapshot's part of a set: whole, and the one that its agent took, restored once and verified.

use super::pen::{Of, Pen};
use super::{Making, failure, node_files, paths};
use podlift_backup::{Kind, Wanted};
use podlift_model::facts::SnapshotState;
use podlift_model::op::Look;
use podlift_model::{Failure, NodeName, OpOutput};

/// The first of these nodes that has a snapshot for this set, with what it is.
pub(super) async fn find(
    m: &Making<'_>,
    nodes: &[NodeName],
) -> Result<Option<(NodeName, SnapshotState)>, Failure> {
    for node in nodes {
        let state = match m.world.agents.observe(node, &Look::Backup { run: m.snapshot.clone() }).await? {
            OpOutput::Backup(state) => state,
            _ => continue,
        };
        if let Some(snapshot) = state.snapshot {
            return Ok(Some((node.clone(), snapshot)));
        }
    }
    Ok(None)
}

/// Its revision, and what the set must have of it.
pub(super) async fn collect(m: &Making<'_>, nodes: &[NodeName]) -> Result<(u64, Wanted), Failure> {
    let kind = Kind::EtcdSnapshot;
    let Some((node, state)) = find(m, nodes).await? else {
        if m.settings.recipients.is_empty() {
            // Nobody took one: it could not be kept.
            let wanted = Wanted { kind, node: None };
            m.writer.leave_out(
                wanted.clone(),
                "secret, and the configuration names no backup.recipients to encrypt it to",
            );
            return Ok((0, wanted));
        }
        return Err(failure::incomplete(format!(
            "{kind} is missing: no control-plane node has one for {}",
            m.snapshot
        )));
    };
    if !state.verified {
        return Err(failure::incomplete(format!(
            "{kind} of {node} is damaged: it does not have the hash that it ends with"
        )));
    }
    let wanted = Wanted { kind, node: Some(node.clone()) };
    let of = Of { kind, node: Some(node.clone()), path: "etcd/snapshot.db".into(), secret: true };
    let Some(mut pen) = Pen::new(&m.writer, of)? else {
        let why = format!("it stays on {node} alone: {}", paths::snapshot(m.snapshot.as_str()));
        m.writer.leave_out(wanted.clone(), why);
        return Ok((state.revision, wanted));
    };
    m.told(&format!("{kind} of {node}: {} MiB", state.bytes >> 20));
    node_files::parts(m, &node, &paths::snapshot(m.snapshot.as_str()), &mut pen, u64::MAX).await?;
    let content = pen.end().await?;
    if content != state.sha256 {
        let text = format!(
            "{kind} arrived from {node} as {}, and there it is {}",
            content.short(),
            state.sha256.short()
        );
        return Err(failure::incomplete(text));
    }
    Ok((state.revision, wanted))
}
