//! Installs exact versions: unhold, install, verify, and hold. After a success the three packages of an upgrade are held, and those that
//! were held before. After a failure or a crash before the versions are there, the holds are as they were: an op that changed nothing leaves
//! no hold behind that somebody has removed on purpose.

use super::shared::{file_failure, free_space, list};
use super::{Applied, Cx, Op};
use crate::interlock;
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::paths;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, OpOutput};
use podlift_tools::apt::{self, lock};
use podlift_tools::{apt_mark, dpkg_query, madison};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub struct PackageInstall {
    pub packages: Vec<PackagePin>,
    /// Completes an interrupted dpkg first.
    pub repair: bool,
}

impl PackageInstall {
    async fn installed(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        let known = dpkg_query::known(&cx.node.host).await?;
        let is = |p: &PackagePin| known.get(&p.package).and_then(|k| k.version.as_ref()) == Some(&p.version);
        Ok(self.packages.iter().all(is))
    }

    /// Records the holds on the disk before it removes the first one. It unholds all packages of the repository, also those that the op
    /// does not name: apt's solver may not touch a held one.
    async fn unhold(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let mut held = held(cx).await?;
        held.extend(owed(cx).into_values().flatten());
        let path = paths::op_memo(cx.op_id);
        let memo = serde_json::to_vec(&held).unwrap_or_default();
        cx.node.host.files.write(&path, &memo, 0o600).map_err(|e| file_failure(&path, &e))?;
        apt_mark::unhold(&cx.node.host, &held.into_iter().collect::<Vec<_>>()).await
    }

    /// Only dpkg shows whether it worked.
    async fn hold_again(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let host = &cx.node.host;
        apt_mark::hold(host, &self.not_held(cx).await?).await?;
        // After an interrupted dpkg, apt-mark sees a hold that does not exist, and does nothing.
        let blind = self.not_held(cx).await?;
        apt_mark::unhold(host, &blind).await?;
        apt_mark::hold(host, &blind).await
    }

    fn has_unheld(&self, cx: &Cx<'_>) -> bool {
        cx.node.host.files.stat(&paths::op_memo(cx.op_id)).is_ok()
    }

    /// Packages that dpkg knows, that should be held and are not. Without a record the op has removed no hold, but an earlier one may have.
    async fn not_held(&self, cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
        let memo = cx.node.host.files.read(&paths::op_memo(cx.op_id)).unwrap_or_default();
        let mut before: BTreeSet<String> = serde_json::from_slice(&memo).unwrap_or_default();
        let done = self.installed(cx).await?;
        if done {
            before.extend(owed(cx).into_values().flatten());
        }
        let known = dpkg_query::known(&cx.node.host).await?;
        let wanted = |p: &Package| before.contains(p.name()) || (done && Package::UPGRADED.contains(p));
        let loose = known.iter().filter(|(p, k)| wanted(p) && !k.held);
        Ok(loose.map(|(p, _)| p.name().to_string()).collect())
    }
}

/// Holds that earlier ops removed and could not set again, by their records.
fn owed(cx: &Cx<'_>) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let own = paths::op_memo(cx.op_id);
    let (files, folder) = (&cx.node.host.files, own.parent().unwrap_or(Path::new("/")));
    let memos = files.list(folder).unwrap_or_default().into_iter().filter(|name| name.ends_with(".memo"));
    let others = memos.map(|name| folder.join(name)).filter(|path| *path != own);
    let names = |path: PathBuf| {
        // Records of other ops have another form.
        let names: BTreeSet<String> = serde_json::from_slice(&files.read(&path).ok()?).ok()?;
        names.iter().all(|name| name.parse::<Package>().is_ok()).then_some((path, names))
    };
    others.filter_map(names).collect()
}

/// Held packages of the repository, as dpkg reports them.
async fn held(cx: &Cx<'_>) -> Result<BTreeSet<String>, Failure> {
    let known = dpkg_query::known(&cx.node.host).await?;
    Ok(known.iter().filter(|(_, k)| k.held).map(|(p, _)| p.name().to_string()).collect())
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
        let files = &cx.node.host.files;
        let said = self.hold_again(cx).await.err();
        let loose = self.not_held(cx).await?;
        if loose.is_empty() {
            let all = self.has_unheld(cx) || self.installed(cx).await?;
            let paid = if all { owed(cx).into_keys().collect() } else { Vec::new() };
            for record in paid.into_iter().chain([paths::op_memo(cx.op_id)]) {
                drop(files.remove(&record));
            }
            return Ok(());
        }
        let message = format!(
            "{0} could not be held again: `apt-mark hold {0}`, then `podlift retry`",
            loose.join(" ")
        );
        let detail = said.map(|failure| failure.detail).unwrap_or_default();
        Err(Failure::operator("hold-not-restored", message).with_detail(&detail))
    }
}
