//! Exact versions: unhold, install, hold again (also when it failed), verified. Only holds that were there before, or are the three that
//! podlift always leaves held, are set.

use super::shared::{file_failure, free_space, list};
use super::{Applied, Cx, Op};
use crate::paths;
use crate::tools::apt::{self, lock};
use crate::tools::dpkg_query::Known;
use crate::tools::{apt_mark, dpkg_query, madison};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, OpOutput};
use std::collections::BTreeSet;

pub struct PackageInstall {
    pub packages: Vec<PackagePin>,
    /// Bring an interrupted dpkg to its end first.
    pub repair: bool,
}

/// Held at the end, whatever was before.
const ALWAYS: [Package; 3] = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];

impl PackageInstall {
    async fn installed(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        let known = dpkg_query::known(&cx.node.host).await?;
        let whole = |p: &PackagePin| known.get(&p.package).and_then(Known::whole);
        Ok(self.packages.iter().all(|p| whole(p).as_ref() == Some(&p.version)))
    }

    /// Remembers the holds on the disk before the first of them goes. All of the repository's packages, also those that nobody named:
    /// apt's solver may not touch one that is held.
    async fn unhold(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let held: BTreeSet<String> = held(cx).await?;
        let path = paths::op_memo(cx.op_id);
        let memo = serde_json::to_vec(&held).unwrap_or_default();
        cx.node.host.files.write(&path, &memo, 0o600).map_err(|e| file_failure(&path, &e))?;
        apt_mark::unhold(&cx.node.host, &held.into_iter().collect::<Vec<_>>()).await
    }
}

/// Of the repository's packages, by dpkg's own word.
async fn held(cx: &Cx<'_>) -> Result<BTreeSet<String>, Failure> {
    let known = dpkg_query::known(&cx.node.host).await?;
    Ok(known.iter().filter(|(_, k)| k.held).map(|(p, _)| p.name().to_string()).collect())
}

/// What should be held and is not: of what dpkg knows, the three, and what was held when the op began.
async fn not_held(cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
    let memo = cx.node.host.files.read(&paths::op_memo(cx.op_id)).unwrap_or_default();
    let before: BTreeSet<String> = serde_json::from_slice(&memo).unwrap_or_default();
    let known = dpkg_query::known(&cx.node.host).await?;
    let wanted = |p: &Package| ALWAYS.contains(p) || before.contains(p.name());
    let loose = known.iter().filter(|(p, k)| wanted(p) && !k.held);
    Ok(loose.map(|(p, _)| p.name().to_string()).collect())
}

#[async_trait]
impl Op for PackageInstall {
    fn is_unit(&self) -> bool {
        true
    }

    fn locks(&self) -> &'static [&'static str] {
        &[lock::FRONTEND, lock::DPKG, lock::ARCHIVES]
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
        Ok(Applied::Unit(apt::install(&self.packages, self.repair)))
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
        let host = &cx.node.host;
        apt_mark::hold(host, &not_held(cx).await?).await?;
        // After an interrupted dpkg, apt-mark takes a hold that is gone for one that is there, and does nothing.
        let blind = not_held(cx).await?;
        if !blind.is_empty() {
            apt_mark::unhold(host, &blind).await?;
            apt_mark::hold(host, &blind).await?;
        }
        let loose = not_held(cx).await?;
        if loose.is_empty() {
            drop(host.files.remove(&paths::op_memo(cx.op_id)));
            return Ok(());
        }
        let message = format!("{0} could not be held again: `apt-mark hold {0}`", loose.join(" "));
        Err(Failure::operator("hold-not-restored", message))
    }
}
