//! The one place that knows how CMDaemon is asked about provisioning and about updates of nodes: by its JSON API where agent.toml has one, and
//! by cmsh elsewhere. Whoever calls gets the same answers from both.

use super::api::{Api, Asked, Names};
use super::{change, provisioning};
use crate::UnitSpec;
use podlift_host::Host;
use podlift_model::bcm::BcmProvisioning;
use podlift_model::{Failure, NodeName, codes};
use provisioning::Turn;
use std::time::Duration;

/// CMDaemon's list of requests is behind: a request that was just taken is not in it yet.
pub const LAG: Duration = Duration::from_secs(10);

/// The way to CMDaemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cmdaemon {
    Cmsh,
    Api(Api),
}

/// An update that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// This unit makes it.
    Unit(UnitSpec),
    /// CMDaemon makes it: the UUIDs of its requests.
    Requests(Vec<String>),
}

impl Cmdaemon {
    /// What `status` needs to name nodes and images. It is large for a large cluster, so it is read once and not at each look.
    pub async fn names(&self, host: &Host) -> Result<Names, Failure> {
        match self {
            Self::Cmsh => Ok(Names::default()),
            Self::Api(api) => Ok(api.names(host).await?),
        }
    }

    /// State of the provisioning, without CMDaemon's tasks.
    pub async fn status(&self, host: &Host, names: &Names) -> Result<BcmProvisioning, Failure> {
        match self {
            Self::Cmsh => provisioning::status(host).await,
            Self::Api(api) => Ok(api.status(host).await?.whole(names)),
        }
    }

    /// Whether nothing is provisioned and nothing waits.
    pub async fn is_idle(&self, host: &Host) -> Result<bool, Failure> {
        Ok(self.status(host, &Names::default()).await?.idle)
    }

    /// Whether a request for the node waits.
    pub async fn waits(&self, host: &Host, node: &NodeName) -> Result<bool, Failure> {
        match self {
            Self::Cmsh => {
                let status = provisioning::status(host).await?;
                Ok(status.waiting.iter().any(|name| name == node.as_str()))
            }
            Self::Api(api) => Ok(api.requests_of(host, node).await?.iter().any(|request| request.waits())),
        }
    }

    /// What becomes of an update: `requests` are those of `Update::Requests`, none for a unit.
    pub async fn turn(&self, host: &Host, node: &NodeName, requests: &[String]) -> Result<Turn, Failure> {
        match self {
            Self::Cmsh => provisioning::turn(host, node).await,
            Self::Api(api) => Ok(api.status(host).await?.turn(requests)),
        }
    }

    /// Begins to write the node's image to it, or to compare them. `again` says that an earlier attempt of the same op may have begun it
    /// already: its request is taken up then.
    pub async fn update(
        &self,
        host: &Host,
        node: &NodeName,
        write: bool,
        again: bool,
    ) -> Result<Update, Failure> {
        let Self::Api(api) = self else { return Ok(Update::Unit(change::imageupdate(node, write))) };
        if again {
            tokio::time::sleep(LAG).await;
        }
        let present = api.requests_of(host, node).await?;
        match present.iter().find(|request| request.dry_run != write) {
            Some(own) if again => return Ok(Update::Requests(own.uuids.clone())),
            _ if !present.is_empty() => return Err(busy(node)),
            _ => {}
        }
        match api.image_update(host, node, write).await? {
            Asked::Taken(requests) => Ok(Update::Requests(requests)),
            Asked::NotStarted(why) => Err(not_started(node, &why)),
            Asked::NoNode => Err(not_started(node, "its API lists no node of that name")),
        }
    }
}

fn busy(node: &NodeName) -> Failure {
    let message = format!(
        "{node} was not updated: CMDaemon has another request for it; see cmsh -c \"softwareimage provisioningstatus -r\", wait for its end, then podlift retry"
    );
    Failure::transient(codes::BCM_BUSY, message)
}

fn not_started(node: &NodeName, why: &str) -> Failure {
    let message = format!(
        "{node} was not updated: CMDaemon did not start its request: {why}; mend that, and look at /var/log/cmdaemon, then podlift retry"
    );
    Failure::operator(codes::BCM_SYNC_FAILED, message)
}
