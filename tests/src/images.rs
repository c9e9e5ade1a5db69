//! Runs in which BCM gives each node its disk from a software image, and looks at BCM and its images that no report of the product can
//! change.

use crate::rollout::{Rollout, shape};
use podlift_engine::machine::{Event, Record};
use podlift_lab::world::bcm::build::path;
use podlift_lab::{Shape, What, World};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The image of the workers, its clone for the target, and their category.
pub const WORKERS: [&str; 3] = ["dgx-image", "dgx-image-k8s-1.32.9", "dgx-h100"];
/// The same of the control-plane nodes.
pub const PLANES: [&str; 3] = ["k8s-image", "k8s-image-k8s-1.32.9-control-plane", "runai-control-plane"];
pub const OLD: &str = "1.31.9-1.1";
pub const NEW: &str = "1.32.9-1.1";
pub const PACKAGES: [&str; 3] = ["kubeadm", "kubectl", "kubelet"];

/// One control-plane node and so many workers, at most two of them at once.
pub fn rollout(workers: usize) -> Rollout {
    // Without endpoints in kubeadm-config the run has something to repair there.
    let shape = Shape { images: true, empty_endpoints: true, ..shape(workers) };
    Rollout::of(shape, json!({"max-unavailable": "2"}))
}

/// The image that a device gets at its next sync, and whether it is set at the device itself.
pub fn image_of(world: &World, device: &str) -> Option<(String, bool)> {
    world.lock().bcm.image_of(device)
}

pub fn category(world: &World, name: &str) -> Option<String> {
    world.lock().bcm.categories.get(name).and_then(|category| category.image.clone())
}

/// The three packages in an image, or on a node.
pub fn packages(world: &World, place: &str) -> BTreeMap<String, String> {
    let s = world.lock();
    let all = s.node(place).packages.iter().filter(|(name, _)| PACKAGES.contains(&name.as_str()));
    all.map(|(name, package)| (name.clone(), package.version.clone())).collect()
}

pub fn packages_in(world: &World, image: &str) -> BTreeMap<String, String> {
    packages(world, &path(image))
}

pub fn all_at(version: &str) -> BTreeMap<String, String> {
    PACKAGES.map(|name| (name.to_string(), version.to_string())).into()
}

/// Places in the list of effects at which this happened to a node, or on it.
pub fn places(world: &World, node: &str, is: impl Fn(&What) -> bool) -> Vec<usize> {
    let effects = world.effects();
    (0..effects.len()).filter(|i| effects[*i].node == node && is(&effects[*i].what)).collect()
}

/// The images that were written to a node.
pub fn synced(world: &World, node: &str) -> Vec<String> {
    let image = |effect: podlift_lab::Effect| match effect.what {
        What::Synced { image, .. } if effect.node == node => Some(image),
        _ => None,
    };
    world.effects().into_iter().filter_map(image).collect()
}

/// Why steps were put back, and what paused the run.
pub fn reasons(records: &[Record]) -> Vec<String> {
    let of = |record: &Record| match &record.event {
        event @ Event::EarlierLost { .. } => Some(serde_json::to_string(event).unwrap_or_default()),
        Event::RunPaused { reason, .. } => Some(format!("{}: {}", reason.code, reason.message)),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

/// Something that happens to the World, at the begin or the end of a step.
pub struct Meanwhile {
    /// The end of the step's id.
    pub step: &'static str,
    /// When the step is done; otherwise when it begins.
    pub done: bool,
    pub happens: fn(&Arc<World>),
}

impl Rollout {
    /// Starts all; this happens once, at the first step of that name.
    pub fn start_with(&mut self, meanwhile: Option<Meanwhile>) {
        let (world, journal) = (self.world().clone(), self.pod.journal.clone());
        let mut due = meanwhile;
        self.start(move |_| {
            let last = journal.records().last().map(|record| record.event.clone());
            let at = due.as_ref().zip(last.as_ref());
            if at.is_some_and(|(meanwhile, event)| meanwhile.is_at(event))
                && let Some(meanwhile) = due.take()
            {
                (meanwhile.happens)(&world);
            }
        });
    }
}

impl Meanwhile {
    fn is_at(&self, event: &Event) -> bool {
        let step = match (event, self.done) {
            (Event::StepStarted { step, .. }, false) | (Event::StepDone { step, .. }, true) => step,
            _ => return false,
        };
        step.as_str().ends_with(self.step)
    }
}
