//! The request that a program answers, whatever its goal.

use super::PlanError;
use crate::inventory::Inventory;
use crate::issues::IssueName;
use crate::program::{Goal, GoalName, PlanOptions, Program, Waiver};
use podlift_model::{KubeVersion, NodeName};

/// The goal that is requested, with what only this goal needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Upgrade { to: KubeVersion },
    Repair,
}

impl Wanted {
    pub fn name(&self) -> GoalName {
        match self {
            Wanted::Upgrade { .. } => GoalName::Upgrade,
            Wanted::Repair => GoalName::Repair,
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wanted::Upgrade { to } => write!(f, "upgrade to {to}"),
            Wanted::Repair => f.write_str("repair"),
        }
    }
}

/// The whole request that a plan answers; nothing of it depends on a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub goal: Wanted,
    /// The nodes to work on; empty for all.
    pub nodes: Vec<NodeName>,
    pub options: PlanOptions,
    /// The caller passes the waivers again at each request, so `by` names the caller.
    pub waivers: Vec<Waiver>,
    /// Only the nodes that earlier runs have deferred, as far as their time has come.
    pub resume_deferred: bool,
    /// The issues that a repair is about; empty for all. An upgrade has none.
    pub issues: Vec<IssueName>,
}

impl Ask {
    /// The same request again. It gives a program with the same hash while the facts are the same.
    pub fn again(program: &Program) -> Self {
        let goal = match &program.goal {
            Goal::Upgrade(upgrade) => Wanted::Upgrade { to: upgrade.to },
            Goal::Repair(_) => Wanted::Repair,
        };
        Ask {
            goal,
            nodes: program.nodes.clone(),
            options: program.options.clone(),
            waivers: program.waivers.clone(),
            // The nodes are in the program by name.
            resume_deferred: false,
            issues: match &program.goal {
                Goal::Repair(repair) => repair.issues.clone(),
                Goal::Upgrade(_) => vec![],
            },
        }
    }

    /// The version after the run: for a repair, the version that runs.
    pub fn version(&self, inventory: &Inventory) -> Result<KubeVersion, PlanError> {
        match self.goal {
            Wanted::Upgrade { to } => Ok(to),
            Wanted::Repair => inventory.version().ok_or(PlanError::NoVersion),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::build;
    use crate::program::{ContractError, SCHEMA, differences};
    use crate::testing::{input, name};

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let plan = build(&input()).unwrap();
        let text = plan.to_json();
        assert_eq!(Program::from_json(&text), Ok(plan.clone()));
        let indented: serde_json::Value = serde_json::from_str(&text).unwrap();
        let indented = serde_json::to_string_pretty(&indented).unwrap();
        assert_eq!(Program::from_json(&indented), Ok(plan.clone()));
        let changed = text.replacen("1.32.9-1.1", "1.32.8-1.1", 1);
        assert_ne!(changed, text);
        assert!(matches!(Program::from_json(&changed), Err(ContractError::Altered { .. })));
        let other = text.replace(SCHEMA, "podlift.plan/v9");
        assert_eq!(Program::from_json(&other), Err(ContractError::OtherSchema("podlift.plan/v9".into())));
        assert!(matches!(Program::from_json("{}"), Err(ContractError::NotAPlan(_))));
    }

    /// Every field that has a text, a number or a switch, one after another.
    fn edited(value: &serde_json::Value, path: &str, out: &mut Vec<(String, serde_json::Value)>) {
        use serde_json::Value as V;
        match value {
            V::Object(map) => {
                for (key, inner) in map.iter().filter(|(key, _)| *key != "digest") {
                    let mut inner_edits = vec![];
                    edited(inner, &format!("{path}/{key}"), &mut inner_edits);
                    for (name, new) in inner_edits {
                        let mut map = map.clone();
                        map.insert(key.clone(), new);
                        out.push((name, V::Object(map)));
                    }
                }
            }
            V::Array(list) => {
                if let Some(first) = list.first() {
                    let mut inner_edits = vec![];
                    edited(first, &format!("{path}/0"), &mut inner_edits);
                    for (name, new) in inner_edits {
                        let mut list = list.clone();
                        list[0] = new;
                        out.push((name, V::Array(list)));
                    }
                }
            }
            V::String(text) => out.push((path.into(), V::String(format!("{text}x")))),
            V::Number(n) => out.push((path.into(), (n.as_u64().unwrap_or(0) + 1).into())),
            V::Bool(on) => out.push((path.into(), V::Bool(!on))),
            V::Null => {}
        }
    }

    #[test]
    fn an_edit_of_any_field_is_refused() {
        let mut i = input();
        i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
        let text = build(&i).unwrap().to_json();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut edits = vec![];
        edited(&document, "", &mut edits);
        assert!(edits.len() > 100, "{}", edits.len());
        for (path, edit) in edits {
            let text = serde_json::to_string(&edit).unwrap();
            assert!(Program::from_json(&text).is_err(), "an edit of {path} is accepted");
        }
        let without = document.as_object().unwrap().iter().filter(|(key, _)| *key != "digest");
        let without: serde_json::Map<_, _> = without.map(|(k, v)| (k.clone(), v.clone())).collect();
        assert_eq!(
            Program::from_json(&serde_json::to_string(&without).unwrap()),
            Err(ContractError::NoDigest)
        );
    }

    #[test]
    fn asked_again_it_is_the_same_plan_whoever_asks_and_however_often_a_person_is_asked() {
        let mut i = input();
        i.nodes = vec![name("dgx030"), name("runai-01")];
        i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
        i.options.max_unavailable = 3;
        let plan = build(&i).unwrap();
        let ask = Ask::again(&plan);
        let mut again = input();
        (again.nodes, again.options, again.waivers) = (ask.nodes, ask.options, ask.waivers);
        again.options.approve = crate::program::Approve::Batch;
        again.waivers[0].by = "bob".into();
        assert_eq!(build(&again).unwrap().hash, plan.hash);
        again.options.max_unavailable = 2;
        let other = build(&again).unwrap();
        assert_ne!(other.hash, plan.hash);
        assert_eq!(differences(&plan, &other), ["options"]);
    }

    #[test]
    fn configuration_that_changed_is_named() {
        let before = build(&input()).unwrap();
        let mut i = input();
        i.cluster_survey.as_mut().unwrap().kubelet_config = Ok("maxPods: 1\n".into());
        let survey = i.surveys.get_mut(&name("dgx030")).unwrap().as_mut().unwrap();
        survey.kubelet.as_mut().unwrap().config["maxPods"] = 7.into();
        // A plan does not depend on what changes all the time.
        i.cluster_survey.as_mut().unwrap().pods = Ok(vec![]);
        let now = build(&i).unwrap();
        assert_eq!(differences(&before, &now), ["configuration of dgx030", "kubelet-config"]);
    }
}
