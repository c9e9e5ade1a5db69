//! What the coordinator's own user may do: by deploy/kubernetes/rbac.yaml, as RBAC evaluates it. Every other user may do everything.

use super::route::{Call, Target};
use super::{Reply, status};
use crate::world::World;
use http::Method;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The user of rbac.yaml's bindings.
pub const COORDINATOR: &str = "podlift-coordinator";

const RBAC: &str = include_str!("../../../../deploy/kubernetes/rbac.yaml");

/// A rule of a role, with the namespace in which it is granted; empty for all.
struct Rule {
    namespace: String,
    rule: Value,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut bytes = RBAC.as_bytes();
    let all: Vec<Value> = serde_saphyr::read(&mut bytes).filter_map(Result::ok).collect();
    granted(&all)
});

/// The rules of all roles that are bound to the user.
fn granted(all: &[Value]) -> Vec<Rule> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let mine = |v: &&Value| {
        let bound = matches!(v["kind"].as_str(), Some("ClusterRoleBinding" | "RoleBinding"));
        bound && v["subjects"].as_array().into_iter().flatten().any(|s| s["name"] == COORDINATOR)
    };
    let roles = all.iter().filter(mine).flat_map(|binding| {
        let namespace = text(&binding["metadata"]["namespace"]);
        let role = all.iter().filter(move |role| {
            role["kind"] == binding["roleRef"]["kind"]
                && role["metadata"]["name"] == binding["roleRef"]["name"]
                && (role["kind"] == "ClusterRole"
                    || role["metadata"]["namespace"] == binding["metadata"]["namespace"])
        });
        role.map(move |role| (namespace.clone(), role))
    });
    let rules = |(namespace, role): (String, &Value)| {
        let rules = role["rules"].as_array().cloned().unwrap_or_default();
        rules.into_iter().map(move |rule| Rule { namespace: namespace.clone(), rule }).collect::<Vec<_>>()
    };
    roles.flat_map(rules).collect()
}

/// What a request does, in the words of RBAC. A path is of a request for no resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub verb: String,
    pub group: String,
    /// `pods`, or `pods/eviction`.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    pub path: String,
}

impl Asked {
    pub fn of(target: &Target, call: &Call) -> Self {
        let verb = match (&call.method, target.name.is_empty()) {
            (&Method::GET, _) if call.flag("watch") => "watch",
            (&Method::GET, true) => "list",
            (&Method::GET, false) => "get",
            (&Method::POST, _) => "create",
            (&Method::PUT, _) => "update",
            (&Method::PATCH, _) => "patch",
            (_, true) => "deletecollection",
            _ => "delete",
        };
        let resource = match &target.subresource {
            Some(sub) => format!("{}/{sub}", target.kind.resource),
            None => target.kind.resource.to_string(),
        };
        let text = |t: &str| t.to_string();
        let (group, namespace) = (text(target.kind.group), target.namespace.clone());
        // A list or watch that selects one name counts as of that object (apiserver: endpoints/request/requestinfo.go).
        let selected = call.get("fieldSelector").and_then(|fields| fields.strip_prefix("metadata.name="));
        let name = match selected.filter(|name| target.name.is_empty() && !name.contains(',')) {
            Some(name) => name.to_string(),
            None => target.name.clone(),
        };
        Self { verb: verb.into(), group, resource, namespace, name, path: String::new() }
    }

    pub fn path(path: &str) -> Self {
        Self { verb: "get".into(), path: path.into(), ..Self::default() }
    }

    /// Of a SelfSubjectAccessReview.
    fn reviewed(spec: &Value) -> Self {
        let text = |v: &Value, name: &str| v[name].as_str().unwrap_or_default().to_string();
        let of = &spec["resourceAttributes"];
        if of.is_null() {
            let of = &spec["nonResourceAttributes"];
            return Self { verb: text(of, "verb"), path: text(of, "path"), ..Self::default() };
        }
        let resource = match text(of, "subresource").as_str() {
            "" => text(of, "resource"),
            sub => format!("{}/{sub}", text(of, "resource")),
        };
        let [verb, group, namespace, name] = ["verb", "group", "namespace", "name"].map(|n| text(of, n));
        Self { verb, group, resource, namespace, name, path: String::new() }
    }
}

