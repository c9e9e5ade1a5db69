//! Installs the exact packages in a software image and holds them. Nothing may be mounted or run in the image afterwards, and CMDaemon, which
//! makes new ramdisks after such a change, has to be through with it.

use super::image_clone::name;
use super::pins::{pins, version};
use super::reply::{all, blocked, done, odd};
use super::{Assess, Cx, Policy, Step, Touches, head, image_lock, image_source};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
use podlift_model::bcm::{BcmImage, BcmOp, ImageName};
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Look, NodeName, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePackages {
    image: ImageName,
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    pins: Given<Vec<PackagePin>>,
    /// The image is of another architecture than the usual head node's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    slow: bool,
}

/// The packages of an image that the run brings to the target.
pub const PACKAGES: [Package; 3] = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];

impl ImagePackages {
    pub fn of(image: ImageName, versions: &BTreeMap<Package, PackageVersion>, slow: bool) -> Self {
        Self { image, pins: Given::shared(pins(&PACKAGES, versions)), slow }
    }
}

/// The verb of this step for an image.
pub fn verb(image: &ImageName) -> String {
    format!("image-packages-{image}")
}

/// Packages of the image that are not as they have to be: `kubelet 1.31.9-1.1, expected 1.32.9-1.1, held`.
fn wrong(image: &BcmImage, pins: &[PackagePin]) -> Vec<String> {
    let mut out = vec![];
    for pin in pins {
        let there = image.packages.get(pin.package.name());
        let version = there.and_then(|p| p.version.as_ref());
        match (version == Some(&pin.version), there.is_some_and(|p| p.held)) {
            (true, true) => {}
            (true, false) => out.push(format!("{} {} is not held", pin.package, pin.version)),
            (false, _) => out.push(format!(
                "{} {}, expected {}, held",
                pin.package,
                version.map_or("not installed".into(), ToString::to_string),
                pin.version
            )),
        }
    }
    out
}

/// The verdict if the image is not as this run needs it: somebody has removed it or changed its packages, or BCM has failed over to a head
/// node that does not have the change. The steps that make it are done again, if the run has them.
pub fn lost(cx: &Cx, image: &ImageName, seen: Option<&BcmImage>) -> Option<Assess> {
    let upgrade = cx.program().goal.upgrade()?;
    let what = match seen {
        None => "is not in BCM any more".to_string(),
        Some(seen) => {
            let wrong = wrong(seen, &pins(&PACKAGES, &upgrade.packages));
            if wrong.is_empty() {
                return None;
            }
            format!("has not the packages of the target: {}", wrong.join("; "))
        }
    };
    let what = format!("software image {image} {what}");
    if !is_made(cx, image) {
        return Some(not_ours(cx, &what));
    }
    let steps = cx.program().steps().map(|spec| spec.kind.step());
    let verbs: Vec<String> =
        steps.filter(|step| step.makes_image() == Some(image)).map(|step| step.verb()).collect();
    Some(cx.again(&verbs.iter().map(String::as_str).collect::<Vec<_>>(), what))
}

/// Whether the run makes the image. Only then it locks it, and changes anything in it.
fn is_made(cx: &Cx, image: &ImageName) -> bool {
    let verb = image_lock::verb(image);
    cx.program().steps().any(|spec| spec.kind.step().verb() == verb)
}

/// An image that the run only uses, or whose nodes have all been left out when the plan was made.
fn not_ours(cx: &Cx, what: &str) -> Assess {
    let worker = cx.step.node.as_ref().filter(|_| cx.role() == NodeRole::Worker);
    let (way, next) = match worker {
        Some(node) => (
            format!("leave the node out with podlift defer {node}, or abort the run, and plan again"),
            format!("podlift defer {node}"),
        ),
        None => ("abort, and plan again".to_string(), "podlift abort".to_string()),
    };
    blocked(
        "bcm-image-not-made",
        format!("{what}; this run changes no image that it has not made: {way}"),
        next,
    )
}

impl Step for ImagePackages {
    fn verb(&self) -> String {
        verb(&self.image)
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn makes_image(&self) -> Option<&ImageName> {
        Some(&self.image)
    }
    fn complete(&mut self, shared: &Shared) {
        self.pins.complete(pins(&PACKAGES, &shared.packages));
    }
    fn sample() -> Self {
        Self::of(name("dgx-image-new"), &version(), false)
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(vec![head::image_look(cx, &self.image), head::look(cx, Look::BcmProvisioning)])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [seen, state] = all(reply) else { return odd(reply) };
        let (Some(seen), Some(state)) = (head::image(seen), head::provisioning(state)) else {
            return odd(reply);
        };
        let Some(image) = seen else {
            return image_lock::lost(cx, &self.image, None).unwrap_or_else(|| head::gone(&self.image));
        };
        let wrong = wrong(image, &self.pins);
        if let Some(wait) = head::tasks(state) {
            return wait;
        }
        if !image.inside.is_empty() {
            return self.inside(cx, image);
        }
        if wrong.is_empty() {
            let shown: Vec<String> =
                self.pins.iter().map(|p| format!("{} {}", p.package, p.version)).collect();
            return done(format!("software image {} has {}, held", self.image, shown.join(", ")));
        }
        if cx.acted {
            return head::no_effect(format!(
                "packages were installed in software image {}, and dpkg there says: {}",
                self.image,
                wrong.join("; ")
            ));
        }
        if !is_made(cx, &self.image) {
            let message = format!(
                "software image {} had the target's packages when the plan was made, and dpkg there says now: {}; podlift changes no image that it has not made: abort, and plan again",
                self.image,
                wrong.join("; ")
            );
            return blocked("bcm-image-exists", message, "podlift abort");
        }
        if image.source != self.pins.first().map(|p| p.version.kube.minor()) {
            let why = format!("the apt source in software image {} is of another minor", self.image);
            return cx.again(&[&image_source::verb(&self.image)], why);
        }
        image_lock::lost(cx, &self.image, seen).unwrap_or(Assess::Ready)
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::ImagePackages { image: self.image.clone(), packages: self.pins.to_vec() })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { wait: head::limit(self.slow), poll: head::POLL, ..cx.policy() }
    }
}

impl ImagePackages {
    /// Something is mounted or runs in the image. A session that does not unmount at its end leaves the head node's own folders in it.
    fn inside(&self, cx: &Cx, image: &BcmImage) -> Assess {
        let what = format!("in software image {} are {}", self.image, image.inside.join(", "));
        match cx.acted {
            false => Assess::Wait(what),
            true => blocked(
                "bcm-image-in-use",
                format!("{what}: unmount these and end those, and don't remove the image's folder before"),
                "podlift retry",
            ),
        }
    }
}
