//! Which rights of the coordinator are missing. Each right of the table is asked by a SelfSubjectAccessReview, which every user may create
//! and which changes nothing.

use super::super::api::Api;
use crate::cluster::rights::{Need, RIGHTS, Right, What};
use futures_util::StreamExt as _;
use podlift_engine::survey::MissingRight;
use podlift_model::{Failure, codes};
use serde_json::{Value, json};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// Concurrent reviews.
const AT_ONCE: usize = 8;

pub(super) async fn missing(api: &Api) -> Result<Vec<MissingRight>, Failure> {
    let mut reviews = vec![];
    for right in RIGHTS.iter().filter(|right| right.need != Need::Free) {
        reviews.extend(right.verbs.iter().map(|verb| one(api, right, verb)));
    }
    let answers: Vec<_> = futures_util::stream::iter(reviews).buffered(AT_ONCE).collect().await;
    Ok(answers.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The right if it is missing.
async fn one(api: &Api, right: &'static Right, verb: &'static str) -> Result<Option<MissingRight>, Failure> {
    Ok((!allowed(api, right, verb).await?).then(|| as_missing(right, verb)))
}

async fn allowed(api: &Api, right: &Right, verb: &str) -> Result<bool, Failure> {
    let answer = api.post(REVIEWS, &review(right, verb)).await?;
    answer["status"]["allowed"].as_bool().ok_or_else(|| {
        Failure::permanent(codes::ODD_REPLY, "a SelfSubjectAccessReview was answered without a status")
    })
}

fn review(right: &Right, verb: &str) -> Value {
    let spec = match right.what {
        What::Path(path) => json!({"nonResourceAttributes": {"path": path, "verb": verb}}),
        What::Resource { group, resource, names } => {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            json!({"resourceAttributes": {
                "group": group, "resource": resource, "subresource": subresource, "verb": verb,
                "namespace": right.namespace.unwrap_or_default(), "name": names.first().copied().unwrap_or_default(),
            }})
        }
    };
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec})
}

fn as_missing(right: &Right, verb: &str) -> MissingRight {
    let (group, resource, name, path) = match right.what {
        What::Path(path) => (String::new(), String::new(), None, Some(path.to_string())),
        What::Resource { group, resource, names } => {
            let name = (!names.is_empty()).then(|| names.join(","));
            (group.to_string(), resource.to_string(), name, None)
        }
    };
    MissingRight {
        verb: verb.into(),
        group,
        resource,
        namespace: right.namespace.map(String::from),
        name,
        path,
        needed_for: right.needed_for.into(),
        useful: right.need == Need::Useful,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subresource_and_a_name_have_fields_of_their_own() {
        let of = |resource: &str| {
            let found = RIGHTS.iter().find(
                |r| matches!(r.what, What::Resource { resource: name, names, .. } if name == resource && names.is_empty() == (resource != "configmaps")),
            );
            review(found.unwrap(), "get")["spec"]["resourceAttributes"].clone()
        };
        let eviction = of("pods/eviction");
        assert_eq!((&eviction["resource"], &eviction["subresource"]), (&json!("pods"), &json!("eviction")));
        let config = of("configmaps");
        assert_eq!(
            (&config["namespace"], &config["name"]),
            (&json!("kube-system"), &json!("kubeadm-config"))
        );
    }

    #[test]
    fn only_a_right_without_which_a_run_goes_on_is_called_useful() {
        for (group, useful) in [("kueue.x-k8s.io", true), ("scheduling.run.ai", false), ("policy", false)] {
            let of = |r: &&Right| matches!(r.what, What::Resource { group: own, .. } if own == group);
            let right = RIGHTS.iter().find(of).unwrap();
            assert_eq!(as_missing(right, "list").useful, useful, "{group}");
        }
    }

    #[test]
    fn a_missing_right_keeps_object_and_path_apart_from_the_resource() {
        let missing =
            |what: &dyn Fn(&Right) -> bool| as_missing(RIGHTS.iter().find(|r| what(r)).unwrap(), "get");
        let map = missing(&|r| {
            matches!(r.what, What::Resource { resource: "configmaps", names: ["kubelet-config"], .. })
        });
        assert_eq!((map.resource.as_str(), map.name.as_deref()), ("configmaps", Some("kubelet-config")));
        let path = missing(&|r| matches!(r.what, What::Path("/readyz")));
        assert_eq!((path.resource.as_str(), path.path.as_deref()), ("", Some("/readyz")));
    }
}
