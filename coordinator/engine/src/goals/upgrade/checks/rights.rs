//! The coordinator has every right in the API that a run needs. A right that is missing would end the run in its middle. Without one that is
//! only useful the run knows less, and that is a note.

use super::View;
use crate::program::{Finding, Severity, finding};
use crate::survey::MissingRight;

pub const ID: &str = "rights";
/// Where the package installs the manifest with every right.
const MANIFEST: &str = "/usr/share/doc/podlift/rbac.yaml";
/// The coordinator's user in that manifest.
const USER: &str = "podlift-coordinator";

pub fn check(view: &View) -> Vec<Finding> {
    match view.cluster().map(|c| &c.rights) {
        None => vec![],
        Some(Ok(missing)) => missing.iter().map(denied).collect(),
        Some(Err(why)) => {
            let evidence =
                format!("whether the coordinator has the rights that a run needs is not known: {why}");
            let next = format!("kubectl auth can-i --list --as {USER}");
            vec![finding(ID, Severity::Blocker, None, evidence, &next)]
        }
    }
}

fn denied(right: &MissingRight) -> Finding {
    let place = right.namespace.as_ref().map_or(String::new(), |n| format!(" in {n}"));
    let (severity, is) = match right.useful {
        true => (Severity::Note, "useful"),
        false => (Severity::Blocker, "needed"),
    };
    let evidence = format!(
        "the coordinator may not {} {}{place}, which is {is} for: {}; `{}` asks again",
        right.verb,
        object(right),
        right.needed_for,
        question(right)
    );
    // The site may have taken other rights of the manifest away on purpose, and goes on without this one.
    let part = if right.useful { " -l podlift.io/part=coordinator" } else { "" };
    finding(ID, severity, None, evidence, &format!("kubectl apply -f {MANIFEST}{part}"))
}

/// What the right is about: a path, a resource with its group, one object.
fn object(right: &MissingRight) -> String {
    if let Some(path) = &right.path {
        return path.clone();
    }
    let group = if right.group.is_empty() { String::new() } else { format!(".{}", right.group) };
    let name = right.name.as_ref().map_or(String::new(), |name| format!("/{name}"));
    format!("{}{group}{name}", right.resource)
}

/// The command by which a person with more rights asks for this one. `*` is quoted for the shell.
fn question(right: &MissingRight) -> String {
    let quoted = |text: String| if text.contains('*') { format!("'{text}'") } else { text };
    let place = match (&right.path, &right.namespace) {
        (Some(_), _) => String::new(),
        (None, Some(namespace)) => format!(" -n {namespace}"),
        (None, None) => " --all-namespaces".into(),
    };
    let what = match right.resource.split_once('/') {
        None => quoted(object(right)),
        Some((of, part)) => {
            let parent = MissingRight { resource: of.into(), ..right.clone() };
            format!("{} --subresource {part}", quoted(object(&parent)))
        }
    };
    format!("kubectl auth can-i {} {what}{place} --as {USER}", right.verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(resource: &str, name: Option<&str>, path: Option<&str>) -> MissingRight {
        MissingRight {
            verb: "get".into(),
            group: String::new(),
            resource: resource.into(),
            namespace: name.map(|_| "kube-system".into()),
            name: name.map(String::from),
            path: path.map(String::from),
            needed_for: "x".into(),
            useful: false,
        }
    }

    #[test]
    fn a_right_that_is_only_useful_is_a_note() {
        for (useful, severity, text) in [
            (false, Severity::Blocker, "which is needed for: x"),
            (true, Severity::Note, "which is useful for: x"),
        ] {
            let found = denied(&MissingRight { useful, ..right("workloads", None, None) });
            assert_eq!(found.next.ends_with(" -l podlift.io/part=coordinator"), useful, "{found:?}");
            assert!(found.severity == severity && found.evidence.contains(text), "{found:?}");
        }
    }

    #[test]
    fn the_question_can_be_typed_as_it_is() {
        let group = MissingRight { group: "run.ai".into(), ..right("*", None, None) };
        for (right, expected) in [
            (
                right("pods", None, None),
                "kubectl auth can-i get pods --all-namespaces --as podlift-coordinator",
            ),
            (
                right("pods/eviction", None, None),
                "kubectl auth can-i get pods --subresource eviction --all-namespaces --as podlift-coordinator",
            ),
            (
                right("configmaps", Some("kubeadm-config"), None),
                "kubectl auth can-i get configmaps/kubeadm-config -n kube-system --as podlift-coordinator",
            ),
            (right("", None, Some("/readyz")), "kubectl auth can-i get /readyz --as podlift-coordinator"),
            (group, "kubectl auth can-i get '*.run.ai' --all-namespaces --as podlift-coordinator"),
        ] {
            assert_eq!(question(&right), expected);
            assert_eq!(denied(&right).next, "kubectl apply -f /usr/share/doc/podlift/rbac.yaml");
        }
    }
}
