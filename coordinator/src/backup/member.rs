//! Writes one member of a set as its bytes arrive. Blocking work runs on a thread of its own and never while the writer waits for bytes.

use super::failure;
use podlift_backup::{Begun, Content, Kind, Wanted, WriteError, Writer};
use podlift_model::{Digest, Failure, NodeName};
use std::sync::Arc;

/// Bytes that are collected before they are written.
const PART: usize = 1 << 20;

pub(super) struct MemberWriter {
    writer: Arc<Writer>,
    spec: MemberSpec,
    begun: Option<Begun>,
    bytes: Vec<u8>,
}

/// What a member is.
#[derive(Debug, Clone)]
pub(super) struct MemberSpec {
    pub kind: Kind,
    pub node: Option<NodeName>,
    pub path: String,
    pub secret: bool,
    /// Whether the node's agent has encrypted it.
    pub sealed: bool,
}

impl MemberSpec {
    pub fn content(&self) -> Content<'_> {
        Content { kind: self.kind, node: self.node.clone(), path: &self.path, secret: self.secret }
    }
}

impl MemberWriter {
    /// `None` if the member is left out; the set then records that.
    pub fn new(writer: &Arc<Writer>, spec: MemberSpec) -> Result<Option<Self>, Failure> {
        if !spec.sealed && writer.leaves_out(&spec.content()) {
            writer.begin(spec.content()).map_err(failure::write)?;
            return Ok(None);
        }
        Ok(Some(Self { writer: writer.clone(), spec, begun: None, bytes: Vec::new() }))
    }

    pub async fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() < PART {
            return Ok(());
        }
        let (writer, spec) = (self.writer.clone(), self.spec.clone());
        let (begun, bytes) = (self.begun.take(), std::mem::take(&mut self.bytes));
        self.begun = blocking(move || append(&writer, &spec, begun, &bytes)).await?;
        Ok(())
    }

    /// Completes the member on the disk and returns the hash of its bytes.
    pub async fn end(self) -> Result<Digest, Failure> {
        self.end_as(None).await
    }

    /// As `end`; `content` is the hash that the agent reports for the bytes before encryption.
    pub async fn end_as(self, content: Option<Digest>) -> Result<Digest, Failure> {
        let Self { writer, spec, begun, bytes } = self;
        blocking(move || {
            let left_out =
                || WriteError::Incomplete(vec![Wanted { kind: spec.kind, node: spec.node.clone() }]);
            let begun = append(&writer, &spec, begun, &bytes)?.ok_or_else(left_out)?;
            writer.end_as(begun, content)
        })
        .await
    }
}

fn append(
    writer: &Writer,
    spec: &MemberSpec,
    begun: Option<Begun>,
    bytes: &[u8],
) -> Result<Option<Begun>, WriteError> {
    let mut begun = match begun {
        None if spec.sealed => Some(writer.begin_sealed(spec.content())?),
        None => writer.begin(spec.content())?,
        begun => begun,
    };
    if let Some(begun) = &mut begun {
        begun.take(bytes)?;
    }
    Ok(begun)
}

/// Runs work that blocks on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|e| Failure::permanent("backup-writer", e.to_string()))?.map_err(failure::write)
}
