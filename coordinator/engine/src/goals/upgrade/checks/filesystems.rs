//! Every filesystem that the upgrade writes to: free space, inodes, and whether it is writable.

use super::View;
use crate::inventory::NodeRole;
use crate::program::{Finding, Severity, finding};
use podlift_model::survey::{Disk, NodeSurvey};
use std::collections::BTreeSet;

const ID: &str = "filesystems";
const MIB: u64 = 1 << 20;
/// Number of files that packages and image layers need.
const INODES: u64 = 20_000;

pub fn check(view: &View) -> Vec<Finding> {
    let mut out: Vec<Finding> = unknown(view).into_iter().collect();
    for (node, survey) in view.surveys() {
        let role = view.input.inventory.get(node).map_or(NodeRole::Worker, |n| n.role);
        let room = if role == NodeRole::ControlPlane { 2048 * MIB } else { 512 * MIB };
        let need =
            room + 3 * download(survey) + if role == NodeRole::ControlPlane { 2 * database(view) } else { 0 };
        for (folder, disk) in &survey.disks {
            let next = format!("ssh {node} 'df -h {folder}; df -i {folder}; findmnt -T {folder}'");
            let found = problem(disk, need)
                .map(|p| finding(ID, Severity::Blocker, Some(node), format!("{folder} {p}"), &next));
            out.extend(found);
        }
    }
    out
}

/// Members whose database has an unknown size, so that the space for the snapshot is not known.
fn unknown(view: &View) -> Option<Finding> {
    let members = view.input.etcd.values().flatten().flat_map(|s| &s.members);
    let names: BTreeSet<&str> =
        members.filter(|m| m.healthy && m.db_size_bytes.is_none()).map(|m| m.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let names: Vec<&str> = names.into_iter().collect();
        let evidence = format!(
            "the size of etcd's database is not known ({}), so whether its snapshot has room is not known either",
            names.join(", ")
        );
        finding(ID, Severity::Warning, None, evidence, "etcdctl endpoint status --cluster -w table")
    })
}

/// Bytes of the largest etcd database: a snapshot is written, and sealed beside it.
fn database(view: &View) -> u64 {
    let members = view.input.etcd.values().flatten().flat_map(|s| &s.members);
    members.filter_map(|m| m.db_size_bytes).max().unwrap_or(0)
}

/// Bytes of the download. The filesystem holds the packages packed, and then unpacked beside them.
fn download(survey: &NodeSurvey) -> u64 {
    survey.install.as_ref().map_or(0, |i| i.download_bytes)
}

fn problem(disk: &Disk, need: u64) -> Option<String> {
    match disk {
        Disk { read_only: true, .. } => Some("is mounted read-only".into()),
        Disk { free_bytes, .. } if *free_bytes < need => {
            Some(format!("has {} MiB free, {} MiB needed", free_bytes / MIB, need / MIB))
        }
        Disk { free_inodes, .. } if *free_inodes < INODES => {
            Some(format!("has {free_inodes} inodes free, {INODES} needed"))
        }
        _ => None,
    }
}
