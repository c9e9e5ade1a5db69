//! Admission webhooks, and whether their targets can answer: a service needs a ready endpoint. No request is sent to a webhook.

use super::api::Api;
use podlift_engine::validate::WebhookSeen;
use podlift_model::Failure;
use podlift_model::survey::Seen;
use serde_json::Value;
use std::collections::BTreeMap;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

pub(super) async fn read(api: &Api) -> Result<Vec<WebhookSeen>, Failure> {
    let mut found = Vec::new();
    for (kind, resource) in
        [("mutating", "mutatingwebhookconfigurations"), ("validating", "validatingwebhookconfigurations")]
    {
        for object in api.list(&format!("{GROUP}/{resource}"), &[]).await? {
            let name = format!("{kind}/{}", text(&object["metadata"]["name"]));
            let hooks = object["webhooks"].as_array().into_iter().flatten();
            found.extend(hooks.map(|hook| (name.clone(), hook.clone())));
        }
    }
    let mut known: BTreeMap<String, Option<Seen<()>>> = BTreeMap::new();
    let mut all = Vec::new();
    for (configuration, hook) in found {
        let target = target(&hook);
        let answers = match (known.get(&target), hook["clientConfig"]["service"].as_object()) {
            (Some(answers), _) => answers.clone(),
            // Outside of the cluster nothing says whether it answers.
            (None, None) => None,
            (None, Some(_)) => Some(ready(api, &hook["clientConfig"]["service"]).await?),
        };
        known.insert(target.clone(), answers.clone());
        all.push(WebhookSeen {
            configuration,
            webhook: text(&hook["name"]),
            target,
            // `Fail` is the API's default.
            failure_policy: hook["failurePolicy"].as_str().unwrap_or("Fail").into(),
            answers,
        });
    }
    Ok(all)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn target(hook: &Value) -> String {
    let config = &hook["clientConfig"];
    match config["url"].as_str() {
        Some(url) => url.into(),
        None => format!("{}/{}", text(&config["service"]["namespace"]), text(&config["service"]["name"])),
    }
}

async fn ready(api: &Api, service: &Value) -> Result<Seen<()>, Failure> {
    let (namespace, name) = (text(&service["namespace"]), text(&service["name"]));
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
    let selector = format!("kubernetes.io/service-name={name}");
    let slices = api.list(&path, &[("labelSelector", &selector)]).await?;
    Ok(judged(&slices, &namespace, &name))
}

fn judged(slices: &[Value], namespace: &str, name: &str) -> Seen<()> {
    let endpoints: Vec<&Value> =
        slices.iter().flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten()).collect();
    // An absent condition means ready.
    let ready = |endpoint: &&&Value| endpoint["conditions"]["ready"].as_bool().unwrap_or(true);
    match (endpoints.iter().filter(ready).count(), endpoints.len()) {
        (0, 0) => Err(format!("service {namespace}/{name} has no endpoint")),
        (0, all) => Err(format!(
            "none of {} of service {namespace}/{name} is ready",
            podlift_model::count(all, "endpoint")
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_ready_endpoint_is_enough() {
        let slice = |ready: &[Option<bool>]| {
            let endpoints: Vec<Value> = ready.iter().map(|r| json!({"conditions": {"ready": r}})).collect();
            json!({"endpoints": endpoints})
        };
        let of = |slices: &[Value]| judged(slices, "metallb-system", "webhook");
        assert_eq!(of(&[slice(&[Some(false)]), slice(&[Some(false), None])]), Ok(()));
        assert_eq!(of(&[]).unwrap_err(), "service metallb-system/webhook has no endpoint");
        assert_eq!(
            of(&[json!({"endpoints": null})]).unwrap_err(),
            "service metallb-system/webhook has no endpoint"
        );
        let none = of(&[slice(&[Some(false), Some(false)])]).unwrap_err();
        assert_eq!(none, "none of 2 endpoints of service metallb-system/webhook is ready");
    }

    #[test]
    fn a_target_is_a_service_or_an_address() {
        assert_eq!(target(&json!({"clientConfig": {"service": {"namespace": "a", "name": "b"}}})), "a/b");
        assert_eq!(target(&json!({"clientConfig": {"url": "https://hook.example"}})), "https://hook.example");
    }
}
