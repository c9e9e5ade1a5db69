//! Static pod manifests as kubeadm renders them: the whole file from kubeadm-config, nothing of the old file. Texts are the recorded
//! 1.31.14 and 1.32.13 ones with addresses, paths, image and arguments changed.

use super::kubeadm_config::{ClusterConfig, EtcdConfig};
use podlift_model::KubeVersion;
use podlift_model::op::Component;

const OLD: [&str; 3] = [
    include_str!("../../../fixtures/manifests/v1.31.14/kube-apiserver.yaml"),
    include_str!("../../../fixtures/manifests/v1.31.14/kube-controller-manager.yaml"),
    include_str!("../../../fixtures/manifests/v1.31.14/kube-scheduler.yaml"),
];
const NEW: [&str; 3] = [
    include_str!("../../../fixtures/manifests/v1.32.13/kube-apiserver.yaml"),
    include_str!("../../../fixtures/manifests/v1.32.13/kube-controller-manager.yaml"),
    include_str!("../../../fixtures/manifests/v1.32.13/kube-scheduler.yaml"),
];

/// 1.32.12 and later put extraArgs after the sorted defaults; everything before sorts all.
const UNSORTED_SINCE: KubeVersion = KubeVersion::new(1, 32, 12);

pub const DIR: &str = "/etc/kubernetes/manifests";

/// The file that kubeadm of `version` writes on the node with this address.
pub fn render(component: Component, version: KubeVersion, config: &ClusterConfig, ip: &str) -> String {
    let which = match component {
        Component::KubeApiserver => 0,
        Component::KubeControllerManager => 1,
        Component::KubeScheduler => 2,
    };
    let template = if version.minor < 32 { OLD[which] } else { NEW[which] };
    let recorded = "/etc/kubernetes/pki/runaicluster";
    let template = template.replace(recorded, &config.certificates).replace("https://10.77.0.", "\u{0}");
    // A node whose own address is on the loopback shares 127.0.0.1 with others.
    let template = match component != Component::KubeApiserver && ip.starts_with("127.") {
        true => template.replace("127.0.0.1", ip),
        false => template,
    };
    let template = template.replace("10.77.0.11", ip).replace('\u{0}', "https://10.77.0.");
    let template = template.replace("registry.k8s.io/", &format!("{}/", config.repository));
    let (head, args, tail) = split(&template);
    let args = arguments(component, version, config, args);
    let tail = retag(tail, version);
    let lines: String = args.iter().map(|(n, v)| format!("    - --{n}={v}\n")).collect();
    format!("{head}    - {component}\n{lines}{tail}")
}

fn split(template: &str) -> (&str, Vec<(String, String)>, &str) {
    let start = template.find("  - command:\n").map_or(0, |i| i + "  - command:\n".len());
    let end = template.find("    image:").unwrap_or(template.len());
    let flags = template[start..end].lines().filter_map(|l| l.trim_start().strip_prefix("- --"));
    let args = flags.filter_map(|f| f.split_once('=')).map(|(n, v)| (n.to_string(), v.to_string())).collect();
    (&template[..start], args, &template[end..])
}

fn retag(tail: &str, version: KubeVersion) -> String {
    let line = |l: &str| match l.trim_start().starts_with("image:").then(|| l.rsplit_once(':')) {
        Some(Some((before, _))) => format!("{before}:{version}\n"),
        _ => format!("{l}\n"),
    };
    tail.lines().map(line).collect()
}

fn arguments(
    component: Component,
    version: KubeVersion,
    config: &ClusterConfig,
    recorded: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let extra = match component {
        Component::KubeApiserver => &config.api_extra,
        Component::KubeControllerManager => &config.manager_extra,
        Component::KubeScheduler => &config.scheduler_extra,
    };
    let mut defaults: Vec<(String, String)> =
        recorded.into_iter().filter(|(n, _)| n != "feature-gates" && !n.starts_with("etcd-")).collect();
    if component == Component::KubeApiserver {
        defaults.extend(etcd_flags(config));
    }
    defaults.retain(|(n, _)| !extra.iter().any(|(e, _)| e == n));
    defaults.sort();
    let mut all = defaults;
    all.extend(extra.iter().cloned());
    if version < UNSORTED_SINCE {
        // Whole words: of a flag that is given twice the values change places, too.
        all.sort_by_key(|(name, value)| format!("--{name}={value}"));
    }
    all
}

fn etcd_flags(config: &ClusterConfig) -> Vec<(String, String)> {
    let flag = |n: &str, v: &str| (n.to_string(), v.to_string());
    match &config.etcd {
        EtcdConfig::External { endpoints, ca, cert, key } => {
            let mut flags = vec![flag("etcd-servers", &endpoints.join(","))];
            if !ca.is_empty() {
                flags.push(flag("etcd-cafile", ca));
            }
            if !cert.is_empty() && !key.is_empty() {
                flags.extend([flag("etcd-certfile", cert), flag("etcd-keyfile", key)]);
            }
            flags
        }
        EtcdConfig::Local { advertise } => {
            let pki = &config.certificates;
            vec![
                flag("etcd-servers", advertise.as_deref().unwrap_or("https://127.0.0.1:2379")),
                flag("etcd-cafile", &format!("{pki}/etcd/ca.crt")),
                flag("etcd-certfile", &format!("{pki}/apiserver-etcd-client.crt")),
                flag("etcd-keyfile", &format!("{pki}/apiserver-etcd-client.key")),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kubeadm_config;
    use super::*;
    use serde_json::Value;

    const EMPTY: &str =
        include_str!("../../../fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml");

    fn config(yaml: &str) -> ClusterConfig {
        let map: Value = serde_saphyr::from_str(yaml).unwrap();
        kubeadm_config::parse(map["data"]["ClusterConfiguration"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn renders_what_kubeadm_wrote() {
        let good = config(include_str!("../../../fixtures/kubeadm-config/kubeadm-config.good.yaml"));
        let empty =
            config(include_str!("../../../fixtures/kubeadm-config/kubeadm-config.empty-endpoints.yaml"));
        let (old, new) = (KubeVersion::new(1, 31, 14), KubeVersion::new(1, 32, 13));
        for (i, component) in Component::ALL.iter().enumerate() {
            assert_eq!(render(*component, old, &good, "10.77.0.11"), OLD[i]);
            assert_eq!(render(*component, new, &good, "10.77.0.11"), NEW[i]);
        }
        assert_eq!(render(Component::KubeApiserver, new, &empty, "10.77.0.11"), EMPTY);
    }

    #[test]
    fn early_patches_sort_everything() {
        let good = config(include_str!("../../../fixtures/kubeadm-config/kubeadm-config.good.yaml"));
        let text = render(Component::KubeApiserver, KubeVersion::new(1, 32, 9), &good, "10.77.0.12");
        assert!(
            text.contains("kube-apiserver:v1.32.9\n") && text.contains("--advertise-address=10.77.0.12\n")
        );
        let flags: Vec<&str> = text.lines().filter(|l| l.starts_with("    - --")).collect();
        let names: Vec<&str> = flags.iter().filter_map(|f| f.split('=').next()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
    }
}
