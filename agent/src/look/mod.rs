//! Looks: questions that a coordinator may ask this node, one per file. They run in parallel to each other and to an op, change nothing,
//! and are not recorded.

pub(crate) mod address;
pub(crate) mod alive;
pub(crate) mod api_server;
pub(crate) mod backup;
mod backup_files;
mod certificates;
pub(crate) mod component;
mod deletion;
pub(crate) mod etcd_health;
pub(crate) mod facts;
pub(crate) mod object;
mod packages;
mod proxy;
mod site_checks;

#[cfg(test)]
mod head_tests;

pub(crate) use backup_files::SPOOL;

use crate::node::Node;
use podlift_host::Host;
use podlift_model::bcm::{BcmImage, BcmProvisioning, BcmSync};
use podlift_model::{ClusterName, Failure, Look, NodeName, OpOutput, codes};
use podlift_tools::bcm::{self, Cmdaemon};
use podlift_tools::kubeadm::{self, Binary};
use podlift_tools::survey;

pub(crate) async fn look(node: &Node, look: &Look) -> Result<OpOutput, Failure> {
    is_ours(node, look)?;
    Ok(match look {
        Look::BcmImages | Look::BcmImage { .. } => {
            measured(node, usable(node, of_bcm(node, look).await?)).await
        }
        Look::Facts => OpOutput::Facts(Box::new(facts::collect(node).await)),
        Look::Packages { to } => OpOutput::Packages(packages::offers(node, *to).await?),
        Look::KubeadmDiff { to } => {
            crate::ops::shared::control_plane(node)?;
            OpOutput::Diff(kubeadm::diff(&node.host, Binary::Installed, *to).await?)
        }
        Look::EtcdHealth => OpOutput::Etcd(etcd_health::state(node).await?),
        Look::ApiServer => OpOutput::ApiServer(api_server::state(node).await?),
        Look::Components => OpOutput::Components(component::all(node).await?),
        Look::Images { to } => OpOutput::Images(survey::images(node.surveyed(), *to).await?),
        Look::Devices => OpOutput::Devices(survey::devices(node.surveyed())),
        Look::Manifests => OpOutput::Manifests(node.heal.findings()),
        Look::Backup { run } => OpOutput::Backup(backup::state(node, run).await?),
        Look::Survey { to } => OpOutput::Survey(Box::new(survey::survey(node.surveyed(), *to).await)),
        Look::BackupFiles => OpOutput::BackupFiles(backup_files::list(node)?),
        Look::BackupPart { path, offset, recipients } => {
            OpOutput::BackupPart(backup_files::part(node, path, *offset, recipients).await?)
        }
        Look::SiteChecks => OpOutput::SiteChecks(site_checks::list(node)?),
        Look::Deletion { object } => OpOutput::Deletion(deletion::state(node, object)?),
        Look::Certificates => OpOutput::Certificates(certificates::state(node)),
        Look::Proxy => OpOutput::Proxy(proxy::state(node).await?),
        _ => of_bcm(node, look).await?,
    })
}

/// Runs one tool of BCM at a time for all sessions. The task outlives the session that asked, so that the tool's time limit always ends it.
async fn of_bcm(node: &Node, look: &Look) -> Result<OpOutput, Failure> {
    let turn = node.bcm.clone().lock_owned().await;
    let (host, cluster, look) = (node.host.clone(), node.config.cluster.clone(), look.clone());
    let daemon = node.config.bcm.cmdaemon();
    let asked = tokio::spawn(async move {
        let _turn = turn;
        tool_of_bcm(&host, &daemon, &cluster, &look).await
    });
    asked.await.unwrap_or_else(|e| {
        Err(Failure::transient("bcm-answer", format!("BCM's tool was not waited for: {e}")))
    })
}

