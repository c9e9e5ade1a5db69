//! Fetches packages of exact versions, before anything is disrupted.

use super::paths;
use super::pins::{pins, version};
use super::reply::once;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::program::{Given, Shared};
use podlift_model::op::{Package, PackagePin};
use podlift_model::{HostOp, Look, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Download {
    packages: Vec<Package>,
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    pins: Given<Vec<PackagePin>>,
}

impl Download {
    pub fn of(packages: &[Package], versions: &BTreeMap<Package, PackageVersion>) -> Self {
        Self { packages: packages.to_vec(), pins: Given::shared(pins(packages, versions)) }
    }
}

impl Step for Download {
    fn verb(&self) -> String {
        "download".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.pins.complete(pins(&self.packages, &shared.packages));
    }
    fn remains(&self) -> Option<String> {
        Some(format!("the packages of the target stay in {}", paths::APT_ARCHIVES))
    }
    fn sample() -> Self {
        Self::of(Package::ALL, &version())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }

    fn assess(&self, cx: &Cx, _reply: &Reply) -> Assess {
        once(cx.acted, "packages downloaded")
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::PackageDownload { packages: self.pins.to_vec() })
    }
}
