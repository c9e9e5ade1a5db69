//! `cmprov.imageUpdate`: asks CMDaemon to write a node's image to it, or to compare them. The answer says only that the request was taken.

use super::{Api, ApiError, ZERO, error};
use podlift_host::Host;
use podlift_model::NodeName;
use serde_json::{Value, json};

/// What became of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// UUIDs of the requests.
    Taken(Vec<String>),
    /// CMDaemon did not start it, with its reason.
    NotStarted(String),
    /// CMDaemon has no node of that name.
    NoNode,
}

impl Api {
    /// Requests for the node that are in the list now, for somebody who can't know any more whether one is their own.
    pub async fn requests_of(&self, host: &Host, node: &NodeName) -> Result<Vec<super::Request>, ApiError> {
        let Some(uuid) = self.uuid(host, node).await? else { return Ok(Vec::new()) };
        Ok(self.status(host).await?.of_node(&uuid).cloned().collect())
    }

    pub async fn image_update(&self, host: &Host, node: &NodeName, write: bool) -> Result<Asked, ApiError> {
        let Some(uuid) = self.uuid(host, node).await? else { return Ok(Asked::NoNode) };
        // Nodes, dry run, session, paths and selections; no session waits for events of it.
        let args = json!([[uuid], !write, ZERO, [], []]);
        let value = self.call(host, "cmprov", "imageUpdate", args).await?;
        let taken = requests(&value).ok_or_else(|| {
            let text = crate::bcm::short(&value.to_string());
            let url = format!("https://{}/json", self.endpoint);
            error::of_answer(super::answer::NoResult::Odd(text), "cmprov.imageUpdate", &url)
        })?;
        match taken.is_empty() {
            false => Ok(Asked::Taken(taken)),
            true => Ok(Asked::NotStarted(self.reason(host, &uuid, &value).await)),
        }
    }

    async fn uuid(&self, host: &Host, node: &NodeName) -> Result<Option<String>, ApiError> {
        let nodes = self.nodes(host).await?;
        Ok(nodes.into_iter().find(|(_, name)| name == node.as_str()).map(|(uuid, _)| uuid))
    }

    /// Why nothing was started: by the answer itself, or by the node's request in the list.
    async fn reason(&self, host: &Host, uuid: &str, answer: &Value) -> String {
        let own = serde_json::from_value::<super::Request>(answer.clone()).ok();
        if let Some(why) = own.and_then(|request| request.failure()) {
            return why;
        }
        match self.status(host).await {
            Ok(status) => {
                let why = status.of_node(uuid).find_map(super::Request::failure);
                why.unwrap_or_else(|| "CMDaemon gives no reason".into())
            }
            Err(error) => format!("CMDaemon gives no reason, and its list of requests is not known: {error}"),
        }
    }
}

/// UUIDs of the requests that were started; `None` if the answer is none of this call. The zero UUID stands for one that was not.
fn requests(answer: &Value) -> Option<Vec<String>> {
    let list = match answer {
        Value::Array(list) => list.clone(),
        Value::String(_) => vec![answer.clone()],
        Value::Object(fields) => fields.get("request_uuids")?.as_array()?.clone(),
        _ => return None,
    };
    let uuids = list.iter().map(|uuid| uuid.as_str().map(String::from)).collect::<Option<Vec<_>>>()?;
    Some(uuids.into_iter().filter(|uuid| !uuid.is_empty() && uuid != ZERO).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_were_started() {
        const R: &str = "0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e01";
        for (answer, want) in [
            (json!([R]), Some(vec![R])),
            (json!(R), Some(vec![R])),
            (json!([ZERO]), Some(vec![])),
            (json!([]), Some(vec![])),
            (json!([ZERO, R]), Some(vec![R])),
            (json!({"request_uuids": [R], "errorMessage": ""}), Some(vec![R])),
            (json!({"request_uuids": [], "errorMessage": "no image"}), Some(vec![])),
            (json!({"success": true}), None),
            (json!(true), None),
            (json!([7]), None),
        ] {
            let want = want.map(|w: Vec<&str>| w.into_iter().map(String::from).collect::<Vec<_>>());
            assert_eq!(requests(&answer), want, "{answer}");
        }
    }
}
