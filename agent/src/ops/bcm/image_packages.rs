//! Installs exact versions in an image: a dry run that refuses to touch any other package, unhold, install, hold again (after a failure what
//! was held before), and a look at dpkg's database. CMDaemon makes the image's ramdisks anew after that, so the op ends when that is over and nothing is left
//! in the image.

use super::super::shared::list;
use super::memo::Memo;
use super::{Applied, Cx, Op, idle, own, shared, tidy};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::{Files as _, Output};
use podlift_model::bcm::{BcmImage, ImageName};
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::apt::{self, preview};
use podlift_tools::bcm::chroot;
use podlift_tools::bcm::image::{self, Root};
use podlift_tools::sources;
use std::collections::BTreeSet;
use std::path::Path;

pub struct ImagePackages {
    pub image: ImageName,
    pub packages: Vec<PackagePin>,
}

/// Where the kubelet's package has its unit.
const UNITS: [&str; 2] = ["/usr/lib/systemd/system/kubelet.service", "/lib/systemd/system/kubelet.service"];

impl ImagePackages {
    fn what(&self) -> String {
        format!("changed to {}", list(&self.packages))
    }

    fn installed(&self, image: &BcmImage) -> bool {
        let is = |pin: &PackagePin| {
            image.packages.get(pin.package.name()).and_then(|p| p.version.as_ref()) == Some(&pin.version)
        };
        self.packages.iter().all(is)
    }

    /// Fails if apt would change or remove anything but Kubernetes' packages.
    async fn rehearse(&self, cx: &Cx<'_>, image: &BcmImage) -> Result<(), Failure> {
        let (place, host) = (shared::place(image), &cx.node.host);
        let mut output = chroot::simulate(host, &place, &self.packages).await?;
        // The lists may be those of another minor: the source was changed, and fetching them failed or was interrupted.
        if judged(image, &output).is_some_and(|f| f.code == codes::PACKAGE_VERSION_MISSING) {
            let root = Root::new(host.files.as_ref(), &image.path);
            chroot::refresh(host, &place, &sources::find(&root)?).await?;
            output = chroot::simulate(host, &place, &self.packages).await?;
        }
        if let Some(failure) = judged(image, &output) {
            return Err(failure);
        }
        let text = format!("{}\n{}", output.stdout, output.stderr);
        let (install, remove) = preview::simulation(&output.stdout);
        let foreign = install.iter().filter(|(name, _)| name.parse::<Package>().is_err());
        let changes = foreign.map(|(name, version)| format!("{name} to {version}"));
        // What another package's installation has left half done would be completed, with that package's own scripts.
        let configured =
            output.stdout.lines().filter_map(|l| l.strip_prefix("Conf ")?.split_whitespace().next());
        let others =
            configured.filter(|name| name.parse::<Package>().is_err() && !install.contains_key(*name));
        let others = others.map(|name| format!("{name} (configured)"));
        let all: Vec<String> =
            changes.chain(others).chain(remove.iter().map(|name| format!("{name} away"))).collect();
        match all.is_empty() {
            true => Ok(()),
            false => Err(self.would_change(image, &all.join(", ")).with_detail(&text)),
        }
    }

    /// Packages that are to be held at the end: those that are held now, and those of the image from which this one was copied, because an
    /// attempt that was interrupted may have removed holds.
    async fn holds(&self, cx: &Cx<'_>, image: &BcmImage) -> Result<BTreeSet<String>, Failure> {
        let mut all = held(image);
        if let Some(own) = own::read(cx.node, &self.image)
            && let Some(from) = image::find(&cx.node.host, &own.from).await?
        {
            all.extend(held(&from));
        }
        Ok(all)
    }

    /// Sets the holds, and returns those that are not there after it. An image that BCM does not have any more has none.
    async fn hold_again(&self, cx: &Cx<'_>, memo: &Memo) -> Result<Vec<String>, Failure> {
        let host = &cx.node.host;
        let Some(image) = image::find(host, &self.image).await? else { return Ok(Vec::new()) };
        let done = self.installed(&image);
        chroot::mark(host, &shared::place(&image), "hold", &loose(&image, &memo.held, done)).await?;
        let after = image::find(host, &self.image).await?;
        Ok(after.map(|image| loose(&image, &memo.held, done)).unwrap_or_default())
    }

    fn would_change(&self, image: &BcmImage, what: &str) -> Failure {
        let pins: Vec<String> =
            self.packages.iter().map(|p| format!("{}={}", p.package, p.version)).collect();
        let message = format!(
            "{} was not {}: apt would change {what} with it, and podlift changes Kubernetes' packages only; look at cm-chroot-sw-img {} apt-get -s install {}, mend the image {} by hand and plan again",
            self.image,
            self.what(),
            image.path,
            pins.join(" "),
            self.image
        );
        Failure::operator(codes::BCM_IMAGE_WOULD_CHANGE, message)
    }

