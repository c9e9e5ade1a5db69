//! Names resolve in a pod.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, NameAnswer, Scene};
use crate::program::Severity;

pub(super) const CHECK: Check = Check {
    id: "dns",
    title: "Names resolve in a pod",
    group: Group::Network,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide";

fn judge(scene: &Scene) -> Verdict {
    let answers = match &scene.dns {
        Err(why) => return open(format!("no pod could ask: {why}"), NEXT),
        Ok(answers) if answers.is_empty() => return open("nothing was asked", NEXT),
        Ok(answers) => answers,
    };
    let fault = |answer: &NameAnswer| match &answer.addresses {
        Err(why) => Some(format!("{} does not resolve in {}: {why}", answer.name, answer.asked_from)),
        Ok(none) if none.is_empty() => {
            Some(format!("{} has no address in {}", answer.name, answer.asked_from))
        }
        Ok(_) => None,
    };
    let faults: Vec<String> = answers.iter().filter_map(fault).collect();
    let text = |answer: &NameAnswer| {
        let addresses = answer.addresses.as_ref().map(|all| all.join(", ")).unwrap_or_default();
        format!(
            "{} is {addresses} after {} ms, asked from {}",
            answer.name, answer.milliseconds, answer.asked_from
        )
    };
    match faults.is_empty() {
        false => failed(faults, NEXT),
        true => passed(text(&answers[0])).and(answers[1..].iter().map(text)),
    }
}
