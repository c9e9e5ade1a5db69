//! Each step fails once, for good: the run pauses with a reason that a person can act on, and after the cause is mended a retry takes it
//! to success.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure, press};
use podlift_engine::machine::{Event, RunStatus};
use podlift_lab::{Fault, FaultAction, Shape};

/// A step's verb, and what breaks it: program (of one node), a word of its call.
pub const BREAKS: &[(&str, &str, &str)] = &[
    ("etcd-snapshot", "etcdctl", "snapshot save"),
    ("apt-update", "apt-get", "update"),
    ("download", "apt-get", "--download-only"),
    ("image-pull", "crictl", "pull"),
    ("image-release", "ctr", "pinned= podlift.pinned="),
    ("install-kubeadm", "apt-mark", "unhold kubeadm"),
    ("flag-diff", "kubeadm", "upgrade diff"),
    ("kubeadm-apply", "kubeadm", "upgrade apply v1.32.9"),
    ("addons", "kubeadm", "phase addon"),
    ("install-kubelet-kubectl", "apt-get", "install kubelet=1.32.9"),
    ("kubelet-config", "kubeadm", "phase kubelet-config"),
    ("kubelet-restart", "systemctl", "restart kubelet"),
    ("kubeadm-node", "kubeadm@dgx030", "upgrade node"),
    ("repair-config", "api", "PATCH /api/v1/namespaces/kube-system/configmaps/kubeadm-config"),
    ("repair-kubelet-config", "api", "PATCH /api/v1/namespaces/kube-system/configmaps/kubelet-config"),
    ("cordon", "api", "PATCH /api/v1/nodes"),
    ("image-clone", "cmsh", "clone dgx-image "),
    ("image-lock", "cmsh", "softwareimage lock "),
    ("image-source", "cm-chroot-sw-img", "update"),
    ("image-packages", "cm-chroot-sw-img", "--no-remove"),
    ("image-provisioners", "cmsh", "updateprovisioners"),
    ("image-unlock", "cmsh", "softwareimage unlock "),
    ("assign-image", "cmsh", "; set softwareimage "),
    ("sync-dry-run", "cmsh", "imageupdate "),
    ("sync", "cmsh", "-w --wait"),
    ("category-image", "cmsh", "category use dgx-h100; set softwareimage "),
    ("bcm-version", "cmsh", "set version "),
    ("learn-config", "cm-kubeadm-manage", "update_configmap"),
];

/// Steps whose verb ends with the name of an image or of a category.
const NAMED: &[&str] = &[
    "image-clone",
    "image-lock",
    "image-source",
    "image-packages",
    "image-provisioners",
    "image-unlock",
    "category-image",
];

/// The verb of a step without the name of its image or category, or of its object.
pub fn kind(verb: &str) -> &str {
    let is = |kind: &&&str| verb.strip_prefix(**kind).is_some_and(|name| name.starts_with('-'));
    // An object's namespace and name follow behind a dot each.
    let of_object = || verb.split_once('.').map_or(verb, |(kind, _)| kind);
    NAMED.iter().find(is).copied().unwrap_or_else(of_object)
}

pub async fn a_failed_step_pauses_and_resumes(verb: &str, program: &str, contains: &str) -> Kept {
    let images = program.starts_with("cm");
    let mut pod = Pod::new(Shape { images, ..small() }, Sabotage::None);
    pod.options.wait_seconds = 120;
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let code = if program == "api" { 403 } else { 1 };
    let action = FaultAction::Fail { code, stderr: "the lab breaks this on purpose".into() };
    let fault = match program.split_once('@') {
        Some((program, node)) => Fault::new(program, contains, action).on(node),
        None => Fault::new(program, contains, action),
    };
    pod.world.add_fault(fault.times(1000));
    let state = pod.rest().await.ok_or_else(|| format!("{verb}: the run never rested"))?;
    let RunStatus::Paused { reason } = &state.status else {
        return Err(format!("{verb} failed, and the run is {}", why(&state)));
    };
    let failed: Vec<String> = state.failed_steps().map(|(s, _)| s.id.to_string()).collect();
    let of = |id: &String| id.rsplit('/').next().map(kind) == Some(verb);
    ensure(failed.iter().any(of), || format!("{verb} was to fail, and {failed:?} did: {}", why(&state)))?;
    ensure(reason.message.len() > 20 && !reason.code.is_empty(), || format!("{verb}: {reason:?}"))?;
    pod.world.clear_faults();
    press::next(&pod, reason).await.map_err(|e| format!("{verb}: {e}"))?;
    let state = pod.rest().await.ok_or_else(|| format!("{verb}: the run never rested again"))?;
    ensure(state.status == RunStatus::Succeeded, || format!("{verb}, mended: {}", why(&state)))?;
    let pauses = pod.journal.records().iter().filter(|r| matches!(r.event, Event::RunPaused { .. })).count();
    ensure(pauses == 1, || format!("{verb}: paused {pauses} times"))
}