impl Rule {
    fn grants(&self, asked: &Asked) -> bool {
        let has = |list: &str, wanted: &str| {
            let all = self.rule[list].as_array().into_iter().flatten();
            all.filter_map(Value::as_str).any(|v| v == "*" || v == wanted)
        };
        let verb = has("verbs", &asked.verb);
        if !asked.path.is_empty() {
            return verb && has("nonResourceURLs", &asked.path);
        }
        let here = self.namespace.is_empty() || self.namespace == asked.namespace;
        let named = self.rule["resourceNames"].is_null() || has("resourceNames", &asked.name);
        here && verb && named && has("apiGroups", &asked.group) && has("resources", &asked.resource)
    }
}

/// Whether this user may do it. A right that was taken away (verb and resource) is gone for the coordinator.
pub fn allows(world: &World, user: &str, asked: &Asked) -> bool {
    let taken = |verb: &String, resource: &String| {
        *verb == asked.verb && (*resource == asked.resource || *resource == asked.path)
    };
    user != COORDINATOR
        || (RULES.iter().any(|r| r.grants(asked))
            && !world.lock().rights_taken.iter().any(|(v, r)| taken(v, r)))
}

/// `selfsubjectaccessreviews`: every known user may ask about itself.
pub fn review(world: &World, user: &str, call: &Call) -> Reply {
    let mut review = match call.object() {
        Ok(object) => object,
        Err(why) => return status::bad_request(&why),
    };
    let allowed = allows(world, user, &Asked::reviewed(&review["spec"]));
    review["kind"] = json!("SelfSubjectAccessReview");
    review["apiVersion"] = json!("authorization.k8s.io/v1");
    review["metadata"] = json!({"creationTimestamp": null});
    review["status"] = json!({ "allowed": allowed });
    if allowed && user == COORDINATOR {
        let by = format!(
            "RBAC: allowed by ClusterRoleBinding \"{COORDINATOR}\" of ClusterRole \"{COORDINATOR}\" to User \"{COORDINATOR}\""
        );
        review["status"]["reason"] = json!(by);
    }
    status::reply_json(201, &review)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Shape;

    fn asked(verb: &str, group: &str, resource: &str, namespace: &str, name: &str) -> Asked {
        let [verb, group, resource, namespace, name] =
            [verb, group, resource, namespace, name].map(String::from);
        Asked { verb, group, resource, namespace, name, path: String::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn as_deploy_grants_it() {
        let world =
            World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
        let cases = [
            (asked("patch", "", "nodes", "", "dgx031"), true),
            (asked("delete", "", "nodes", "", "dgx031"), false),
            (asked("create", "", "pods/eviction", "runai", "a"), true),
            (asked("get", "", "configmaps", "kube-system", "kubeadm-config"), true),
            (asked("get", "", "configmaps", "kube-system", "other"), false),
            (asked("watch", "", "configmaps", "kube-system", "kubeadm-config"), true),
            (asked("watch", "", "configmaps", "kube-system", ""), false),
            (asked("get", "", "configmaps", "default", "kubeadm-config"), false),
            (asked("list", "run.ai", "projects", "", ""), true),
            (Asked::path("/metrics"), true),
            (Asked::path("/logs"), false),
        ];
        for (asked, want) in cases {
            assert_eq!(allows(&world, COORDINATOR, &asked), want, "{asked:?}");
            assert!(allows(&world, "kubernetes-admin", &asked));
        }
        world.update(|s| s.rights_taken.push(("patch".into(), "nodes".into())));
        assert!(!allows(&world, COORDINATOR, &asked("patch", "", "nodes", "", "dgx031")));
        assert!(allows(&world, COORDINATOR, &asked("get", "", "nodes", "", "dgx031")));
    }
}
