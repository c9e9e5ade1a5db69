//! The plan of a run after others: nodes that are at the target already, and cordons that an ended run has left.

use super::*;

/// Brings a node to the target as an earlier run has left it.
fn upgraded(i: &mut PlanInput, node: &str) {
    let to = i.to;
    let node = i.inventory.nodes.iter_mut().find(|n| n.name == name(node)).unwrap();
    node.view.kubelet = Some(to);
    let facts = node.facts.as_mut().unwrap();
    (facts.kubeadm, facts.kubelet, facts.kubectl) = (Some(to), Some(to), Some(to));
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    facts.manifests.iter_mut().for_each(|m| m.version = Some(to));
}

#[test]
fn a_node_at_the_target_is_only_looked_at_by_the_next_run() {
    let mut i = input();
    for node in ["runai-01", "runai-02", "runai-03", "dgx030"] {
        upgraded(&mut i, node);
    }
    let plan = build(&i).unwrap();
    let verbs = |node: &str| -> Vec<String> {
        let mine = plan.steps().filter(|s| s.node == Some(name(node)) && s.phase != "control-plane");
        mine.map(|s| s.kind.step().verb())
            .filter(|v| v != "manifest-backup" && v != "etcd-snapshot")
            .collect()
    };
    for node in ["runai-02", "dgx030"] {
        assert_eq!(verbs(node), ["install-kubeadm-kubelet-kubectl", "node-ready", "verify-node"]);
    }
    assert!(verbs("dgx031").contains(&"drain".to_string()));
    let canary = plan.phases.iter().find(|p| p.name == "canary").unwrap();
    assert_eq!(canary.lanes[0].node, Some(name("dgx031")), "the first of those that are left");
    // A hold that is missing and another revision of the same version are no reason to drain the node again.
    let facts = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap().facts.as_mut();
    let kubelet = facts.unwrap().packages.get_mut("kubelet").unwrap();
    (kubelet.held, kubelet.version) = (false, "1.32.9-2.1".parse().ok());
    let again = build(&i).unwrap();
    let mine: Vec<&str> =
        again.steps().filter(|s| s.node == Some(name("dgx030"))).map(|s| s.id.as_str()).collect();
    assert_eq!(mine[0], "at-target/dgx030/install-kubeadm-kubelet-kubectl");
    assert!(!mine.iter().any(|id| id.ends_with("/drain")), "{mine:?}");
}

#[test]
fn an_api_server_at_the_target_is_only_looked_at_by_the_next_run() {
    let mut i = input();
    ["runai-01", "runai-02"].iter().for_each(|node| upgraded(&mut i, node));
    let verbs = |i: &PlanInput, node: &str| -> Vec<String> {
        let plan = build(i).unwrap();
        let phase = plan.phases.iter().find(|p| p.name == "control-plane").unwrap();
        let lane = phase.lanes.iter().find(|l| l.node == Some(name(node))).unwrap();
        lane.steps.iter().map(|s| s.kind.step().verb()).collect()
    };
    assert!(verbs(&i, "runai-01").contains(&"kubeadm-apply".into()), "its last phases may be open");
    let config = i.kubeadm_config.as_mut().unwrap();
    config.cluster_configuration = config.cluster_configuration.replace("v1.31.14", "v1.32.9");
    for node in ["runai-01", "runai-02"] {
        assert_eq!(verbs(&i, node), ["flag-diff", "verify-api"]);
    }
    assert!(verbs(&i, "runai-03").contains(&"kubeadm-node".into()));
}

#[test]
fn a_cordon_that_an_ended_run_left_on_a_node_at_the_target_is_given_back_when_the_node_is_whole() {
    let mut i = input();
    upgraded(&mut i, "dgx030");
    let view = &mut i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap().view;
    let epoch = podlift_model::Epoch { number: 1, instance: podlift_model::InstanceId::new("head").unwrap() };
    let run = podlift_model::RunId::new("r0").unwrap();
    view.owner = Some(crate::doors::Owner { run, epoch, over: true });
    view.unschedulable = true;
    let plan = build(&i).unwrap();
    let lane = plan.phases.iter().find(|p| p.name == "at-target").unwrap().lanes[0].clone();
    let verbs: Vec<String> = lane.steps.iter().map(|s| s.kind.step().verb()).collect();
    let wanted = [
        "cordon",
        "install-kubeadm-kubelet-kubectl",
        "node-ready",
        "devices-back",
        "uncordon",
        "image-release",
    ];
    assert_eq!(verbs, wanted);
}

#[test]
fn a_plan_for_some_nodes_leaves_no_api_server_behind_their_kubelets() {
    let blocked = |nodes: &[&str], at_target: &[&str]| {
        let mut i = input();
        i.nodes = nodes.iter().map(|n| name(n)).collect();
        at_target.iter().for_each(|n| upgraded(&mut i, n));
        let plan = build(&i).unwrap();
        plan.blockers().filter(|f| f.check == "version-skew").map(|f| f.evidence.clone()).collect::<Vec<_>>()
    };
    let servers = ["runai-01", "runai-02", "runai-03"];
    assert!(
        blocked(&["dgx030"], &[])[0].contains("runai-01, runai-02, runai-03, which this plan leaves out")
    );
    assert!(blocked(&["runai-01"], &[])[0].contains("API servers of runai-02, runai-03"));
    assert!(blocked(&["dgx030", "runai-02", "runai-03"], &["runai-01"]).is_empty());
    assert!(blocked(&["dgx030"], &servers).is_empty());
    assert!(blocked(&servers, &[]).is_empty());
}
