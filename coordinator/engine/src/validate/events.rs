//! Warning events since the run began, by reason and kind. Those that still come are a failure; what is over belongs to the run.

use super::check::{Check, Verdict, failed, open, passed};
use super::{EventGroup, Group, Scene};
use crate::program::Severity;
use jiff::SignedDuration;
use podlift_model::count;

pub(super) const CHECK: Check = Check {
    id: "events",
    title: "No warnings keep coming",
    group: Group::Workloads,
    severity: Severity::Warning,
    judge,
};

const NEXT: &str = "kubectl get events -A --field-selector type=Warning --sort-by=.lastTimestamp";
/// An event that came within this time is not over.
const LATELY: SignedDuration = SignedDuration::from_mins(2);
/// So many of one group mean that it repeats.
const REPEATS: u32 = 3;

fn judge(scene: &Scene) -> Verdict {
    let groups = match &scene.events {
        Err(why) => return open(format!("the events can't be seen: {why}"), NEXT),
        Ok(groups) => groups,
    };
    let comes = |group: &&EventGroup| group.count >= REPEATS && scene.at.duration_since(group.last) <= LATELY;
    let (now, over): (Vec<&EventGroup>, Vec<&EventGroup>) = groups.iter().partition(comes);
    let over = sorted(over).into_iter().map(line);
    match now.is_empty() {
        true => {
            let all: u32 = groups.iter().map(|group| group.count).sum();
            passed(format!("{} since {}, none of which keeps coming", count(all, "warning"), scene.since))
                .and(over)
        }
        false => failed(sorted(now).into_iter().map(line).collect(), NEXT),
    }
}

fn sorted(mut groups: Vec<&EventGroup>) -> Vec<&EventGroup> {
    groups.sort_by(|a, b| (b.count, &a.reason, &a.kind).cmp(&(a.count, &b.reason, &b.kind)));
    groups
}

fn line(group: &EventGroup) -> String {
    let message: String = group.message.chars().take(160).collect();
    format!(
        "{} of {} {}, the last at {}: {}: {message}",
        group.reason,
        group.kind,
        count(group.count, "time"),
        group.last,
        group.object
    )
}
