//! `apt-get update`.

use super::{Applied, Cx, Op};
use crate::tools::apt;
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};

pub struct AptUpdate;

#[async_trait]
impl Op for AptUpdate {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    /// Lists are never known to be fresh.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        Ok(Applied::Unit(apt::update(cx.node.config.ops.download_timeout)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let log = cx.log();
        // apt-get update exits 0 over a repository that it could not reach, and goes on with old lists.
        let stale = log
            .lines()
            .any(|l| l.starts_with("W: Failed to fetch") || l.starts_with("W: Some index files failed"));
        if exit.success() && !stale {
            return Ok(OpOutput::Changed("package lists are fresh".into()));
        }
        Err(apt::judge(&log, &exit.describe()))
    }
}
