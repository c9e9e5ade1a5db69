//! A head node answers questions to BCM and none about Kubernetes; for every other node it is the reverse.

use super::look;
use crate::config::{Mode, Role};
use crate::executor::{Answer, Executor};
use crate::testing::{Bench, EMPTY_API, said};
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::{Epoch, HostOp, InstanceId, Look, OpOutput};

fn bench(role: Option<Role>) -> Bench {
    let mut bench = Bench::new(|call| match call.program {
        "cm-kubernetes-setup" => said("1.32\n1.31 (NVIDIA AI Enterprise certified)\n"),
        "cmsh" => said("1.31.9-1.1\n"),
        other => panic!("{other} was called"),
    });
    bench.config.role = role;
    bench
}

#[tokio::test(start_paused = true)]
async fn a_head_node_is_asked_for_bcm_and_for_nothing_of_kubernetes() {
    let bench = bench(Some(Role::Head));
    let node = bench.node();
    let minors = look(&node, &Look::BcmVersions).await.unwrap();
    let want = ["1.32", "1.31"].map(|minor| minor.parse().unwrap()).to_vec();
    assert_eq!(minors, OpOutput::BcmVersions(want));
    let version = look(&node, &Look::BcmClusterVersion).await.unwrap();
    assert_eq!(version, OpOutput::BcmClusterVersion("1.31.9-1.1".parse().unwrap()));
    let odd = look(&node, &Look::BcmApplications).await.unwrap_err();
    assert!(odd.message.contains("something else than a list of applications"), "{}", odd.message);
    for look_of_node in [Look::EtcdHealth, Look::ApiServer, Look::Manifests, Look::BackupFiles] {
        let refused = look(&node, &look_of_node).await.unwrap_err();
        assert_eq!(refused.code, "not-of-this-role", "{look_of_node:?}");
    }
    let OpOutput::Facts(facts) = look(&node, &Look::Facts).await.unwrap() else { panic!() };
    assert!(facts.manifests.is_empty() && facts.packages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_node_of_the_cluster_is_not_asked_for_bcm() {
    let bench = bench(None).control_plane();
    let node = bench.node();
    for look_of_head in [Look::BcmVersions, Look::BcmClusterVersion, Look::BcmApplications] {
        let refused = look(&node, &look_of_head).await.unwrap_err();
        assert!(refused.message.contains("is no head node"), "{}", refused.message);
    }
    assert_eq!(bench.commands.calls(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_head_node_takes_no_op_and_heals_nothing() {
    let bench = bench(Some(Role::Head)).control_plane();
    let node = bench.node();
    let epoch = Epoch { number: 1, instance: InstanceId::new("a").unwrap() };
    assert!(node.ledger.claim(&epoch).unwrap(), "epochs are as everywhere");
    let executor = Executor::new(node.clone());
    for op in [HostOp::AptUpdate, HostOp::KubeletRestart { devices: None }, HostOp::KubeletConfig] {
        match executor.submit(&"op-1".parse().unwrap(), &epoch, &op) {
            Answer::Refused(failure) => assert_eq!(failure.code, "not-of-this-role", "{op:?}"),
            _ => panic!("{op:?} was accepted"),
        }
    }
    assert_eq!(bench.config.own_heal().mode, Mode::Off);
    bench.files.put(paths::manifest(Component::KubeApiserver), EMPTY_API.as_bytes());
    node.heal.look_at_all();
    assert_eq!(bench.files.text(paths::manifest(Component::KubeApiserver)), EMPTY_API);
    assert_eq!(bench.commands.calls(), Vec::<String>::new());
}
