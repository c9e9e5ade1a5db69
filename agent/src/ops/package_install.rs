//! Exact versions: unhold, install, hold again (also when it failed), verified. Only holds that were there before, or are the three that
//! podlift always leaves held, are set.

use super::shared::{file_failure, free_space, list};
use super::{Applied, Cx, Op};
use crate::paths;
use crate::tools::{apt, apt_mark, dpkg_query, madison};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, OpOutput};
use std::collections::BTreeSet;

pub struct PackageInstall {
    pub packages: Vec<PackagePin>,
}

/// Held at the end, whatever was before.
const ALWAYS: [Package; 3] = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];

impl PackageInstall {
    async fn installed(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        let installed = dpkg_query::installed(&cx.node.host).await?;
        Ok(self.packages.iter().all(|p| installed.get(&p.package) == Some(&p.version)))
    }

    /// What has to be held at the end: of what is installed, the three and what was held when the op began.
    async fn to_hold(&self, cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
        let memo = cx.node.host.files.read(&paths::op_memo(cx.op_id)).unwrap_or_default();
        let before: BTreeSet<String> = serde_json::from_slice(&memo).unwrap_or_default();
        let installed = dpkg_query::installed(&cx.node.host).await?;
        let wanted = |p: &&Package| ALWAYS.contains(p) || before.contains(p.name());
        Ok(installed.keys().filter(wanted).map(|p| p.name().to_string()).collect())
    }

    /// Remembers the holds on the disk before the first of them goes.
    async fn unhold(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let held = apt_mark::held(&cx.node.host).await?;
        let path = paths::op_memo(cx.op_id);
        let memo = serde_json::to_vec(&held).unwrap_or_default();
        cx.node.host.files.write(&path, &memo, 0o600).map_err(|e| file_failure(&path, &e))?;
        let ours: Vec<String> =
            Package::ALL.iter().map(|p| p.name().to_string()).filter(|p| held.contains(p)).collect();
        apt_mark::unhold(&cx.node.host, &ours).await
    }
}

#[async_trait]
impl Op for PackageInstall {
    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let there = self.installed(cx).await?;
        Ok(there.then(|| OpOutput::Unchanged(format!("{} installed already", list(&self.packages)))))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        free_space(cx.node)?;
        let packages: Vec<Package> = self.packages.iter().map(|p| p.package).collect();
        let offers = madison::offers(&cx.node.host, madison::Lists::Own, &packages).await?;
        madison::check(&self.packages, &offers)?;
        self.unhold(cx).await?;
        Ok(Applied::Unit(apt::install(&self.packages)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        if !exit.success() {
            return Err(apt::judge(&cx.log(), &exit.describe()));
        }
        if self.installed(cx).await? {
            return Ok(OpOutput::Changed(format!("installed {}", list(&self.packages))));
        }
        let message = format!(
            "apt-get exited 0, but dpkg does not have {}; look at `dpkg -l` and apt's log",
            list(&self.packages)
        );
        Err(Failure::operator("apt-unverified", message).with_detail(&cx.log()))
    }

    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let wanted = self.to_hold(cx).await?;
        let held = apt_mark::held(&cx.node.host).await?;
        let missing: Vec<String> = wanted.iter().filter(|p| !held.contains(*p)).cloned().collect();
        apt_mark::hold(&cx.node.host, &missing).await?;
        let held = apt_mark::held(&cx.node.host).await?;
        let missing: Vec<&str> = wanted.iter().filter(|p| !held.contains(*p)).map(String::as_str).collect();
        if missing.is_empty() {
            drop(cx.node.host.files.remove(&paths::op_memo(cx.op_id)));
            return Ok(());
        }
        let message = format!("{0} could not be held again: `apt-mark hold {0}`", missing.join(" "));
        Err(Failure::operator("hold-not-restored", message))
    }
}
