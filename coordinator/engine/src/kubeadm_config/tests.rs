//! Tests on the recorded ConfigMaps, and on a table of contents that give an empty flag.

use super::*;
use crate::testing::{config_text as configuration, endpoints};

#[test]
fn the_repair_makes_the_recorded_bad_text_the_recorded_good_one() {
    let repaired =
        repair(&configuration("bad"), &[ConfigRepair::SetEtcdEndpoints { endpoints: endpoints() }]).unwrap();
    assert_eq!(repaired, configuration("good"));
    assert_eq!(
        repair(&repaired, &[ConfigRepair::SetEtcdEndpoints { endpoints: endpoints() }]).unwrap(),
        repaired
    );
}

#[test]
fn a_text_without_repairs_stays_as_it_is() {
    for file in ["good", "bad"] {
        assert_eq!(repair(&configuration(file), &[]).unwrap(), configuration(file));
    }
}

#[test]
fn renders_as_kubeadm() {
    let head = "apiVersion: kubeadm.k8s.io/v1beta4\n";
    let old = "apiVersion: kubeadm.k8s.io/v1beta3\n";
    let cases = [
        (head, "etcd: {external: {}}", ""),
        (head, "etcd: {external: {endpoints: []}}", ""),
        (head, "etcd: {external: {endpoints: null}}", ""),
        (head, "etcd: {external: {endpoints: ['']}}", ""),
        (
            head,
            "etcd: {external: {endpoints: ['https://a:2379', 'https://b:2379']}}",
            "https://a:2379,https://b:2379",
        ),
        (
            head,
            "etcd: {external: {endpoints: ['https://a:2379']}}\napiServer: {extraArgs: [{name: etcd-servers, value: ''}]}",
            "",
        ),
        (
            old,
            "etcd: {external: {endpoints: ['https://a:2379']}}\napiServer: {extraArgs: {etcd-servers: ''}}",
            "",
        ),
        (head, "etcd: {external: null}", LOCAL),
        (head, "etcd: {}", LOCAL),
        (head, "dns: {}", LOCAL),
        (
            head,
            "etcd: {local: {extraArgs: [{name: advertise-client-urls, value: 'https://x:2379'}]}}",
            "https://x:2379",
        ),
    ];
    for (head, body, want) in cases {
        let config = ClusterConfiguration::parse(&format!("{head}{body}\n")).unwrap();
        let flags = config
            .rendered(Component::KubeApiserver, Renderer::of(podlift_model::KubeVersion::new(1, 32, 9)));
        assert_eq!(flags.joined("etcd-servers").as_deref(), Some(want), "{body}");
    }
}
const LOCAL: &str = "https://127.0.0.1:2379";

#[test]
fn gates_go_one_by_one() {
    let text = |args: &str| format!("apiServer:\n{args}apiVersion: kubeadm.k8s.io/v1beta4\n");
    let bad = text("  extraArgs:\n  - name: feature-gates\n    value: A=true,KMSv2=true\n");
    let gone = |gate: &str, from: &str| {
        repair(from, &[ConfigRepair::RemoveGate { component: Component::KubeApiserver, gate: gate.into() }])
            .unwrap()
    };
    let one = gone("KMSv2", &bad);
    assert_eq!(one, text("  extraArgs:\n  - name: feature-gates\n    value: A=true\n"));
    assert_eq!(gone("A", &one), "apiServer: {}\napiVersion: kubeadm.k8s.io/v1beta4\n");
    assert_eq!(gone("Other", &bad), bad);
}

#[test]
fn what_it_cannot_read_it_says() {
    for (text, want) in [
        ("a: [", "not readable YAML"),
        ("apiVersion: kubeadm.k8s.io/v1beta9", "v1beta9"),
        ("{}", "apiVersion \"\""),
    ] {
        let error = ClusterConfiguration::parse(text).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
    let local = "apiVersion: kubeadm.k8s.io/v1beta4\netcd: {local: {}}\n";
    let error = repair(local, &[ConfigRepair::SetEtcdEndpoints { endpoints: endpoints() }]).unwrap_err();
    assert!(error.to_string().contains("etcd.external is null"), "{error}");
}

#[test]
fn the_version_that_kubeadm_wrote_comes_back_with_the_rest() {
    let old = "apiVersion: kubeadm.k8s.io/v1beta4\nkubernetesVersion: v1.31.9\n";
    let text = repair_at(old, &[], Some(podlift_model::KubeVersion::new(1, 32, 9))).unwrap();
    assert_eq!(text, old.replace("v1.31.9", "v1.32.9"));
    assert_eq!(repair(old, &[]).unwrap(), old);
}
