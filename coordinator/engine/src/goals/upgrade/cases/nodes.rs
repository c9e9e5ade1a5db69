//! Nodes whose names differ, and API servers that want credentials.

use super::{blockers, case, found, planned};
use crate::doors::ApiProbe;
use crate::goals::PlanInput;
use crate::inventory::Inventory;
use crate::program::{Severity, Waiver};
use crate::testing::{input, name};
use podlift_model::FlagSet;
use podlift_model::survey::NodeNames;

/// dgx030 under the node name of the case.
fn fqdn() -> PlanInput {
    let mut i = input();
    let (old, new) = (name("dgx030"), name("w1.site.example"));
    let mut nodes = std::mem::take(&mut i.inventory.nodes);
    for node in nodes.iter_mut().filter(|n| n.name == old) {
        (node.name, node.view.name) = (new.clone(), new.clone());
        node.facts.as_mut().unwrap().node = new.clone();
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    i.inventory = Inventory { nodes };
    let mut survey = i.surveys.remove(&old).unwrap();
    let text = case!("01-node-name-fqdn/kubeadm-flags.env").split_once('"').unwrap().1;
    let flags = FlagSet::parse(text.trim().trim_end_matches('"').split(' '));
    let names = NodeNames {
        hostname: case!("01-node-name-fqdn/hostname").into(),
        overridden: flags.joined("hostname-override"),
        kubelet_user: Some(new.to_string()),
    };
    survey.as_mut().unwrap().names = Some(Ok(names));
    i.surveys.insert(new.clone(), survey);
    let offers = i.offers.remove(&old).unwrap();
    i.offers.insert(new, offers);
    i
}

#[test]
fn a_hostname_that_is_not_the_nodes_name_blocks_and_names_both() {
    let mut i = fqdn();
    let plan = planned(&i);
    let [(check, text)] = blockers(&plan)[..] else { panic!("{:?}", plan.findings) };
    assert_eq!(check, "node-hostname");
    assert!(text.contains("hostname is w1, and the Node is w1.site.example"), "{text}");
    let next = &plan.blockers().next().unwrap().next;
    assert_eq!(next, "ssh w1.site.example hostnamectl set-hostname w1.site.example");
    i.waivers = vec![Waiver { check: "node-hostname".into(), reason: "1.32".into(), by: "jane".into() }];
    assert_eq!(blockers(&planned(&i)), []);
    i.waivers.clear();
    i.nodes = ["dgx031", "runai-01", "runai-02", "runai-03"].map(name).into();
    assert_eq!(blockers(&planned(&i)), [], "a worker that the run leaves out");
}

#[test]
fn an_api_server_that_wants_credentials_is_alive_and_no_reason_to_stop() {
    let mut i = input();
    let why = "alive, wants credentials (401)".to_string();
    i.probes.push(ApiProbe { endpoint: "10.77.0.11:6443".into(), ok: true, why });
    let plan = planned(&i);
    let told = found(&plan, "api-servers");
    let [(Severity::Note, text)] = told[..] else { panic!("{told:?}") };
    assert!(
        text.contains("10.77.0.11:6443: alive, wants credentials (401)") && !text.contains("not ready"),
        "{text}"
    );
    i.probes[1].ok = false;
    assert!(blockers(&planned(&i))[0].1.contains("is not ready"));
}

#[test]
fn a_kubelet_that_reads_another_folder_than_kubeadm_writes_blocks() {
    let other: serde_json::Value = serde_saphyr::from_str(case!("37-m17-other-folder/config.yaml")).unwrap();
    let with = |node: &str, path: serde_json::Value| {
        let mut i = input();
        let survey = i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap();
        survey.kubelet.as_mut().unwrap().config["staticPodPath"] = path;
        found(&planned(&i), "static-pod-path")
            .into_iter()
            .map(|(s, t)| (s, t.to_string()))
            .collect::<Vec<_>>()
    };
    let told = with("runai-02", other["staticPodPath"].clone());
    let [(Severity::Blocker, text)] = &told[..] else { panic!("{told:?}") };
    assert!(text.starts_with("the kubelet reads /etc/kubelet.d ("), "{text}");
    assert!(text.contains("and kubeadm writes /etc/kubernetes/manifests"), "{text}");
    assert_eq!(with("runai-02", "/etc/kubernetes/manifests/".into()), []);
    assert_eq!(with("dgx030", other["staticPodPath"].clone()), [], "kubeadm writes no manifest on a worker");
    let mut i = input();
    let text = format!("{}staticPodPath: /etc/kubelet.d\n", crate::testing::survey::KUBELET_CONFIG);
    i.cluster_survey.as_mut().unwrap().kubelet_config = Ok(text);
    let plan = planned(&i);
    assert!(
        matches!(found(&plan, "static-pod-path")[..], [(Severity::Blocker, t)] if t.contains("ConfigMap"))
    );
}

#[test]
fn flags_of_the_site_that_the_next_start_of_the_kubelet_would_not_have_are_named() {
    let text = case!("56-kubelet-extra-args-reset/default-kubelet").split_once('"').unwrap().1;
    let running = FlagSet::parse(text.trim().trim_end_matches('"').split(' '));
    let mut i = input();
    let kubelet = i.surveys.get_mut(&name("dgx030")).unwrap().as_mut().unwrap().kubelet.as_mut().unwrap();
    (kubelet.running, kubelet.flags) = (Some(Ok(running.clone())), FlagSet::default());
    let plan = planned(&i);
    let [("kubelet-flags", text)] = blockers(&plan)[..] else { panic!("{:?}", plan.findings) };
    assert!(text.contains("--node-ip=10.77.0.31 would vanish"), "{text}");
    assert!(text.contains("--cloud-provider=external would vanish"), "{text}");
    let kubelet = i.surveys.get_mut(&name("dgx030")).unwrap().as_mut().unwrap().kubelet.as_mut().unwrap();
    kubelet.flags = running;
    assert_eq!(blockers(&planned(&i)), []);
}
