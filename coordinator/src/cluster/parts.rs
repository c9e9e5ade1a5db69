//! Parts of a validation that the cluster's API shows. Each part has its own reason if it could not be seen.

use jiff::Timestamp;
use podlift_engine::survey::{Hardware, LoadBalancerView, ServedCertificate};
use podlift_engine::validate::{
    EventGroup, GpuSeen, ImageSeen, NameAnswer, NotReady, StaticPod, StorageSeen, WebhookSeen,
};
use podlift_model::NodeName;
use podlift_model::survey::Seen;
use std::collections::BTreeMap;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct PartsAsk {
    /// The API servers (host:port), each of which lists the images.
    pub endpoints: Vec<String>,
    /// Since when events count.
    pub since: Timestamp,
    /// Whether a test pod may ask the DNS.
    pub dns: bool,
    /// Whether test claims may be made.
    pub claims: bool,
    /// Image of the test pod; `None` for one that nodes have.
    pub image: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Parts {
    pub images: BTreeMap<String, Seen<Vec<ImageSeen>>>,
    pub static_pods: Seen<Vec<StaticPod>>,
    pub load_balancers: Seen<Vec<LoadBalancerView>>,
    pub served: Seen<Vec<ServedCertificate>>,
    /// What promises TLS and was not asked, in sentences.
    pub unasked: Vec<String>,
    pub not_ready: Seen<BTreeMap<String, NotReady>>,
    pub events: Seen<Vec<EventGroup>>,
    pub hardware: Seen<BTreeMap<NodeName, Hardware>>,
    pub gpu_operator: Seen<Option<GpuSeen>>,
    pub storage: Seen<Vec<StorageSeen>>,
    pub webhooks: Seen<Vec<WebhookSeen>>,
    pub dns: Seen<Vec<NameAnswer>>,
}

impl Parts {
    /// Nothing was seen.
    pub fn unseen(why: &str) -> Self {
        fn none<T>(why: &str) -> Seen<T> {
            Err(why.into())
        }
        Self {
            images: BTreeMap::new(),
            static_pods: none(why),
            load_balancers: none(why),
            served: none(why),
            unasked: vec![],
            not_ready: none(why),
            events: none(why),
            hardware: none(why),
            gpu_operator: none(why),
            storage: none(why),
            webhooks: none(why),
            dns: none(why),
        }
    }
}

/// Why a part is open that only a probe shows.
pub const NO_PROBES: &str = "no object may be made in the cluster: it was asked for without probes";
