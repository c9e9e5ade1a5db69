//! BCM's own tools, as a port: a closed set of typed questions, each one fixed command of a root helper on this machine. The coordinator
//! is unprivileged and asks over a socket; nothing here takes text that becomes part of a command.

mod client;
mod helper;
pub mod parse;
mod question;
mod run;
#[cfg(test)]
mod tests;

pub use client::SocketBcm;
pub use helper::main as helper;
pub use question::{Answer, Question, Ran};

use async_trait::async_trait;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BcmError {
    #[error("{socket} can't be reached: {why}; systemctl enable --now podlift-bcm.socket", socket = socket.display())]
    Unreachable { socket: PathBuf, why: String },
    #[error("the BCM helper did not answer within {seconds} s")]
    TimedOut { seconds: u64 },
    #[error("the BCM helper refused: {why}")]
    Refused { why: String },
    #[error("the BCM helper answered something that can't be read: {why}")]
    Unreadable { why: String },
}

#[async_trait]
pub trait Bcm: Send + Sync {
    /// What the tool printed and how it ended. What that means is `parse`'s.
    async fn ask(&self, question: &Question) -> Result<Ran, BcmError>;
}