    fn has_unit(&self, cx: &Cx<'_>, image: &BcmImage) -> bool {
        let root = Root::new(cx.node.host.files.as_ref(), &image.path);
        let kubelet = self.packages.iter().any(|p| p.package == Package::Kubelet);
        !kubelet || UNITS.iter().any(|unit| root.stat(Path::new(unit)).is_ok())
    }

    fn space(&self, cx: &Cx<'_>, image: &BcmImage) -> Result<(), Failure> {
        let wanted = cx.node.config.ops.free_bytes;
        match image.free_bytes.is_none_or(|free| free >= wanted) {
            true => Ok(()),
            false => {
                let message = format!(
                    "{} was not {}: the file system of {} has less than {} MiB free (ops.free_bytes); free space there, then podlift retry",
                    self.image,
                    self.what(),
                    image.path,
                    wanted >> 20
                );
                Err(Failure::operator(codes::DISK_FULL, message))
            }
        }
    }
}

/// What apt's failure means; `None` for a success.
fn judged(image: &BcmImage, output: &Output) -> Option<Failure> {
    let text = format!("{}\n{}", output.stdout, output.stderr);
    (!output.success()).then(|| apt::judge(&text, &format!("in {} exited {}", image.path, output.code)))
}

fn held(image: &BcmImage) -> BTreeSet<String> {
    image.packages.iter().filter(|(_, p)| p.held).map(|(name, _)| name.clone()).collect()
}

/// Packages that should be held and are not: those that were held before, and after a success the three of an upgrade.
fn loose(image: &BcmImage, before: &BTreeSet<String>, done: bool) -> Vec<String> {
    let upgraded = |name: &str| Package::UPGRADED.iter().any(|p| p.name() == name);
    let wanted = |name: &str| before.contains(name) || (done && upgraded(name));
    let loose = image.packages.iter().filter(|(name, package)| wanted(name) && !package.held);
    loose.map(|(name, _)| name.clone()).collect()
}

#[async_trait]
impl Op for ImagePackages {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let image = shared::image(cx, &self.image).await?;
        let there = self.installed(&image) && loose(&image, &self.holds(cx, &image).await?, true).is_empty();
        Ok(there.then(|| OpOutput::Unchanged(format!("{} has {} already", self.image, list(&self.packages)))))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let image = shared::changeable(cx, &self.image, &self.what()).await?;
        self.space(cx, &image)?;
        idle::provisioning(cx).await?;
        let held = self.holds(cx, &image).await?;
        let memo = Memo { held: held.clone(), ..Memo::now(cx).await? };
        memo.write(cx)?;
        self.rehearse(cx, &image).await?;
        let names: Vec<String> = held.into_iter().filter(|name| image.packages.contains_key(name)).collect();
        let place = shared::place(&image);
        chroot::mark(&cx.node.host, &place, "unhold", &names).await?;
        Ok(Applied::Unit(chroot::install(&place, &self.packages)?))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        if !exit.success() {
            return Err(apt::judge(&cx.log(), &exit.describe()));
        }
        let memo = Memo::read(cx).unwrap_or_default();
        let image = shared::image(cx, &self.image).await?;
        if !self.installed(&image) {
            let what = format!("dpkg in {} does not have {}", image.path, list(&self.packages));
            return Err(shared::no_effect(&what, &cx.log()));
        }
        if !self.has_unit(cx, &image) {
            let what = format!("{} has no {}", image.path, UNITS[0]);
            return Err(shared::no_effect(&what, &cx.log()));
        }
        idle::tasks(cx, &memo.failed).await?;
        Ok(OpOutput::Changed(format!("{} has {}", self.image, list(&self.packages))))
    }

    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let Some(memo) = Memo::read(cx) else { return Ok(()) };
        let left = self.hold_again(cx, &memo).await?;
        let path = shared::folder(cx, &self.image).await?.unwrap_or_default();
        if !path.is_empty() {
            tidy::tidy(cx, &path, &memo).await?;
        }
        match left.is_empty() {
            true => {
                Memo::remove(cx);
                Ok(())
            }
            false => {
                let message = format!(
                    "{0} in {1} could not be held again: cm-chroot-sw-img {1} apt-mark hold {0}, then podlift retry",
                    left.join(" "),
                    path
                );
                Err(Failure::operator("hold-not-restored", message))
            }
        }
    }
}
