//! One member on its way into the set, from the side that waits for bytes: what blocks is done apart, and never while bytes are awaited.

use super::failure;
use podlift_backup::{Begun, Content, Kind, Wanted, WriteError, Writer};
use podlift_model::{Digest, Failure, NodeName};
use std::sync::Arc;

/// Handed over at once.
const PART: usize = 1 << 20;

pub(super) struct Pen {
    writer: Arc<Writer>,
    of: Of,
    begun: Option<Begun>,
    bytes: Vec<u8>,
}

/// What a member is, owned.
#[derive(Debug, Clone)]
pub(super) struct Of {
    pub kind: Kind,
    pub node: Option<NodeName>,
    pub path: String,
    pub secret: bool,
    /// Its agent has encrypted it.
    pub sealed: bool,
}

impl Of {
    pub fn content(&self) -> Content<'_> {
        Content { kind: self.kind, node: self.node.clone(), path: &self.path, secret: self.secret }
    }
}

impl Pen {
    /// None: it is left out, and the set says so.
    pub fn new(writer: &Arc<Writer>, of: Of) -> Result<Option<Self>, Failure> {
        if !of.sealed && writer.leaves_out(&of.content()) {
            writer.begin(of.content()).map_err(failure::write)?;
            return Ok(None);
        }
        Ok(Some(Self { writer: writer.clone(), of, begun: None, bytes: Vec::new() }))
    }

    pub async fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() < PART {
            return Ok(());
        }
        let (writer, of) = (self.writer.clone(), self.of.clone());
        let (begun, bytes) = (self.begun.take(), std::mem::take(&mut self.bytes));
        self.begun = apart(move || take(&writer, &of, begun, &bytes)).await?;
        Ok(())
    }

    /// The hash of what was given, once it is on the disk.
    pub async fn end(self) -> Result<Digest, Failure> {
        self.end_as(None).await
    }

    /// As `end`; `content` is what its agent says of the bytes that it encrypted.
    pub async fn end_as(self, content: Option<Digest>) -> Result<Digest, Failure> {
        let Self { writer, of, begun, bytes } = self;
        apart(move || {
            let left_out = || WriteError::Incomplete(vec![Wanted { kind: of.kind, node: of.node.clone() }]);
            let begun = take(&writer, &of, begun, &bytes)?.ok_or_else(left_out)?;
            writer.end_as(begun, content)
        })
        .await
    }
}

fn take(writer: &Writer, of: &Of, begun: Option<Begun>, bytes: &[u8]) -> Result<Option<Begun>, WriteError> {
    let mut begun = match begun {
        None if of.sealed => Some(writer.begin_sealed(of.content())?),
        None => writer.begin(of.content())?,
        begun => begun,
    };
    if let Some(begun) = &mut begun {
        begun.take(bytes)?;
    }
    Ok(begun)
}

/// On a thread that may block.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|e| Failure::permanent("backup-writer", e.to_string()))?.map_err(failure::write)
}
