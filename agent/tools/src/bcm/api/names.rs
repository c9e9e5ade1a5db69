//! Names for the UUIDs by which the API identifies nodes and images.

use super::{Api, ApiError, ZERO};
use podlift_host::Host;
use podlift_model::bcm::ImageName;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Names by UUID. What has no name here keeps its UUID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Hostnames.
    pub nodes: BTreeMap<String, String>,
    /// `None` if the certificate's profile may not list them.
    pub images: Option<BTreeMap<String, ImageName>>,
}

impl Names {
    pub fn node<'a>(&'a self, uuid: &'a str) -> &'a str {
        self.nodes.get(uuid).map_or(uuid, String::as_str)
    }
}

impl Api {
    pub async fn names(&self, host: &Host) -> Result<Names, ApiError> {
        let nodes = self.nodes(host).await?;
        let images = match self.call(host, "cmpart", "getSoftwareImages", json!([])).await {
            Ok(list) => Some(pairs(&list, "name")),
            Err(error) if error.lacks_call() => None,
            Err(error) => return Err(error),
        };
        let named = |all: BTreeMap<String, String>| {
            all.into_iter().filter_map(|(uuid, name)| Some((uuid, name.parse().ok()?))).collect()
        };
        Ok(Names { nodes, images: images.map(named) })
    }

    /// Hostname of every node by its UUID.
    pub(super) async fn nodes(&self, host: &Host) -> Result<BTreeMap<String, String>, ApiError> {
        let list = self.call(host, "cmdevice", "getNodes", json!([])).await?;
        Ok(pairs(&list, "hostname"))
    }
}

/// UUID and name of each object in a list. An object that has not both is none that could be named.
fn pairs(list: &Value, name: &str) -> BTreeMap<String, String> {
    let text = |of: &Value, field: &str| of.get(field).and_then(Value::as_str).map(String::from);
    let pair = |of: &Value| Some((text(of, "uuid").filter(|uuid| uuid != ZERO)?, text(of, name)?));
    list.as_array().map(|all| all.iter().filter_map(pair).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_with_uuid_and_name() {
        let list = json!([
            {"uuid": "u1", "hostname": "dgx030", "childType": "PhysicalNode", "mac": null},
            {"uuid": ZERO, "hostname": "x"},
            {"uuid": "u2"},
            7,
        ]);
        assert_eq!(pairs(&list, "hostname"), BTreeMap::from([("u1".into(), "dgx030".into())]));
        assert_eq!(pairs(&json!({"x": 1}), "hostname"), BTreeMap::new());
        let names = Names { nodes: pairs(&list, "hostname"), images: None };
        assert_eq!((names.node("u1"), names.node("u9")), ("dgx030", "u9"));
    }
}
