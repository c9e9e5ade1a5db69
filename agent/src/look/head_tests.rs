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
async fn a_head_node_answers_all_of_bcms_looks() {
    let mut bench = Bench::new(|call| match (call.program, call.args.last().unwrap().as_str()) {
        ("cmha", _) => said("Node Status: running in active master mode\nh1* -> h2\n"),
        ("dpkg-query", "cm-setup") => said("11.0-1"),
        ("dpkg-query", _) => said("dpkg\t1.22\tinstall ok installed\tamd64\n"),
        ("du", _) => said("1024\t/cm/images/dgx-image\n"),
        (_, "--help") => said("update_configmap\n"),
        (_, "main versioninfo") => said("Cluster Manager 11.0\n"),
        (_, "kubernetes; list -f name:0") => said("Name (key)\n----------\nrunaicluster\n"),
        (_, "kubernetes use runaicluster; get version") => said("1.31.9-1.1\n"),
        (_, "softwareimage provisioningstatus") => said(
            "Nodes waiting to be provisioned: dgx030\nProvisioning node h1:\n  Max number of provisioning nodes: 10\n",
        ),
        (_, "task; list") => said(""),
        (_, "device; synclog dgx030") => said("Tue, 11 Jan 2011 13:27:31 UTC - Rsync completed.\n"),
        (_, script) if script.starts_with("device; list") => said("dgx030|PhysicalNode|dgx\n"),
        (_, script) if script.contains("excludelist") => said("- /etc/kubernetes/*\n"),
        (_, script) if script.contains("get softwareimage") => said("dgx030\ndgx-image (category:dgx)\n"),
        (_, script) if script.contains("islocked") => said("no\n"),
        (_, script) if script.starts_with("softwareimage; list") => {
            said("dgx-image|/cm/images/dgx-image|6.8\n")
        }
        (_, "--list-versions") => said(""),
        (_, script) if script.contains("applications") => said(""),
        other => panic!("{other:?}"),
    });
    bench.config.role = Some(Role::Head);
    bench.files.put("/etc/podlift/checks.d/storage.py", b"");
    bench.files.put("/proc/1/mountinfo", b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    let node = bench.node();
    for ask in Look::samples().into_iter().filter(Look::is_of_head) {
        match (&ask, look(&node, &ask).await) {
            (Look::BcmSync { .. }, Ok(OpOutput::BcmSync(sync))) => {
                assert_eq!(sync.request.as_deref(), Some("a request of dgx030 waits"))
            }
            (Look::BcmImage { .. }, Ok(OpOutput::BcmImage(image))) => {
                assert_eq!(image.unwrap().size_bytes, Some(1024))
            }
            (Look::BcmHead, Ok(OpOutput::BcmHead(_)))
            | (Look::BcmClusters, Ok(OpOutput::BcmClusters(_)))
            | (Look::BcmClusterVersion, Ok(OpOutput::BcmClusterVersion(_)))
            | (Look::BcmNodes, Ok(OpOutput::BcmNodes(_)))
            | (Look::BcmImages, Ok(OpOutput::BcmImages(_)))
            | (Look::BcmExcludes { .. }, Ok(OpOutput::BcmExcludes(_)))
            | (Look::BcmProvisioning, Ok(OpOutput::BcmProvisioning(_))) => {}
            (Look::SiteChecks, Ok(OpOutput::SiteChecks(checks))) => {
                assert_eq!(checks[0].name, "storage.py");
                assert!(checks[0].fault.is_some() && checks.len() == 1, "{checks:?}");
            }
            // The tools say nothing here; their answers have tests of their own.
            (Look::BcmVersions | Look::BcmApplications, Err(e)) => assert_eq!(e.code, "bcm-answer"),
            (ask, other) => panic!("{ask:?}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_of_the_cluster_is_not_asked_for_bcm() {
    let bench = bench(None).control_plane();
    let node = bench.node();
    for look_of_head in Look::samples().into_iter().filter(Look::is_of_head) {
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
