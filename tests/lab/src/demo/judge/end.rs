//! What must be so at the end of every scenario.

use super::{Case, Finding, finding, left, list};
use crate::world::Audit;
use serde_json::Value;

pub(super) fn findings(case: &Case, audit: &Audit) -> Vec<Finding> {
    let report = &case.story.report;
    let twice = format!("twice: [{}]; never: [{}]", audit.doubled.join("; "), audit.missing.join("; "));
    vec![
        finding("result", report["result"] == "succeeded", format!("the run says {}", report["result"])),
        exit_codes(case),
        nodes(case),
        checks(case),
        finding("audit", audit.ok(), twice),
        left::marks(case),
        remembered(case),
    ]
}

/// Each is what the scenario says, or the story would have ended there.
fn exit_codes(case: &Case) -> Finding {
    let typed = &case.story.typed;
    let all: Vec<String> = typed.iter().map(|t| format!("{} → {}", t.line, t.exit)).collect();
    finding("exit-codes", typed.len() == case.scenario.typed().count(), all.join("; "))
}

/// The coordinator that was killed and the one that was started after it tell the same run.
fn remembered(case: &Case) -> Finding {
    let (before, after) = (&case.story.before, &case.story.after);
    let same = before.run == after.run && !before.run.is_null();
    let whole = before.events.len() > 50 && after.events.starts_with(&before.events);
    let text = format!(
        "{} events before a restart of the coordinator, {} after; run the same: {same}",
        before.events.len(),
        after.events.len()
    );
    finding("restart-remembered", same && whole, text)
}

/// Not what the report says: what is there.
fn nodes(case: &Case) -> Finding {
    let (world, want) = (case.world, &case.scenario.expect);
    let wanted = case.to.to_string();
    let package = wanted.trim_start_matches('v').to_string();
    let snapshot = world.snapshot();
    let out = |name: &String| want.deferred.contains(name) || want.lost.contains(name);
    let here = snapshot.nodes.iter().filter(|(name, _)| !out(name));
    let here: Vec<_> = here.collect();
    let bad: Vec<String> = here
        .iter()
        .filter(|(name, n)| {
            let tagged = n.manifests.values().all(|(_, image, runs)| image.ends_with(&wanted) && *runs);
            let installed = ["kubeadm", "kubelet", "kubectl"]
                .iter()
                .all(|p| n.packages.get(*p).is_some_and(|v| v.starts_with(&package)));
            let control = world.shape.control_planes.contains(name);
            let serves = !control || (n.api_server && n.manifests.len() == 3);
            let cordon = n.unschedulable == want.cordoned.contains(name);
            let quiet = cordon && n.owned.is_empty() && n.held.len() >= 3 && n.stray.is_empty();
            !(n.ready && n.kubelet.as_deref() == Some(&wanted) && tagged && installed && serves && quiet)
        })
        .map(|(name, _)| (*name).clone())
        .collect();
    let text =
        format!("{} of {} nodes are whole at {wanted} {}", here.len() - bad.len(), here.len(), bad.join(" "));
    finding("nodes-at-target", bad.is_empty(), text)
}

/// Lines that a check of the validation proves, of things that only the runbook's cluster has.
const OF_SITE: &[&str] = &["load-balancers", "ingress-tls", "calico"];
/// The lab never has all that a validation looks for.
const VALIDATED: &str = "validated";

/// A line that may be open: what podlift leaves to BCM, what is not part of the plan, and what names a deferred node.
fn may_be_open(case: &Case, line: &Value) -> bool {
    let evidence = line["evidence"].as_str().unwrap_or_default();
    let out = case.scenario.expect.deferred.iter().chain(&case.scenario.expect.lost);
    let deferred = out.into_iter().any(|node| evidence.contains(node));
    let named = case.scenario.expect.open.iter().any(|id| line["id"] == **id);
    let of_site = !case.world.shape.runbook && OF_SITE.iter().any(|id| line["id"] == **id);
    let named = named || of_site || line["id"] == VALIDATED;
    let left = named || line["id"] == "bcm-metadata" || evidence == "not part of this plan";
    line["result"] == "open" && (left || deferred)
}

fn checks(case: &Case) -> Finding {
    let all = list(&case.story.report, "checks");
    let open: Vec<String> = all
        .iter()
        .filter(|c| c["result"] != "passed" && !may_be_open(case, c))
        .map(|c| format!("{} is {}", c["id"], c["result"]))
        .collect();
    let is_open = |id: &&String| all.iter().any(|c| c["id"] == **id && c["result"] == "open");
    let ticked: Vec<&String> = case.scenario.expect.open.iter().filter(|id| !is_open(id)).collect();
    let text = format!(
        "{} checks, not passed: [{}], ticked without evidence: {ticked:?}",
        all.len(),
        open.join("; ")
    );
    finding("sign-off", !all.is_empty() && open.is_empty() && ticked.is_empty(), text)
}
