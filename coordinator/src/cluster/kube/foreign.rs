//! Marks of other programs that cordon and uncordon nodes: kured, NVSentinel, medik8s, and whatever else owns the cordon according to the
//! API. podlift touches none of them; a plan names them, so that two programs don't work on one node.

use podlift_engine::doors::ForeignMark;
use serde_json::Value;

/// Where a mark is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Annotation,
    Label,
    Taint,
}

struct Mark {
    by: &'static str,
    place: Place,
    key: &'static str,
}

const fn mark(by: &'static str, place: Place, key: &'static str) -> Mark {
    Mark { by, place, key }
}

/// Marks of a program that works on the node now. A mark which only says that the program knows the node is not among them.
const MARKS: &[Mark] = &[
    mark("kured", Place::Annotation, "weave.works/kured-reboot-in-progress"),
    mark("NVSentinel", Place::Annotation, "quarantineHealthEvent"),
    mark("NVSentinel", Place::Label, "k8saas.nvidia.com/cordon-by"),
    mark("medik8s", Place::Taint, "medik8s.io/drain"),
    mark("medik8s", Place::Taint, "medik8s.io/remediation"),
    // Run:ai's manual asks administrators to set it before they take a node down.
    mark("Run:ai administrator", Place::Taint, "runai"),
];

/// podlift as a manager of fields.
pub(super) const OURS: &str = "podlift";
/// Managers of a cordon that are tools of people.
const PEOPLE: &str = "kubectl";

/// The marks on a Node object.
pub(super) fn marks(node: &Value) -> Vec<ForeignMark> {
    let marked = MARKS.iter().filter_map(|mark| {
        let value = value(node, mark)?;
        let (place, key) = (format!("{:?}", mark.place).to_lowercase(), mark.key);
        let what = if value.is_empty() { format!("{place} {key}") } else { format!("{place} {key}={value}") };
        Some(ForeignMark { by: mark.by.into(), what })
    });
    marked.chain(of_cordon(node)).collect()
}

fn value(node: &Value, mark: &Mark) -> Option<String> {
    let meta = &node["metadata"];
    let text = match mark.place {
        Place::Annotation => meta["annotations"].get(mark.key)?.as_str()?,
        Place::Label => meta["labels"].get(mark.key)?.as_str()?,
        Place::Taint => {
            let taint = node["spec"]["taints"].as_array()?.iter().find(|taint| taint["key"] == mark.key)?;
            taint["value"].as_str().unwrap_or_default()
        }
    };
    Some(short(text))
}

/// A value in one line of bounded length: NVSentinel keeps whole documents in an annotation.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.into(),
    }
}

/// The program that has set `unschedulable`, by the field's manager; `None` if the node is not cordoned or the API names none.
pub(super) fn cordoned_by(node: &Value) -> Option<String> {
    node["spec"]["unschedulable"].as_bool().filter(|cordoned| *cordoned)?;
    let entries = node["metadata"]["managedFields"].as_array()?;
    let owns = |entry: &&Value| !entry["fieldsV1"]["f:spec"]["f:unschedulable"].is_null();
    let mut managers = entries.iter().filter(owns).filter_map(|entry| entry["manager"].as_str());
    // Several programs may own the field if they wrote the same value.
    let first = managers.next()?;
    let manager = managers.find(|manager| *manager == OURS).unwrap_or(first);
    Some(short(manager))
}

fn of_cordon(node: &Value) -> Option<ForeignMark> {
    let by = cordoned_by(node).filter(|by| by != OURS && !by.starts_with(PEOPLE))?;
    Some(ForeignMark { by, what: "manager of spec.unschedulable".into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(node: &Value) -> Vec<String> {
        marks(node).into_iter().map(|mark| format!("{}: {}", mark.by, mark.what)).collect()
    }

    #[test]
    fn each_program_is_known_by_its_mark() {
        let annotated = |key: &str, value: &str| json!({"metadata": {"annotations": { key: value }}});
        let tainted = |key: &str| json!({"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}});
        let managed = |manager: &str, cordoned: bool| {
            let fields = json!({"f:spec": {"f:unschedulable": {}}});
            let managers = json!([{"manager": "kubelet"}, {"manager": manager, "fieldsV1": fields}]);
            json!({"metadata": {"managedFields": managers}, "spec": {"unschedulable": cordoned}})
        };
        let labels = json!({"k8saas.nvidia.com/cordon-by": "NVSentinel", "rack": "r1"});
        let kured = "weave.works/kured-reboot-in-progress";
        let table = [
            (annotated(kured, "2026"), vec!["kured: annotation weave.works/kured-reboot-in-progress=2026"]),
            (annotated("weave.works/kured-most-recent-reboot-needed", "2026"), vec![]),
            (
                json!({"metadata": {"labels": labels}}),
                vec!["NVSentinel: label k8saas.nvidia.com/cordon-by=NVSentinel"],
            ),
            (tainted("medik8s.io/drain"), vec!["medik8s: taint medik8s.io/drain"]),
            (tainted("nvidia.com/gpu"), vec![]),
            (managed("cmd", true), vec!["cmd: manager of spec.unschedulable"]),
            (managed("cmd", false), vec![]),
            (managed("kubectl-cordon", true), vec![]),
            (json!({}), vec![]),
        ];
        for (node, want) in table {
            assert_eq!(texts(&node), want, "{node}");
        }
    }

    #[test]
    fn a_cordon_has_a_manager_and_ours_comes_first() {
        let cordoned = |managers: &[&str], is: bool| {
            let fields = json!({"f:spec": {"f:unschedulable": {}}});
            let all: Vec<Value> =
                managers.iter().map(|m| json!({"manager": m, "fieldsV1": fields})).collect();
            json!({"metadata": {"managedFields": all}, "spec": {"unschedulable": is}})
        };
        for (managers, is, want) in [
            (&["kubectl-cordon"][..], true, Some("kubectl-cordon")),
            (&["argocd", "podlift"], true, Some("podlift")),
            (&["podlift"], false, None),
            (&[], true, None),
        ] {
            assert_eq!(cordoned_by(&cordoned(managers, is)).as_deref(), want, "{managers:?}");
        }
    }

    #[test]
    fn a_long_value_is_cut_at_a_whole_character() {
        let node = json!({"metadata": {"annotations": {"quarantineHealthEvent": "ä".repeat(500)}}});
        let text = &texts(&node)[0];
        assert!(text.ends_with("ä…") && text.chars().count() < 110, "{text}");
    }
}
