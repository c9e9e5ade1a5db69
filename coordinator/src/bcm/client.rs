//! The unprivileged side: asks the helper over its socket.

use super::{Answer, Bcm, BcmError, Question, Ran};
use async_trait::async_trait;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// A little longer than the helper gives a tool.
const LIMIT: Duration = Duration::from_secs(75);
/// More than the helper ever answers.
const ANSWER: u64 = 4 << 20;

pub struct SocketBcm {
    socket: PathBuf,
    limit: Duration,
}

impl SocketBcm {
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, limit: LIMIT }
    }

    #[cfg(test)]
    pub(super) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    async fn exchange(&self, question: &Question) -> Result<Answer, BcmError> {
        let unreachable =
            |e: std::io::Error| BcmError::Unreachable { socket: self.socket.clone(), why: e.to_string() };
        let unreadable = |e: &dyn std::fmt::Display| BcmError::Unreadable { why: e.to_string() };
        let mut line = serde_json::to_vec(question).map_err(|e| unreadable(&e))?;
        line.push(b'\n');
        let mut stream = UnixStream::connect(&self.socket).await.map_err(unreachable)?;
        stream.write_all(&line).await.map_err(unreachable)?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer).await.map_err(unreachable)?;
        serde_json::from_slice(&answer).map_err(|e| unreadable(&e))
    }
}

#[async_trait]
impl Bcm for SocketBcm {
    async fn ask(&self, question: &Question) -> Result<Ran, BcmError> {
        let late = |_| BcmError::TimedOut { seconds: self.limit.as_secs() };
        match tokio::time::timeout(self.limit, self.exchange(question)).await.map_err(late)?? {
            Answer::Ran(ran) => Ok(ran),
            Answer::Refused { why } => Err(BcmError::Refused { why }),
        }
    }
}
