//! Installs exact versions: unhold, install, hold again (also after a failure), verify. The op sets only holds that were there before, and
//! those of the three packages that podlift always holds.

use super::shared::{file_failure, free_space, list};
use super::{Applied, Cx, Op};
use crate::interlock;
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::paths;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, OpOutput};
use podlift_tools::apt::{self, lock};
use podlift_tools::dpkg_query::Known;
use podlift_tools::{apt_mark, dpkg_query, madison};
use std::collections::BTreeSet;

pub struct PackageInstall {
    pub packages: Vec<PackagePin>,
    /// Completes an interrupted dpkg first.
    pub repair: bool,
}

/// Packages that are held at the end in every case.
const ALWAYS: [Package; 3] = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];

impl PackageInstall {
    async fn installed(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        let known = dpkg_query::known(&cx.node.host).await?;
        let whole = |p: &PackagePin| known.get(&p.package).and_then(Known::whole);
        Ok(self.packages.iter().all(|p| whole(p).as_ref() == Some(&p.version)))
    }

    /// Records the holds on the disk before it removes the first one. It unholds all packages of the repository, also those that the op
    /// does not name: apt's solver may not touch a held one.
    async fn unhold(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let held: BTreeSet<String> = held(cx).await?;
        let path = paths::op_memo(cx.op_id);
        let memo = serde_json::to_vec(&held).unwrap_or_default();
        cx.node.host.files.write(&path, &memo, 0o600).map_err(|e| file_failure(&path, &e))?;
        apt_mark::unhold(&cx.node.host, &held.into_iter().collect::<Vec<_>>()).await
    }
}

/// Held packages of the repository, as dpkg reports them.
async fn held(cx: &Cx<'_>) -> Result<BTreeSet<String>, Failure> {
    let known = dpkg_query::known(&cx.node.host).await?;
    Ok(known.iter().filter(|(_, k)| k.held).map(|(p, _)| p.name().to_string()).collect())
}

/// Packages that should be held and are not: of those that dpkg knows, the three and those that were held when the op began.
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
        // Once more, because the lists took their time, and the holds are the first change.
        interlock::clear(cx, |_| ()).await?;
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
        // After an interrupted dpkg, apt-mark sees a hold that does not exist, and does nothing.
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
