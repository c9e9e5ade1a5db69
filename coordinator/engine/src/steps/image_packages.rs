//! Installs the exact packages in a software image and holds them. Nothing may be mounted or run in the image afterwards, and CMDaemon, which
//! makes new ramdisks after such a change, has to be through with it.

use super::image_clone::name;
use super::pins::{pins, version};
use super::reply::{all, blocked, done, odd};
use super::{Assess, Cx, Policy, Step, Touches, head, image_lock, image_source};
use crate::doors::{Act, Probe, Reply};
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
        let verb = image_lock::verb(&self.image);
        if !cx.program().steps().any(|spec| spec.kind.step().verb() == verb) {
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
