//! Looks: what a coordinator may ask this node to tell, one question a file. They run beside each other and beside an op, change nothing,
//! and are not recorded.

pub(crate) mod address;
pub(crate) mod alive;
pub(crate) mod api_server;
pub(crate) mod backup;
mod backup_files;
pub(crate) mod etcd_health;
pub(crate) mod facts;
mod packages;

pub(crate) use backup_files::SPOOL;

use crate::node::Node;
use crate::tools::kubeadm::{self, Binary};
use podlift_model::{Failure, Look, OpOutput};
use podlift_tools::survey::{self, Surveyed};

pub(crate) async fn look(node: &Node, look: &Look) -> Result<OpOutput, Failure> {
    Ok(match look {
        Look::Facts => OpOutput::Facts(Box::new(facts::collect(node).await)),
        Look::Packages { to } => OpOutput::Packages(packages::offers(node, *to).await?),
        Look::KubeadmDiff { to } => {
            crate::ops::shared::control_plane(node)?;
            OpOutput::Diff(kubeadm::diff(&node.host, Binary::Installed, *to).await?)
        }
        Look::EtcdHealth => OpOutput::Etcd(etcd_health::state(node).await?),
        Look::ApiServer => OpOutput::ApiServer(api_server::state(node).await?),
        Look::Manifests => OpOutput::Manifests(node.heal.findings()),
        Look::Backup { run } => OpOutput::Backup(backup::state(node, run).await?),
        Look::Survey { to } => OpOutput::Survey(Box::new(survey::survey(surveyed(node), *to).await)),
        Look::BackupFiles => OpOutput::BackupFiles(backup_files::list(node)?),
        Look::BackupPart { path, offset, recipients } => {
            OpOutput::BackupPart(backup_files::part(node, path, *offset, recipients).await?)
        }
    })
}

fn surveyed(node: &Node) -> Surveyed<'_> {
    Surveyed {
        host: &node.host,
        apt_root: &node.apt_root,
        control_plane: node.is_control_plane(),
        free_bytes: node.config.ops.free_bytes,
    }
}
