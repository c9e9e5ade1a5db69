//! The targets of admission webhooks answer. One that must answer and does not forbids every object that it is about.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, Scene, WebhookSeen};
use crate::program::Severity;
use podlift_model::{agree, count};

pub(super) const CHECK: Check = Check {
    id: "webhooks",
    title: "Admission webhooks answer",
    group: Group::ControlPlane,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations";

fn judge(scene: &Scene) -> Verdict {
    let all = match &scene.webhooks {
        Err(why) => return open(format!("the webhooks can't be seen: {why}"), NEXT),
        Ok(all) => all,
    };
    let silent: Vec<(&WebhookSeen, &String)> =
        all.iter().filter_map(|webhook| Some((webhook, webhook.answers.as_ref()?.as_ref().err()?))).collect();
    let urls = all.iter().filter(|webhook| webhook.answers.is_none()).count();
    let unasked = (urls > 0)
        .then(|| format!("{} with a URL {} not asked", count(urls, "webhook"), agree(urls, "was", "were")));
    if silent.is_empty() {
        return match unasked {
            Some(unasked) if urls == all.len() => open(unasked, NEXT),
            unasked => passed(format!("{} with a target that answers", count(all.len() - urls, "webhook")))
                .and(unasked),
        };
    }
    let must = silent.iter().any(|(webhook, _)| webhook.failure_policy != "Ignore");
    let lines = silent
        .iter()
        .map(|(w, why)| {
            format!("{} {} at {} ({}): {why}", w.configuration, w.webhook, w.target, w.failure_policy)
        })
        .collect();
    failed(lines, NEXT).means(if must { Severity::Blocker } else { Severity::Warning }).and(unasked)
}
