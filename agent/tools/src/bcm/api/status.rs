//! `cmprov.getProvisioningStatus`: requests that are not at their end, and the nodes that serve them.

use super::{Api, ApiError, Names, ZERO, error};
use crate::bcm::provisioning::Turn;
use podlift_host::Host;
use podlift_model::bcm::{BcmProvisioning, Provisioner};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The part of the answer that is used. A field with its usual value may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(rename = "provisioningRequestStatusList", deserialize_with = "or_default")]
    pub requests: Vec<Request>,
    #[serde(rename = "provisioningNodeStatusList", deserialize_with = "or_default")]
    nodes: Vec<Serving>,
}

/// A request to write an image to a node, or to compare them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    #[serde(rename = "request_uuids", deserialize_with = "or_default")]
    pub uuids: Vec<String>,
    source_node: Option<String>,
    destination_node: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub dry_run: bool,
    error_message: Option<String>,
    error_details: Option<String>,
}

/// A node that serves requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Serving {
    #[serde(rename = "ref_node_uuid", deserialize_with = "or_default")]
    node: String,
    #[serde(rename = "ref_image_uuids", deserialize_with = "or_default")]
    images: Vec<String>,
    /// For each of `images`.
    #[serde(deserialize_with = "or_default")]
    up_to_date: Vec<bool>,
    #[serde(deserialize_with = "or_default")]
    slots_capacity: i64,
    #[serde(deserialize_with = "or_default")]
    slots_used: i64,
    #[serde(deserialize_with = "or_default")]
    drained: bool,
}

/// CMDaemon writes null where a field has no value.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

impl Api {
    pub async fn status(&self, host: &Host) -> Result<Status, ApiError> {
        let value = self.call(host, "cmprov", "getProvisioningStatus", json!([[]])).await?;
        Status::parse(value).map_err(|text| {
            error::of_answer(
                super::answer::NoResult::Odd(text),
                "cmprov.getProvisioningStatus",
                &format!("https://{}/json", self.endpoint),
            )
        })
    }
}

impl Status {
    /// Somebody always serves: an answer without any such node has only begun to be one.
    fn parse(value: Value) -> Result<Self, String> {
        let text = value.to_string();
        let status: Self =
            serde_json::from_value(value).map_err(|e| format!("{e}: {}", crate::bcm::short(&text)))?;
        match status.nodes.is_empty() {
            true => Err(format!("it names no node that provisions: {}", crate::bcm::short(&text))),
            false => Ok(status),
        }
    }

    /// The same as cmsh's status.
    pub fn whole(&self, names: &Names) -> BcmProvisioning {
        let provisioners = self.nodes.iter().map(|serving| serving.named(names)).collect();
        let waiting =
            self.requests.iter().filter(|r| r.waits()).map(|r| names.node(r.destination()).to_string());
        let idle = self.requests.is_empty() && self.nodes.iter().all(|n| n.slots_used == 0);
        BcmProvisioning { idle, provisioners, waiting: waiting.collect(), tasks: Vec::new() }
    }

    /// Requests for the node with this UUID.
    pub fn of_node<'a>(&'a self, uuid: &'a str) -> impl Iterator<Item = &'a Request> {
        self.requests.iter().filter(move |request| request.destination() == uuid)
    }

    /// What becomes of these requests. One that is not listed has ended.
    pub fn turn(&self, requests: &[String]) -> Turn {
        let own = || self.requests.iter().filter(|r| r.uuids.iter().any(|uuid| requests.contains(uuid)));
        Turn {
            waits: own().any(Request::waits),
            served: own().any(|request| !request.waits()),
            failed: own().find_map(Request::failure),
        }
    }
}

impl Request {
    fn destination(&self) -> &str {
        self.destination_node.as_deref().unwrap_or(ZERO)
    }

    /// No node has taken it yet.
    pub fn waits(&self) -> bool {
        self.source_node.as_deref().is_none_or(|node| node.is_empty() || node == ZERO)
    }

    /// CMDaemon's own words about a failure of it; `None` if it has not failed.
    pub fn failure(&self) -> Option<String> {
        let parts = [&self.error_message, &self.error_details];
        let parts: Vec<&str> =
            parts.into_iter().flatten().map(|p| p.trim()).filter(|p| !p.is_empty()).collect();
        // Its counter also has the failures of attempts before the present one.
        (!parts.is_empty()).then(|| parts.join(": "))
    }
}

