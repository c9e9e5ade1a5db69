//! Issue: a feature gate that the version of a component does not know, or that the site removes.

use super::{IssueName, Observed, Page, Sighting, component};
use podlift_model::op::Component;

pub(super) const PAGE: Page = Page {
    explains: "kubeadm-config keeps --feature-gates of older versions. Kubernetes removes a gate some releases after it is final, and a component that is given a gate which it does not know does not start.",
    means: "The component exits with code 1 at every start if its version does not know the gate. A gate that the version still knows changes nothing by itself; the site decides whether it goes.",
    repairs: "The run takes the gates that the target does not know, and those of the site's rule, out of kubeadm-config before kubeadm runs. The agent takes a fatal gate out of a manifest by itself.",
    asks: Some("feature-gates"),
};

/// What a component writes before it exits (`k8s.io/component-base/featuregate`).
const LINES: [&str; 2] = ["unrecognized feature gate", "cannot set feature gate"];
/// Rules of the agent's heal that repair it.
pub(super) const RULES: [&str; 2] = ["gate-fatal", "site-gate"];

pub(super) fn seen(now: &Observed) -> Vec<Sighting> {
    let what = |component: Component| {
        format!("{component} does not start: it does not know a feature gate of its manifest")
    };
    let crashes = |_: Component, line: &str| LINES.iter().any(|known| line.contains(known));
    component::seen(now, IssueName::FeatureGates, &RULES, crashes, what)
}
