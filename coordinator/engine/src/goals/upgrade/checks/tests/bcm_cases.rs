//! Problems of BCM: its head nodes, exclude lists, tasks and images, and the versions that Run:ai supports.

use super::cases::{Change, extra_pod};
use crate::goals::PlanInput;
use crate::survey::PodView;
use crate::testing::bcm::{provisioning, with_images};
use crate::testing::name;
use crate::testing::survey::pod;
use podlift_model::bcm::*;

fn bcm(i: &mut PlanInput) -> &mut crate::goals::BcmView {
    i.bcm.as_mut().unwrap()
}

fn head(i: &mut PlanInput, mode: HeadMode, text: &str) {
    let state = bcm(i).state.as_mut().unwrap();
    (state.mode, state.text) = (mode, text.into());
}

/// The lists of each node without these paths.
fn open(i: &mut PlanInput, update: &[&str], sync: &[&str]) {
    with_images(i);
    for lists in bcm(i).excludes.values_mut().flatten() {
        lists.update.retain(|path| !update.contains(&path.as_str()));
        lists.sync.retain(|path| !sync.contains(&path.as_str()));
    }
}

fn with_agent(i: &mut PlanInput, is: bool) {
    bcm(i).images.as_mut().unwrap().iter_mut().for_each(|image| image.agent = is);
}

fn tasks(i: &mut PlanInput, state: TaskState) {
    with_images(i);
    let id = BcmTaskId::new("7c1f").unwrap();
    let task = BcmTask { id, what: "Create ramdisk dgx-image".into(), state };
    bcm(i).provisioning.as_mut().unwrap().tasks.push(task);
}

/// Run:ai's operator with this image, or with this label and no image.
fn runai(i: &mut PlanInput, tag: Option<&str>, chart: Option<&str>) {
    let operator = pod("runai", "runai-operator-6d5f", "runai-01", "ReplicaSet/runai-operator");
    let labels = chart.map(|chart| ("helm.sh/chart".to_string(), chart.to_string()));
    let image = tag.map(|tag| format!("mirror.example:5000/runai/operator:{tag}"));
    extra_pod(i, PodView { image, labels: labels.into_iter().collect(), daemon_set: true, ..operator });
}

pub(super) const CASES: &[(&str, Change, &str, Change)] = &[
    (
        "bcm-head",
        |i| head(i, HeadMode::Passive, ""),
        "head node head-01 is the passive one",
        |i| head(i, HeadMode::Active, ""),
    ),
    (
        "bcm-head",
        |i| head(i, HeadMode::Unknown, "head-01 and head-02 both say active"),
        "not clear, so that none may change BCM's state: head-01 and head-02 both say active",
        |i| head(i, HeadMode::Alone, ""),
    ),
    (
        "bcm-head",
        |i| bcm(i).state = Err("cmha timed out".into()),
        "not known, and only that",
        // What else is not known of the head node decides nothing.
        |i| {
            let state = bcm(i).state.as_mut().unwrap();
            (state.cm_setup, state.bcm) = (None, None);
        },
    ),
    (
        "bcm-head",
        |i| bcm(i).state.as_mut().unwrap().kubeadm_manage = false,
        "no cm-kubeadm-manage with update_configmap",
        // Nothing is repaired that BCM would have to learn.
        |i| {
            bcm(i).state.as_mut().unwrap().kubeadm_manage = false;
            let repairs = crate::goals::build(i).unwrap().mends.repairs;
            let config = &mut i.kubeadm_config.as_mut().unwrap().cluster_configuration;
            *config = crate::kubeadm_config::repair(config, &repairs).unwrap();
        },
    ),
    (
        "bcm-head",
        |i| bcm(i).clusters.as_mut().unwrap()[0].name = "k8s-admin".parse().unwrap(),
        "BCM lists no Kubernetes cluster runaicluster, it has k8s-admin",
        |i| {
            let other = BcmCluster { name: "k8s-admin".parse().unwrap(), version: None };
            bcm(i).clusters.as_mut().unwrap().push(other);
        },
    ),
    (
        "bcm-excludes",
        |i| open(i, &["/etc/kubernetes", "/etc/machine-id"], &["/etc/kubernetes"]),
        "add to excludelistsyncinstall of category dgx-h100 the lines `- /etc/kubernetes`; add to excludelistupdate of category dgx-h100 the lines `- /etc/kubernetes`, `- /etc/machine-id`",
        |i| open(i, &[], &[]),
    ),
    (
        "bcm-excludes",
        |i| {
            with_images(i);
            bcm(i).excludes.clear();
        },
        "can't be read: BCM was not asked for them",
        |i| open(i, OF_IMAGE, OF_IMAGE),
    ),
    (
        "bcm-excludes",
        |i| open(i, &["/var/lib/etcd"], &[]),
        "/var/lib/etcd of runai-01",
        // The pattern of a parent covers it, too.
        |i| {
            open(i, &["/var/lib/etcd"], &[]);
            bcm(i).excludes.values_mut().flatten().for_each(|lists| lists.update.push("/var/lib/*".into()));
        },
    ),
    (
        "bcm-excludes",
        |i| {
            with_images(i);
            bcm(i).excludes.insert(name("dgx030"), Err("cmsh ended with 1".into()));
        },
        "exclude lists can't be read: cmsh ended with 1",
        |i| {
            with_images(i);
            let lists = bcm(i).excludes.remove(&name("dgx030")).unwrap();
            // One node of a group stands for all.
            bcm(i).excludes.insert(name("dgx033"), lists);
        },
    ),
    (
        "bcm-images",
        |i| {
            with_images(i);
            with_agent(i, false);
        },
        "podlift-agent is not in software image dgx-image",
        |i| with_images(i),
    ),
    (
        "bcm-tasks",
        |i| tasks(i, TaskState::Failed),
        "1 task of CMDaemon failed: look whether one was of a software image: 7c1f (Create ramdisk dgx-image)",
        |i| tasks(i, TaskState::Done),
    ),
    (
        "bcm-tasks",
        |i| tasks(i, TaskState::Open),
        "still open",
        |i| {
            tasks(i, TaskState::Open);
            // No node goes through an image, so nothing waits.
            (bcm(i).nodes, bcm(i).images) = (Ok(vec![]), Ok(vec![]));
        },
    ),
    (
        "bcm-tasks",
        |i| {
            with_images(i);
            let mut state = provisioning(&[]);
            state.provisioners.iter_mut().for_each(|p| p.drained = true);
            bcm(i).provisioning = Ok(state);
        },
        "no provisioner of BCM serves nodes",
        |i| {
            with_images(i);
            bcm(i).provisioning.as_mut().unwrap().provisioners[0].drained = true;
        },
    ),
    (
        "runai-versions",
        |i| runai(i, Some("2.24.3"), None),
        "Run:ai 2.24 supports Kubernetes from v1.33 on, and the target v1.32 is older",
        |i| runai(i, Some("2.22.47"), None),
    ),
    (
        "runai-versions",
        |i| runai(i, None, Some("runai-cluster-2.25.1")),
        "Run:ai 2.25 supports Kubernetes from v1.33 on",
        |i| runai(i, None, Some("runai-cluster-2.23.1")),
    ),
];