impl Serving {
    fn named(&self, names: &Names) -> Provisioner {
        let current = self.images.iter().zip(&self.up_to_date).filter(|(_, current)| **current);
        let up_to_date =
            names.images.as_ref().map(|all| current.filter_map(|(uuid, _)| all.get(uuid).cloned()).collect());
        Provisioner {
            node: names.node(&self.node).into(),
            slots: count(self.slots_capacity),
            in_use: count(self.slots_used),
            drained: self.drained,
            up_to_date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// With the numbers of enumerations that nobody has documented, and fields that are not used.
    fn answer() -> Value {
        json!({
            "baseType": "ProvisioningStatus",
            "provisioningRequestStatusList": [
                {"request_uuids": ["r1"], "sourceNode": "h1", "destinationNode": "n30", "sourcePath": "/cm/images/dgx",
                 "destinationPath": "/", "dryRun": true, "syncMode": 17, "state": 99, "errorMessage": "", "errorDetails": null,
                 "schedulerInfo": []},
                {"request_uuids": ["r2", "r3"], "sourceNode": ZERO, "destinationNode": "n31", "jobFailureCounter": 2,
                 "errorMessage": "rsync failed", "errorDetails": "code 23"},
                {"request_uuids": ["r4"], "destinationNode": "n32", "jobFailureCounter": 1},
            ],
            "provisioningNodeStatusList": [
                {"ref_node_uuid": "h1", "ref_image_uuids": ["i1", "i2", "i3"], "upToDate": [true, false, true],
                 "slotsCapacity": 10, "slotsUsed": 1},
                {"ref_node_uuid": "h2", "slotsCapacity": 12, "drained": true},
            ],
        })
    }

    fn names() -> Names {
        let text = |t: &str| t.to_string();
        let nodes = [("h1", "head-01"), ("h2", "head-02"), ("n31", "dgx031")];
        let images =
            BTreeMap::from([(text("i1"), "dgx".parse().unwrap()), (text("i2"), "other".parse().unwrap())]);
        Names { nodes: nodes.map(|(u, n)| (text(u), text(n))).into(), images: Some(images) }
    }

    #[test]
    fn the_same_state_as_cmsh_gives() {
        let state = Status::parse(answer()).unwrap().whole(&names());
        assert!(!state.idle);
        assert_eq!(state.waiting, ["dgx031", "n32"], "no node has taken them; an unknown one keeps its UUID");
        let shown: Vec<_> =
            state.provisioners.iter().map(|p| (p.node.as_str(), p.slots, p.in_use, p.drained)).collect();
        assert_eq!(shown, [("head-01", 10, 1, false), ("head-02", 12, 0, true)]);
        let current = state.provisioners[0].up_to_date.as_ref().unwrap();
        assert_eq!(current.iter().map(|i| i.as_str()).collect::<Vec<_>>(), ["dgx"]);
        let unnamed = Status::parse(answer()).unwrap().whole(&Names { images: None, ..names() });
        assert_eq!(unnamed.provisioners[0].up_to_date, None, "without names it can't be known");
    }

    #[test]
    fn idle_is_no_request_and_no_slot_in_use() {
        let node = |used: u32| json!([{"ref_node_uuid": "h1", "slotsCapacity": 10, "slotsUsed": used}]);
        for (requests, used, idle) in
            [(json!([]), 0, true), (json!([]), 1, false), (json!([{"request_uuids": ["r"]}]), 0, false)]
        {
            let value =
                json!({"provisioningRequestStatusList": requests, "provisioningNodeStatusList": node(used)});
            assert_eq!(
                Status::parse(value).unwrap().whole(&Names::default()).idle,
                idle,
                "{requests} {used}"
            );
        }
        let nulls = json!({"provisioningRequestStatusList": null, "provisioningNodeStatusList": [
            {"ref_node_uuid": "h1", "ref_image_uuids": null, "upToDate": null, "slotsCapacity": -1, "slotsUsed": null, "drained": null}]});
        assert!(Status::parse(nulls).unwrap().whole(&Names::default()).idle);
        let minimal = json!({"provisioningNodeStatusList": node(0)});
        assert!(Status::parse(minimal).unwrap().whole(&Names::default()).idle);
    }

    #[test]
    fn what_becomes_of_ones_own_requests() {
        let status = Status::parse(answer()).unwrap();
        let turn = |uuids: &[&str]| status.turn(&uuids.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(turn(&["r1"]), Turn { waits: false, served: true, failed: None });
        let failed = Some("rsync failed: code 23".to_string());
        assert_eq!(turn(&["r3"]), Turn { waits: true, served: false, failed });
        assert_eq!(
            turn(&["r4"]).failed,
            None,
            "a failure that was counted may be that of an earlier attempt"
        );
        assert_eq!(turn(&["r9"]), Turn::default(), "it is not listed any more");
        assert_eq!(status.of_node("n30").count(), 1);
    }

    #[test]
    fn what_is_no_status() {
        for (value, want) in [
            (json!([]), "no node that provisions"),
            (json!({}), "no node that provisions"),
            (json!({"provisioningNodeStatusList": 7}), "invalid type"),
            (json!(true), "invalid type"),
        ] {
            let why = Status::parse(value.clone()).unwrap_err();
            assert!(why.contains(want), "{value}: {why}");
        }
    }
}
