//! A real server on a real socket, real processes, and a folder that looks like /proc.
#![allow(clippy::disallowed_methods)] // the tests make their own files and processes

use super::*;
use podlift_proto::podresources::pod_resources_lister_server::{
    PodResourcesLister, PodResourcesListerServer,
};
use podlift_proto::podresources::{
    ClaimResource, ContainerDevices, ContainerResources, DynamicResource, ListPodResourcesRequest,
    ListPodResourcesResponse, PodResources,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

/// The kubelet's side of the socket.
struct Kubelet(Result<Vec<PodResources>, Status>);

#[async_trait]
impl PodResourcesLister for Kubelet {
    async fn list(
        &self,
        _: Request<ListPodResourcesRequest>,
    ) -> Result<Response<ListPodResourcesResponse>, Status> {
        self.0.clone().map(|pod_resources| Response::new(ListPodResourcesResponse { pod_resources }))
    }
}

fn serve(socket: &Path, answer: Result<Vec<PodResources>, Status>) -> tokio::task::JoinHandle<()> {
    let incoming = UnixListenerStream::new(UnixListener::bind(socket).unwrap());
    let server =
        tonic::transport::Server::builder().add_service(PodResourcesListerServer::new(Kubelet(answer)));
    tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() })
}

fn devices(resource: &str, ids: &[&str]) -> ContainerDevices {
    ContainerDevices {
        resource_name: resource.into(),
        device_ids: ids.iter().map(ToString::to_string).collect(),
    }
}

fn pod(name: &str, containers: Vec<ContainerResources>) -> PodResources {
    PodResources { name: name.into(), namespace: "ml".into(), containers }
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn real(folder: &Path) -> RealDevices {
    RealDevices::at(Path::new("/proc"), vec![folder.join("dev/nvidia")], &folder.join("kubelet.sock"))
}

#[tokio::test]
async fn the_kubelets_socket_lists_devices_and_claims_of_pods() {
    let folder = tempfile::tempdir().unwrap();
    let first = ContainerResources {
        name: "train".into(),
        devices: vec![devices("nvidia.com/gpu", &["GPU-1", "GPU-2"]), devices("rdma/hca", &[])],
        ..ContainerResources::default()
    };
    let second = ContainerResources {
        name: "side".into(),
        devices: vec![devices("nvidia.com/gpu", &["GPU-3"])],
        dynamic_resources: vec![DynamicResource {
            claim_name: "imex".into(),
            claim_namespace: "ml".into(),
            claim_resources: vec![ClaimResource {
                driver_name: "compute-domain.nvidia.com".into(),
                pool_name: "dgx030".into(),
                device_name: "channel-0".into(),
            }],
        }],
    };
    let web = ContainerResources { name: "web".into(), ..ContainerResources::default() };
    let _server = serve(
        &folder.path().join("kubelet.sock"),
        Ok(vec![pod("train-0", vec![first, second]), pod("web-1", vec![web])]),
    );
    let want = BTreeMap::from([
        ("claim ml/imex".to_string(), set(&["compute-domain.nvidia.com/dgx030/channel-0"])),
        ("nvidia.com/gpu".to_string(), set(&["GPU-1", "GPU-2", "GPU-3"])),
    ]);
    let allocation = Allocation { namespace: "ml".into(), pod: "train-0".into(), devices: want };
    assert_eq!(
        real(folder.path()).allocations().await,
        Ok(vec![allocation]),
        "a pod without devices has none"
    );
}

#[tokio::test]
async fn a_socket_without_an_answer_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kubelet.sock");
    let missing = real(folder.path()).allocations().await.unwrap_err();
    assert!(missing.contains("kubelet.sock: No such file"), "{missing}");

    // A kubelet that was stopped leaves its socket.
    drop(UnixListener::bind(&socket).unwrap());
    let stopped = real(folder.path()).allocations().await.unwrap_err();
    assert!(stopped.contains("Connection refused"), "{stopped}");

    fs::remove_file(&socket).unwrap();
    let _server = serve(&socket, Err(Status::resource_exhausted("rejected by rate limit")));
    let busy = real(folder.path()).allocations().await.unwrap_err();
    assert!(busy.contains("ResourceExhausted: rejected by rate limit"), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_the_connection_and_says_nothing_has_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let _silent = UnixListener::bind(folder.path().join("kubelet.sock")).unwrap();
    let silent = real(folder.path()).allocations().await.unwrap_err();
    assert!(silent.ends_with("no answer within 5 s"), "{silent}");
}

#[tokio::test]
async fn a_process_that_holds_a_device_is_found_while_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dev")).unwrap();
    let device = folder.path().join("dev/nvidia0");
    fs::write(&device, "").unwrap();
    // `read` waits until the pipe of its input is closed; the file stays open meanwhile.
    let script = format!("exec 7<{} && echo open && read line", device.display());
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    let held = real(folder.path()).holders().await;
    let holder = held.found.iter().find(|h| h.pid == child.id()).unwrap();
    assert_eq!(holder.devices, set(&[device.to_str().unwrap()]));
    assert!(holder.command.starts_with("sh -c exec 7<") && holder.cgroup.contains(':'), "{holder:?}");
    drop(child.stdin.take());
    child.wait().unwrap();
    let after = real(folder.path()).holders().await;
    assert!(after.found.iter().all(|h| h.pid != holder.pid), "{after:?}");
}

/// A process as its folder in /proc shows it.
fn process(proc: &Path, pid: u32, files: &[&str]) {
    let dir = proc.join(pid.to_string());
    fs::create_dir_all(dir.join("fd")).unwrap();
    fs::write(dir.join("cmdline"), format!("python\0job{pid}.py\0")).unwrap();
    fs::write(dir.join("cgroup"), "0::/system.slice/x.service\n").unwrap();
    for (n, file) in files.iter().enumerate() {
        std::os::unix::fs::symlink(file, dir.join("fd").join(n.to_string())).unwrap();
    }
}

#[tokio::test]
async fn device_files_of_a_machine_are_told_from_other_files() {
    let root = tempfile::tempdir().unwrap();
    let proc = root.path().join("proc");
    process(
        &proc,
        7,
        &["/dev/null", "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap1", "/dev/nvidiactl", "socket:[7]"],
    );
    process(&proc, 8, &["/dev/infiniband/uverbs0", "/dev/infiniband/uverbs0"]);
    process(&proc, 9, &["/var/log/nvidia0", "/dev/infinibandx"]);
    fs::create_dir_all(proc.join("self")).unwrap();
    let all = RealDevices::new(root.path()).holders().await;
    assert_eq!(all.unseen, None);
    let found: Vec<(u32, &str, usize)> =
        all.found.iter().map(|h| (h.pid, h.command.as_str(), h.devices.len())).collect();
    assert_eq!(found, [(7, "python job7.py", 3), (8, "python job8.py", 1)]);
    assert_eq!(all.found[0].cgroup, "0::/system.slice/x.service\n");

    // The files of a process that can't be seen; the others are found all the same.
    fs::write(proc.join("5"), "").unwrap();
    fs::create_dir_all(proc.join("6")).unwrap();
    fs::write(proc.join("6/fd"), "").unwrap();
    let all = RealDevices::new(root.path()).holders().await;
    assert!(all.unseen.as_ref().unwrap().starts_with("the open files of pid 5 ("), "{all:?}");
    assert_eq!(all.found.len(), 2);
}
