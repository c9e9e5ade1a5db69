//! `apt-get update` of the Kubernetes repository. Other repositories are left alone.

use super::{Applied, Cx, Op};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};
use podlift_tools::apt::{self, lock};
use podlift_tools::sources;

pub struct AptUpdate;

#[async_trait]
impl Op for AptUpdate {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    fn locks(&self) -> &'static [&'static str] {
        &[lock::LISTS]
    }

    /// Never done before `apply`: whether the lists are current can't be known.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let source = sources::find(cx.node.host.files.as_ref())?;
        Ok(Applied::Unit(apt::update(&source, cx.node.config.ops.download_timeout)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let log = cx.log();
        // apt-get update exits 0 even if it could not reach a repository, and keeps the old lists.
        if exit.success() && !apt::stale(&log) {
            return Ok(OpOutput::Changed("package lists are fresh".into()));
        }
        Err(apt::judge(&log, &exit.describe()))
    }
}
