//! A node's part of a set: every file that its agent lists, part by part, under the epoch of this coordinator. The agent encrypts secret
//! files to the recipients of the node's own configuration. This module stores them unchanged and never sees them in clear text.

use super::member::{MemberSpec, MemberWriter};
use super::{Collection, World, failure, paths};
use crate::dispatch::EPOCH_STALE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_backup::{Kind, Wanted};
use podlift_model::survey::{BackupFile, FilePart};
use podlift_model::{Failure, Look, NodeName, OpOutput};
use std::collections::BTreeMap;

/// A limit above the parts of any file of a node except a snapshot.
const MANY_PARTS: u64 = 64;
/// The reason that a set records if a site has no recipients at all and therefore keeps no secrets.
const NO_RECIPIENT: &str = "secret, and neither the node's own configuration ([backup] recipients of agent.toml) nor the coordinator's names a recipient to encrypt it to";

/// Copies the node's files and returns the members that the set must have.
pub(super) async fn collect(m: &Collection<'_>, role: &paths::Role) -> Result<Vec<Wanted>, Failure> {
    let node = &role.node;
    office(m, node).await?;
    let listed = match m.world.agents.observe(node, &Look::BackupFiles).await? {
        OpOutput::BackupFiles(files) => files,
        _ => return Err(unexpected(node, "its list of files")),
    };
    // By path, so that each file is copied once.
    let files: BTreeMap<String, BackupFile> = listed.into_iter().map(|f| (f.path.clone(), f)).collect();
    for file in files.values() {
        if let Some(kind) = paths::kind(&file.path) {
            copy(m, role, kind, file).await?;
        }
    }
    Ok(role.wanted(&files.into_keys().collect::<Vec<_>>()))
}

/// An agent gives files only to the coordinator whose epoch it has accepted, so the epoch is claimed before the first file.
pub(super) async fn office(m: &Collection<'_>, node: &NodeName) -> Result<(), Failure> {
    let World { agents, epoch, .. } = m.world;
    if agents.epoch(node).as_ref() == Some(epoch) || agents.claim(node, epoch).await? {
        return Ok(());
    }
    let text = format!(
        "the agent of {node} has accepted a higher epoch than {epoch}, and gives its files only to the coordinator that holds it: leave the node out (podlift backup --without {node}, podlift defer {node}), or podlift takeover if another coordinator is gone for good"
    );
    Err(Failure::operator(EPOCH_STALE, text))
}

/// Why the secrets of this node are not in the set; `None` if they are. An error if the site keeps secrets and this node can't encrypt them.
pub(super) fn unkept(m: &Collection<'_>, role: &paths::Role) -> Result<Option<&'static str>, Failure> {
    match (role.encrypts, m.settings.recipients.is_empty()) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(NO_RECIPIENT)),
        (false, false) => Err(failure::no_recipients(&role.node)),
    }
}

async fn copy(m: &Collection<'_>, role: &paths::Role, kind: Kind, file: &BackupFile) -> Result<(), Failure> {
    let node = &role.node;
    let may_be_empty =
        matches!(kind, Kind::KubeletConfig | Kind::EtcdConfig) && !file.path.ends_with("/config.yaml");
    if file.bytes == 0 && may_be_empty {
        let what = Wanted { kind, node: Some(node.clone()) };
        m.writer.leave_out(what, format!("{} is empty on the node", file.path));
        return Ok(());
    }
    if let Some(why) = if file.secret { unkept(m, role)? } else { None } {
        m.writer.leave_out(Wanted { kind, node: Some(node.clone()) }, why);
        return Ok(());
    }
    let path = format!("nodes/{node}{}", file.path);
    let spec = MemberSpec { kind, node: Some(node.clone()), path, secret: file.secret, sealed: file.secret };
    let Some(mut member) = MemberWriter::new(&m.writer, spec)? else { return Ok(()) };
    let bytes = parts(m, node, &file.path, &mut member, MANY_PARTS).await?;
    if bytes == 0 {
        return Err(failure::incomplete(format!("{} of {node} is empty", file.path)));
    }
    member.end().await.map(drop)
}

/// Copies every part of a file into the set and returns its length in bytes.
pub(super) async fn parts(
    m: &Collection<'_>,
    node: &NodeName,
    path: &str,
    member: &mut MemberWriter,
    at_most: u64,
) -> Result<u64, Failure> {
    let mut offset = 0;
    for _ in 0..at_most {
        let part = part(m, node, path, offset).await?;
        let bytes = STANDARD.decode(&part.base64).map_err(|e| unexpected(node, &format!("{path}: {e}")))?;
        if part.path != path || part.offset != offset || (bytes.is_empty() && !part.last) {
            return Err(unexpected(node, &format!("a part of {path}")));
        }
        offset += bytes.len() as u64;
        member.put(&bytes).await?;
        if part.last {
            return Ok(offset);
        }
    }
    Err(failure::incomplete(format!("{path} of {node} does not end: {offset} bytes and more")))
}

/// One part of a file; the agent encrypts it to all recipients of the node's own configuration.
async fn part(m: &Collection<'_>, node: &NodeName, path: &str, offset: u64) -> Result<FilePart, Failure> {
    let look = Look::BackupPart { path: path.into(), offset, recipients: vec![] };
    match m.world.agents.observe(node, &look).await {
        Ok(OpOutput::BackupPart(part)) => Ok(part),
        Ok(_) => Err(unexpected(node, &format!("a part of {path}"))),
        Err(f) if f.code == failure::NO_RECIPIENTS => {
            Err(failure::no_recipients(node).with_detail(&format!("{path}: {}", f.message)))
        }
        Err(failure) => Err(failure),
    }
}

fn unexpected(node: &NodeName, what: &str) -> Failure {
    Failure::permanent(
        "agent-unreadable",
        format!("the agent of {node} answered something unexpected: {what}"),
    )
}
