//! Where this run did something else than the runbook says, and why: only what the run has really done. docs/runbook-map.md has all of it.

use podlift_engine::doors::RolloutKind;
use podlift_engine::inventory::NodeRole;
use podlift_engine::issues::IssueName;
use podlift_engine::program::GoalName;
use podlift_engine::view::Report;
use podlift_engine::view::report::NodeReport;

/// A sentence each, in the order of the runbook.
pub(crate) fn lines(r: &Report) -> Vec<String> {
    let upgraded =
        |role| r.goal == GoalName::Upgrade && r.nodes.iter().any(|n| n.role == role && was_changed(n));
    let (servers, workers) = (upgraded(NodeRole::ControlPlane), upgraded(NodeRole::Worker));
    let clones = r.bcm.iter().flat_map(|bcm| &bcm.images).any(|image| image.ready);
    let all = [
        (
            !r.prevented.is_empty(),
            "kubeadm-config was repaired before kubeadm ran. The runbook repairs each manifest by hand after its API server has crashed.",
        ),
        (
            servers,
            "All API servers were upgraded before any kubelet, and control-plane nodes were drained for their kubelet. The runbook upgrades both on one node after the other, and drains none of them.",
        ),
        (
            clones,
            "A clone of the software image was changed and assigned to one node after the other. The runbook changes the image in its place, where a reboot would start the new kubelet with jobs on the node.",
        ),
        (workers, "Workers were drained before they were written. The runbook writes first and drains then."),
        (
            !r.batches.is_empty(),
            "Workers were taken in batches, by the jobs that ran on them. The runbook takes one after the other by name.",
        ),
        (
            removed(r),
            "Tigera's operator was deleted after a person had approved it, with its objects in the sealed backup. The runbook deletes it at once.",
        ),
        (
            done(r, "service "),
            "Services were created again from their cleaned copies, with their addresses pinned. The runbook applies the backup as it is, or has Helm install the chart again.",
        ),
        (
            done(r, "secret "),
            "TLS secrets were created again from podlift's copy. The runbook configures the ingress anew with cm-kubernetes-setup.",
        ),
        (
            restarted(r),
            "Pods were restarted by a rollout, one after another. The runbook deletes all pods of the namespace at once.",
        ),
    ];
    all.into_iter().filter(|(took, _)| *took).map(|(_, line)| line.to_string()).collect()
}

fn was_changed(node: &NodeReport) -> bool {
    node.result == "upgraded"
}

/// Whether something about an object of this kind was done.
fn done(r: &Report, kind: &str) -> bool {
    r.issues.iter().any(|row| row.object.starts_with(kind) && row.done.is_some())
}

fn removed(r: &Report) -> bool {
    r.issues.iter().any(|row| row.issue == IssueName::CalicoOperator && row.done.is_some())
}

fn restarted(r: &Report) -> bool {
    let kinds = [RolloutKind::Deployment, RolloutKind::StatefulSet, RolloutKind::DaemonSet];
    let of = |kind: RolloutKind| {
        let begin = format!("{} ", kind.name());
        r.issues.iter().any(|row| {
            row.issue == IssueName::IngressTls && row.object.starts_with(&begin) && row.done.is_some()
        })
    };
    kinds.into_iter().any(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::course_tests::worked;
    use podlift_engine::view::IssueRow;

    #[tokio::test(start_paused = true)]
    async fn only_what_the_run_has_done_is_a_difference() {
        let mut r = worked().await;
        (r.prevented, r.batches, r.bcm, r.issues) = (vec![], vec![], None, vec![]);
        r.nodes.iter_mut().for_each(|n| n.result = "untouched".into());
        assert_eq!(lines(&r), Vec::<String>::new());
        let row = |issue, object: &str, done: Option<&str>| IssueRow {
            issue,
            object: object.into(),
            what: String::new(),
            since: None,
            by: None,
            done: done.map(String::from),
            when: None,
        };
        for (issue, object, part) in [
            (IssueName::LoadBalancers, "service runai/runai-proxy", "Services were created again"),
            (IssueName::IngressTls, "secret runai/tls", "TLS secrets were created again"),
            (IssueName::IngressTls, "statefulset runai-backend/db", "restarted by a rollout"),
            (
                IssueName::CalicoOperator,
                "deployment tigera-operator/tigera-operator",
                "Tigera's operator was deleted",
            ),
        ] {
            r.issues = vec![row(issue, object, None)];
            assert_eq!(lines(&r), Vec::<String>::new(), "{object}: nothing was done");
            r.issues = vec![row(issue, object, Some("done"))];
            let found = lines(&r);
            assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
        }
        r.issues = vec![];
        r.nodes.iter_mut().for_each(|n| n.result = "upgraded".into());
        assert_eq!(lines(&r).len(), 2);
    }
}
