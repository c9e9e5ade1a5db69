//! A node's part of a set: every file that its agent lists, part by part.

use super::pen::{Of, Pen};
use super::{Making, failure, paths};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_backup::{Kind, Wanted};
use podlift_model::op::Look;
use podlift_model::survey::{BackupFile, FilePart};
use podlift_model::{Failure, NodeName, OpOutput};
use std::collections::BTreeMap;

/// More than any file of a node that is no snapshot.
const MANY_PARTS: u64 = 64;

/// The members that this node must have in the set.
pub(super) async fn collect(m: &Making<'_>, role: &paths::Role) -> Result<Vec<Wanted>, Failure> {
    let node = &role.node;
    let listed = match m.world.agents.observe(node, &Look::BackupFiles).await? {
        OpOutput::BackupFiles(files) => files,
        _ => return Err(odd(node, "its list of files")),
    };
    // By path: each once, whatever was listed.
    let files: BTreeMap<String, BackupFile> = listed.into_iter().map(|f| (f.path.clone(), f)).collect();
    for file in files.values() {
        if let Some(kind) = paths::kind(&file.path) {
            copy(m, node, kind, file).await?;
        }
    }
    Ok(role.wanted(&files.into_keys().collect::<Vec<_>>()))
}

async fn copy(m: &Making<'_>, node: &NodeName, kind: Kind, file: &BackupFile) -> Result<(), Failure> {
    let may_be_empty =
        matches!(kind, Kind::KubeletConfig | Kind::EtcdConfig) && !file.path.ends_with("/config.yaml");
    if file.bytes == 0 && may_be_empty {
        let what = Wanted { kind, node: Some(node.clone()) };
        m.writer.leave_out(what, format!("{} is empty on the node", file.path));
        return Ok(());
    }
    let of = Of {
        kind,
        node: Some(node.clone()),
        path: format!("nodes/{node}{}", file.path),
        secret: file.secret,
    };
    let Some(mut pen) = Pen::new(&m.writer, of)? else { return Ok(()) };
    let bytes = parts(m, node, &file.path, &mut pen, MANY_PARTS).await?;
    if bytes == 0 {
        return Err(failure::incomplete(format!("{} of {node} is empty", file.path)));
    }
    pen.end().await.map(drop)
}

/// Every part of a file into the set; how many bytes there were.
pub(super) async fn parts(
    m: &Making<'_>,
    node: &NodeName,
    path: &str,
    pen: &mut Pen,
    at_most: u64,
) -> Result<u64, Failure> {
    let mut offset = 0;
    for _ in 0..at_most {
        let part = part(m, node, path, offset).await?;
        let bytes = STANDARD.decode(&part.base64).map_err(|e| odd(node, &format!("{path}: {e}")))?;
        if part.path != path || part.offset != offset || (bytes.is_empty() && !part.last) {
            return Err(odd(node, &format!("a part of {path}")));
        }
        offset += bytes.len() as u64;
        pen.put(&bytes).await?;
        if part.last {
            return Ok(offset);
        }
    }
    Err(failure::incomplete(format!("{path} of {node} does not end: {offset} bytes and more")))
}

async fn part(m: &Making<'_>, node: &NodeName, path: &str, offset: u64) -> Result<FilePart, Failure> {
    match m
        .world
        .agents
        .observe(node, &Look::BackupPart { recipients: vec![], path: path.into(), offset })
        .await?
    {
        OpOutput::BackupPart(part) => Ok(part),
        _ => Err(odd(node, &format!("a part of {path}"))),
    }
}

fn odd(node: &NodeName, what: &str) -> Failure {
    Failure::permanent(
        "agent-unreadable",
        format!("the agent of {node} answered something unexpected: {what}"),
    )
}
