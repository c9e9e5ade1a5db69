//! Requests about known issues: a word about an item, issues of a repair, findings for the report, a validation, a restored secret.

use super::read::{self, field};
use crate::cluster::SecretCopy;
use crate::core::{Command, CoordinatorError};
use crate::validate::ValidateAsk;
use podlift_common::wire::WireError;
use podlift_engine::issues::IssueName;
use podlift_engine::program::{GoalName, Item};
use podlift_proto::v1;
use zeroize::Zeroizing;

/// Only a repair is about single issues.
pub(super) fn issues(request: &v1::PlanRequest) -> Result<Vec<IssueName>, WireError> {
    let named = request.issues.iter().map(|name| field::<IssueName>("issues", name));
    let named: Vec<IssueName> = named.collect::<Result<_, _>>()?;
    if !named.is_empty() && read::goal(request.goal)? != GoalName::Repair {
        let why = "given for an upgrade, expected none: an upgrade is about every issue; a repair takes the option --issue";
        return Err(WireError::new("issues", why));
    }
    Ok(named)
}

/// Longest findings of a person.
const NOTE_BYTES: usize = 16 << 10;

pub(super) fn note(request: &v1::CommandRequest) -> Result<Command, WireError> {
    let text = request.reason.trim();
    if !(1..=NOTE_BYTES).contains(&text.len()) {
        let why = format!("{} bytes, expected 1 to {NOTE_BYTES} bytes of text", text.len());
        return Err(WireError::new("reason", why));
    }
    Ok(Command::Note { text: text.into() })
}

/// A refusal without an item would refuse whatever the run waits for, and one without a reason explains nothing in the report.
pub(super) fn approval(request: &v1::CommandRequest) -> Result<Command, WireError> {
    let reason = request.reason.trim();
    match (request.item.as_str(), request.refuse) {
        ("", false) => Ok(Command::Approve),
        ("", true) => {
            Err(WireError::new("item", "empty, expected the item that is refused: podlift status names it"))
        }
        (_, true) if reason.is_empty() => {
            Err(WireError::new("reason", "empty, expected why it is refused: --refuse --reason WHY"))
        }
        (name, refuse) => {
            let refused = refuse.then(|| reason.to_string());
            Ok(Command::Item { item: field::<Item>("item", name)?, refused })
        }
    }
}

pub(super) fn validate(request: &v1::ValidateRequest) -> ValidateAsk {
    ValidateAsk { only: request.only.clone(), without_probes: request.without_probes }
}

/// The object is moved out of the request, so that no other copy of it stays.
pub(super) fn secret(request: v1::RestoreSecretRequest) -> Result<SecretCopy, CoordinatorError> {
    let json = Zeroizing::new(request.object);
    Ok(SecretCopy::sent(&request.namespace, &request.name, json)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use v1::command_request::Verb;

    #[test]
    fn a_word_about_an_item_names_it_and_a_refusal_says_why() {
        let of = |item: &str, refuse: bool, reason: &str| {
            let (item, reason) = (item.into(), reason.into());
            let verb = Verb::Approve as i32;
            read::command(&v1::CommandRequest { verb, item, refuse, reason, ..v1::CommandRequest::default() })
        };
        assert_eq!(of("", false, "").unwrap(), Command::Approve);
        assert_eq!(
            of("tigera-removal", false, "").unwrap(),
            Command::Item { item: Item::TigeraRemoval, refused: None }
        );
        assert_eq!(
            of("runai-restart", true, " a demo runs ").unwrap(),
            Command::Item { item: Item::RunaiRestart, refused: Some("a demo runs".into()) }
        );
        for (item, refuse, want) in
            [("", true, "item"), ("runai-restart", true, "reason"), ("everything", false, "tigera-removal")]
        {
            let error = of(item, refuse, " ").unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn a_note_has_text_and_issues_are_of_repairs() {
        let note = |reason: &str| {
            let verb = Verb::Note as i32;
            read::command(&v1::CommandRequest {
                verb,
                reason: reason.into(),
                ..v1::CommandRequest::default()
            })
        };
        assert_eq!(note(" all well ").unwrap(), Command::Note { text: "all well".into() });
        assert!(note(" ").unwrap_err().to_string().contains("reason"));
        let named = |goal: v1::Goal, to: &str, issue: &str| {
            let (goal, to, issues) = (goal as i32, to.into(), vec![issue.into()]);
            read::plan(&v1::PlanRequest { goal, to, issues, ..v1::PlanRequest::default() })
        };
        let repair = named(v1::Goal::Repair, "", "load-balancers").unwrap();
        assert_eq!(repair.issues, [IssueName::LoadBalancers]);
        assert!(named(v1::Goal::Repair, "", "gone").unwrap_err().to_string().contains("load-balancers"));
        assert!(
            named(v1::Goal::Upgrade, "v1.32.9", "load-balancers")
                .unwrap_err()
                .to_string()
                .contains("--issue")
        );
    }
}
