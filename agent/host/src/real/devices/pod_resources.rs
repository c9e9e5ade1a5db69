//! The kubelet's list of allocated devices: gRPC on a unix socket (`podresources/v1`, `PodResourcesLister.List`).

use crate::Allocation;
use hyper_util::rt::TokioIo;
use podlift_proto::podresources::pod_resources_lister_client::PodResourcesListerClient;
use podlift_proto::podresources::{DynamicResource, ListPodResourcesRequest, PodResources};
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;
use tonic::transport::{Endpoint, Uri};

/// The kubelet answers from memory within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of an answer, as the kubelet's own client has it (`podresources/constants.go`).
const ANSWER: usize = 16 << 20;

/// Allocations of all pods that have devices; the error says why there is no answer.
pub async fn list(socket: &Path) -> Result<Vec<Allocation>, String> {
    let failed = |why: String| format!("{}: {why}", socket.display());
    let listed = match tokio::time::timeout(TIMEOUT, ask(socket)).await {
        Ok(listed) => listed.map_err(failed)?,
        Err(_) => return Err(failed(format!("no answer within {} s", TIMEOUT.as_secs()))),
    };
    let all = listed.into_iter().map(allocation);
    Ok(all.filter(|allocation| !allocation.devices.is_empty()).collect())
}

async fn ask(socket: &Path) -> Result<Vec<PodResources>, String> {
    // Tried here, because the channel's own error has lost the kind of failure.
    let stream = UnixStream::connect(socket).await.map_err(|e| e.to_string())?;
    let mut stream = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_: Uri| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| std::io::Error::other("the kubelet closed the connection")) }
    });
    // The name is not resolved: the one connection is the socket's.
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.map_err(|e| e.to_string())?;
    let mut client = PodResourcesListerClient::new(channel).max_decoding_message_size(ANSWER);
    let answer = client.list(ListPodResourcesRequest {}).await;
    let answer = answer.map_err(|status| format!("{:?}: {}", status.code(), status.message()))?;
    Ok(answer.into_inner().pod_resources)
}

/// One allocation a pod, over all its containers.
fn allocation(pod: PodResources) -> Allocation {
    let mut all = Allocation { namespace: pod.namespace, pod: pod.name, ..Allocation::default() };
    for container in pod.containers {
        for device in container.devices.into_iter().filter(|d| !d.device_ids.is_empty()) {
            all.devices.entry(device.resource_name).or_default().extend(device.device_ids);
        }
        for claim in container.dynamic_resources {
            let name = format!("claim {}/{}", claim.claim_namespace, claim.claim_name);
            all.devices.entry(name).or_default().extend(devices_of(&claim));
        }
    }
    all
}

/// Kubelets before 1.32 name no device of a claim.
fn devices_of(claim: &DynamicResource) -> Vec<String> {
    let named = claim.claim_resources.iter().filter(|r| !r.device_name.is_empty());
    named.map(|r| format!("{}/{}/{}", r.driver_name, r.pool_name, r.device_name)).collect()
}
