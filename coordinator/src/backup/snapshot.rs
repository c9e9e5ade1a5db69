//! The etcd snapshots in a set: that of the cluster's store, and those of stores of single resources. The agent that took a snapshot
//! verified it, and encrypts it before it leaves the node. This module stores it unchanged.

use super::member::{MemberSpec, MemberWriter};
use super::paths::Role;
use super::{Collection, failure, node_files, paths};
use podlift_backup::{Kind, Wanted};
use podlift_model::facts::{BackupState, SnapshotState};
use podlift_model::{Failure, Look, OpOutput};

const KIND: Kind = Kind::EtcdSnapshot;

/// The first of these nodes that has a snapshot for this set, and its files.
async fn find<'a>(
    m: &Collection<'_>,
    planes: &[&'a Role],
) -> Result<Option<(&'a Role, BackupState)>, Failure> {
    for role in planes {
        match m.world.agents.observe(&role.node, &Look::Backup { run: m.snapshot.clone() }).await? {
            OpOutput::Backup(state) if state.snapshot.is_some() => return Ok(Some((role, state))),
            _ => continue,
        }
    }
    Ok(None)
}

/// The revision of the snapshot, and the member that the set must have.
pub(super) async fn collect(m: &Collection<'_>, planes: &[&Role]) -> Result<(u64, Wanted), Failure> {
    let found = find(m, planes).await?;
    let Some((role, BackupState { snapshot: Some(main), overrides, files, .. })) = found else {
        return nobody_took_one(m, planes);
    };
    let wanted = Wanted { kind: KIND, node: Some(role.node.clone()) };
    let revision = main.revision;
    let mut all = vec![(paths::SNAPSHOT.to_string(), "etcd/snapshot.db".to_string(), main)];
    for (words, state) in overrides {
        // The agent chooses the file name, so the hash identifies the file.
        let file = files.iter().find(|(name, hash)| **hash == state.sha256 && *name != paths::SNAPSHOT);
        let missing = || {
            let of = format!(
                "the store of {words}: its agent {} has reported it but keeps no such file",
                role.node
            );
            failure::incomplete(format!("{KIND} of {of}"))
        };
        let name = file.map(|(name, _)| name.clone()).ok_or_else(missing)?;
        all.push((name.clone(), format!("etcd/overrides/{name}"), state));
    }
    if let Some(why) = node_files::unkept(m, role)? {
        let at = paths::saved(m.snapshot.as_str(), paths::SNAPSHOT);
        m.writer.leave_out(wanted.clone(), format!("{why}; it stays on {} alone: {at}", role.node));
        return Ok((revision, wanted));
    }
    node_files::office(m, &role.node).await?;
    for (file, path, state) in &all {
        copy(m, role, file, path, state).await?;
    }
    Ok((revision, wanted))
}

async fn copy(
    m: &Collection<'_>,
    role: &Role,
    file: &str,
    path: &str,
    state: &SnapshotState,
) -> Result<(), Failure> {
    let node = &role.node;
    if !state.verified {
        return Err(failure::incomplete(format!(
            "{KIND} {file} of {node} is damaged: it does not have the hash that it ends with"
        )));
    }
    let spec =
        MemberSpec { kind: KIND, node: Some(node.clone()), path: path.into(), secret: true, sealed: true };
    let Some(mut member) = MemberWriter::new(&m.writer, spec)? else { return Ok(()) };
    m.report(&format!("{KIND} {file} of {node}: {} MiB", state.bytes >> 20));
    let at = paths::saved(m.snapshot.as_str(), file);
    let bytes = node_files::parts(m, node, &at, &mut member, u64::MAX).await?;
    // Encryption makes a file longer, never shorter.
    if bytes < state.bytes {
        let text =
            format!("{KIND} {file} arrived from {node} with {bytes} bytes, and there it has {}", state.bytes);
        return Err(failure::incomplete(text));
    }
    member.end_as(Some(state.sha256.clone())).await.map(drop)
}

fn nobody_took_one(m: &Collection<'_>, planes: &[&Role]) -> Result<(u64, Wanted), Failure> {
    let wanted = Wanted { kind: KIND, node: None };
    if m.settings.recipients.is_empty() && !planes.iter().any(|r| r.encrypts) {
        // The snapshot could not be kept.
        m.writer.leave_out(wanted.clone(), "secret, and nobody is named to encrypt it to");
        return Ok((0, wanted));
    }
    Err(failure::incomplete(format!("{KIND} is missing: no control-plane node has one for {}", m.snapshot)))
}
