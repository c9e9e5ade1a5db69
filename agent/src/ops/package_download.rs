//! Downloads packages ahead of the upgrade; installs nothing.

use super::shared::{free_space, list};
use super::{Applied, Cx, Op};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, OpOutput};
use podlift_tools::apt::{self, lock};
use podlift_tools::madison;

pub struct PackageDownload {
    pub packages: Vec<PackagePin>,
}

#[async_trait]
impl Op for PackageDownload {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    fn locks(&self) -> &'static [&'static str] {
        &[lock::ARCHIVES]
    }

    /// Never done before `apply`: apt itself checks its cache, and a check costs as much as the download command.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        free_space(cx.node)?;
        let packages: Vec<Package> = self.packages.iter().map(|p| p.package).collect();
        let offers = madison::offers(&cx.node.host, madison::Lists::Own, &packages).await?;
        madison::check(&self.packages, &offers)?;
        Ok(Applied::Unit(apt::download(&self.packages, cx.node.config.ops.download_timeout)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        match exit.success() {
            true => Ok(OpOutput::Changed(format!("downloaded {}", list(&self.packages)))),
            false => Err(apt::judge(&cx.log(), &exit.describe())),
        }
    }
}
