//! The cluster's part of a set: the objects to read, and the member that each goes into.

use super::lists;
use super::member::{MemberSpec, MemberWriter};
use super::settings::ObjectName;
use super::{Collection, failure, slim, workloads};
use podlift_backup::{Kind, Wanted};
use podlift_model::Failure;
use std::collections::BTreeMap;

/// The kinds that a set must have.
pub(super) const KINDS: [Kind; 9] = [
    Kind::Nodes,
    Kind::Pods,
    Kind::KubeadmConfig,
    Kind::KubeletConfigMap,
    Kind::LoadBalancerServices,
    Kind::Ingresses,
    Kind::TlsSecrets,
    Kind::TigeraInstallations,
    Kind::Workloads,
];

pub(super) async fn collect(m: &Collection<'_>) -> Result<(), Failure> {
    let mut secrets: BTreeMap<ObjectName, String> = BTreeMap::new();
    let named = m.settings.default_certificate.clone().map(|n| (n, "backup.default_certificate".to_string()));
    secrets.extend(named);

    some(m, Kind::Nodes, "/api/v1/nodes", |_| true).await?;
    some(m, Kind::Pods, "/api/v1/pods", |pod| {
        let found = slim::default_certificate(pod)
            .map(|n| (n, "the ingress controller's default certificate".into()));
        secrets.extend(found);
        true
    })
    .await?;
    for (kind, name) in [(Kind::KubeadmConfig, "kubeadm-config"), (Kind::KubeletConfigMap, "kubelet-config")]
    {
        config_map(m, kind, name).await?;
    }
    list(m, Kind::LoadBalancerServices, "/api/v1/services", slim::load_balancer).await?;
    list(m, Kind::Ingresses, "/apis/networking.k8s.io/v1/ingresses", |ingress| {
        secrets.extend(slim::tls_secrets(ingress));
        true
    })
    .await?;
    tls(m, secrets).await?;
    tigera(m).await?;
    workloads::collect(m).await
}

/// A list that must not be empty in any cluster.
async fn some(
    m: &Collection<'_>,
    kind: Kind,
    path: &str,
    keep: impl FnMut(&str) -> bool + Send,
) -> Result<(), Failure> {
    match list(m, kind, path, keep).await? {
        0 => Err(failure::incomplete(format!("{kind} is empty: {path} lists nothing"))),
        _ => Ok(()),
    }
}

/// A list that may be empty. If it does not exist, the set records that.
async fn list(
    m: &Collection<'_>,
    kind: Kind,
    path: &str,
    keep: impl FnMut(&str) -> bool + Send,
) -> Result<u64, Failure> {
    let Some(mut member) = lists::member(&m.writer, kind)? else { return Ok(0) };
    let there = lists::copy(&m.world, path, &mut member, keep).await?;
    let objects = member.objects;
    if there {
        member.end().await?;
    } else {
        m.writer.leave_out(Wanted { kind, node: None }, format!("the cluster has no {path}"));
    }
    m.report(&format!("{kind}: {objects}"));
    Ok(objects)
}

/// The Installation objects of Tigera's operator, and the operator itself: everything that a removal of the operator deletes.
async fn tigera(m: &Collection<'_>) -> Result<(), Failure> {
    const INSTALLATIONS: &str = "/apis/operator.tigera.io/v1/installations";
    const OPERATORS: &str = "/apis/apps/v1/namespaces/tigera-operator/deployments";
    let kind = Kind::TigeraInstallations;
    let Some(mut member) = lists::member(&m.writer, kind)? else { return Ok(()) };
    let there = lists::copy(&m.world, INSTALLATIONS, &mut member, |_| true).await?;
    lists::copy(&m.world, OPERATORS, &mut member, |_| true).await?;
    let objects = member.objects;
    if there || objects > 0 {
        member.end().await?;
    } else {
        m.writer.leave_out(Wanted { kind, node: None }, format!("the cluster has no {INSTALLATIONS}"));
    }
    m.report(&format!("{kind}: {objects}"));
    Ok(())
}

async fn config_map(m: &Collection<'_>, kind: Kind, name: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/namespaces/kube-system/configmaps/{name}");
    let missing =
        || failure::incomplete(format!("{kind} is missing: ConfigMap kube-system/{name} does not exist"));
    let text = lists::object(&m.world, &path).await?.ok_or_else(missing)?;
    let spec =
        MemberSpec { kind, node: None, path: format!("cluster/{kind}.json"), secret: false, sealed: false };
    let Some(mut member) = MemberWriter::new(&m.writer, spec)? else { return Ok(()) };
    member.put(text.as_bytes()).await?;
    member.end().await.map(drop)
}

/// The named TLS secrets. The set records a secret that does not exist.
async fn tls(m: &Collection<'_>, secrets: BTreeMap<ObjectName, String>) -> Result<(), Failure> {
    let kind = Kind::TlsSecrets;
    let Some(mut member) = lists::member(&m.writer, kind)? else { return Ok(()) };
    for (ObjectName { namespace, name }, whose) in secrets {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        match lists::object(&m.world, &path).await? {
            Some(text) => member.put(&text).await?,
            None => {
                let why = format!("{}{whose} does not exist", super::kept::words(&namespace, &name));
                m.writer.leave_out(Wanted { kind, node: None }, why);
            }
        }
    }
    member.end().await
}
