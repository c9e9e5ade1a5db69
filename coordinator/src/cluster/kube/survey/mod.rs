//! What the cluster reports for a plan. Each part is a file; the parts run concurrently, each with its own time limit. A failed part gives
//! its reason and does not affect the others. The survey only reads.

mod budgets;
mod configs;
mod controllers;
mod core_dns;
mod gang;
mod gangs;
mod hardware;
mod ingresses;
mod label_selector;
mod load_balancers;
mod meta;
mod metrics;
mod pod_affinity;
mod pods;
mod raw_pod;
mod release;
mod rights;
mod runtime_classes;
mod served;
mod stored;
mod tigera;

use super::api::Api;
use crate::cluster::{Certificates, Servers};
use podlift_engine::survey::{ClusterSurvey, LoadBalancerView, ServedCertificate};
use podlift_model::Failure;
use podlift_model::survey::Seen;
use std::time::Duration;

pub(super) use gangs::read as gangs_of;
pub(super) use hardware::{of_node as hardware_of, read as hardware};
pub(super) use load_balancers::of as load_balancer;
pub(super) use meta::Meta;
pub(super) use pods::{forbidden, read as pods_of, view as pod_view};
pub(super) use raw_pod::{CORDON_TAINT, MIRROR, Raw as RawPod, covers_cordon};
pub(super) use release::of as release;
pub(super) use served::of as served_at;
pub(super) use tigera::read as tigera;

/// Time limit of any one part.
const PART: Duration = Duration::from_secs(45);

pub(super) struct Sources<'a> {
    pub api: &'a Api,
    pub servers: &'a dyn Servers,
    pub certificates: &'a dyn Certificates,
    /// Labels and annotations, `key=value`, by which the owner of a pod forbids its interruption.
    pub never_interrupt: &'a [String],
}

pub(super) async fn survey(from: &Sources<'_>, endpoints: &[String]) -> ClusterSurvey {
    let api = from.api;
    let outside = async {
        let (balancers, ingresses) =
            tokio::join!(part(load_balancers::read(api)), part(ingresses::read(api)));
        let served = served::read(from.certificates, &balancers, &ingresses).await;
        (balancers, ingresses, served)
    };
    let inside = async {
        let told = metrics::read(from.servers, endpoints).await;
        let stored = part(stored::read(api, &told)).await;
        (metrics::deprecated(told), stored)
    };
    let (
        pods,
        budgets,
        hardware,
        kubelet_config,
        kube_proxy_config,
        tigera,
        tigera_operator,
        runtime_classes,
        core_dns,
        rights,
        gangs,
        controllers,
        calico,
        outside,
        inside,
    ) = tokio::join!(
        part(pods::read(api, from.never_interrupt)),
        part(budgets::read(api)),
        part(hardware::read(api)),
        part(configs::kubelet(api)),
        part(configs::kube_proxy(api)),
        part(tigera::read(api)),
        part(tigera::operator(api)),
        part(runtime_classes::read(api)),
        part(core_dns::read(api)),
        part(rights::missing(api)),
        part(gangs::read(api)),
        part(controllers::read(api)),
        part(super::calico::read(api)),
        outside,
        inside
    );
    let ((load_balancers, ingresses, served), (deprecated, stored)) = (outside, inside);
    ClusterSurvey {
        core_dns,
        rights,
        // A plan without them is careful: each gang counts as a whole.
        gangs: gangs.unwrap_or_default(),
        pods,
        budgets,
        load_balancers,
        ingresses: ingresses.map(|all| all.into_iter().map(|i| i.view).collect()),
        kubelet_config,
        kube_proxy_config,
        deprecated,
        stored,
        tigera,
        tigera_operator,
        runtime_classes,
        // Another module asks BCM, if BCM is asked.
        applications: Ok(None),
        hardware,
        served,
        controllers,
        calico,
    }
}

/// The certificates of all ingresses, as the wire shows them, with the load balancers in front of them, and what promises TLS and was not
/// asked.
pub(super) async fn outside(
    api: &Api,
    certificates: &dyn Certificates,
) -> (Seen<Vec<LoadBalancerView>>, Seen<Vec<ServedCertificate>>, Vec<String>) {
    let (balancers, ingresses, controllers) = tokio::join!(
        part(load_balancers::read(api)),
        part(ingresses::read(api)),
        part(controllers::read(api))
    );
    let unasked = served::unasked(ingresses.as_deref().unwrap_or_default(), &controllers);
    let served = match &ingresses {
        Ok(_) => Ok(served::read(certificates, &balancers, &ingresses).await),
        Err(why) => Err(why.clone()),
    };
    (balancers, served, unasked)
}

async fn part<T>(look: impl Future<Output = Result<T, Failure>>) -> Seen<T> {
    match tokio::time::timeout(PART, look).await {
        Ok(Ok(seen)) => Ok(seen),
        Ok(Err(failure)) => Err(failure.message),
        Err(_) => Err(format!("no answer within {} s", PART.as_secs())),
    }
}

#[cfg(test)]
mod tests;