async fn tool_of_bcm(
    host: &Host,
    daemon: &Cmdaemon,
    cluster: &ClusterName,
    look: &Look,
) -> Result<OpOutput, Failure> {
    Ok(match look {
        Look::BcmVersions => OpOutput::BcmVersions(bcm::kubernetes_versions::look(host).await?),
        Look::BcmClusterVersion => {
            OpOutput::BcmClusterVersion(bcm::cluster_version::look(host, cluster).await?)
        }
        Look::BcmApplications => {
            OpOutput::BcmApplications(bcm::system_applications::look(host, cluster).await?)
        }
        Look::BcmHead => OpOutput::BcmHead(bcm::head(host).await?),
        Look::BcmClusters => OpOutput::BcmClusters(bcm::clusters::look(host).await?),
        Look::BcmNodes => OpOutput::BcmNodes(bcm::nodes::look(host).await?),
        Look::BcmImages => OpOutput::BcmImages(bcm::image::all(host).await?),
        Look::BcmImage { image } => OpOutput::BcmImage(bcm::image::find(host, image).await?.map(Box::new)),
        Look::BcmExcludes { node } => OpOutput::BcmExcludes(bcm::excludes::look(host, node).await?),
        Look::BcmProvisioning => OpOutput::BcmProvisioning(provisioning(host, daemon).await?),
        Look::BcmSync { node } => OpOutput::BcmSync(Box::new(last_sync(host, daemon, node).await?)),
        other => {
            return Err(Failure::permanent(
                codes::NOT_OF_THIS_ROLE,
                format!("{} is no question to BCM", other.verb()),
            ));
        }
    })
}

/// Without the images whose copy this podlift has begun and not completed: they are no images yet.
fn usable(node: &Node, output: OpOutput) -> OpOutput {
    let is_whole = |image: &BcmImage| !crate::ops::is_half_image(node, &image.name);
    match output {
        OpOutput::BcmImages(all) => OpOutput::BcmImages(all.into_iter().filter(is_whole).collect()),
        OpOutput::BcmImage(image) => OpOutput::BcmImage(image.filter(|image| is_whole(image))),
        other => other,
    }
}

/// The size of an image is what a copy of it needs, so podlift's own copies are not measured. It may take minutes, beside other looks and not
/// before them; an image that can't be measured in time is shown without its size.
async fn measured(node: &Node, output: OpOutput) -> OpOutput {
    match output {
        OpOutput::BcmImage(Some(image)) if !crate::ops::is_own_image(node, &image.name) => {
            let size_bytes = bcm::image::size(&node.host, &image.path, bcm::image::SHORT).await.ok();
            OpOutput::BcmImage(Some(Box::new(BcmImage { size_bytes, ..*image })))
        }
        other => other,
    }
}

/// Who serves images, and CMDaemon's tasks.
async fn provisioning(host: &Host, daemon: &Cmdaemon) -> Result<BcmProvisioning, Failure> {
    let names = daemon.names(host).await?;
    let state = daemon.status(host, &names).await?;
    Ok(BcmProvisioning { tasks: bcm::tasks::look(host).await?, ..state })
}

/// The log of the node's last update, and whether a request of it waits.
async fn last_sync(host: &Host, daemon: &Cmdaemon, node: &NodeName) -> Result<BcmSync, Failure> {
    let sync = bcm::synclog::look(host, node).await?;
    let waits = daemon.waits(host, node).await?;
    Ok(BcmSync { request: waits.then(|| format!("a request of {node} waits")), ..sync })
}

/// Every agent has facts and certificates; each other look belongs either to a node of the cluster or to a head node.
fn is_ours(node: &Node, look: &Look) -> Result<(), Failure> {
    let name = &node.config.node;
    let message = match (node.config.is_head(), look.is_of_head()) {
        (true, false) if !matches!(look, Look::Facts | Look::Certificates) => {
            format!("{name} is a head node: it has no Kubernetes to look at")
        }
        (false, true) => {
            format!("{name} is no head node: BCM is asked where agent.toml says role = \"head\"")
        }
        _ => return Ok(()),
    };
    Err(Failure::permanent(codes::NOT_OF_THIS_ROLE, message))
}
