//! Runs one site check of a head node (`podlift_tools::site_check`). A check that fails, hangs or floods is a result and no failure of the op.
//! A repetition ends what an earlier attempt has left running, and runs the check again.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::{CheckName, Failure, OpOutput};
use podlift_tools::site_check;

pub struct SiteCheck {
    pub name: CheckName,
}

#[async_trait]
impl Op for SiteCheck {
    fn repeatable(&self) -> bool {
        true
    }

    /// A check has no effect that could be found.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let (host, path) = (&cx.node.host, cx.node.config.commands.joined());
        let check = site_check::load(host.files.as_ref(), &self.name)?;
        let result = site_check::run(host, &path, &check).await?;
        Ok(Applied::Done(OpOutput::SiteCheck(Box::new(result))))
    }
}
