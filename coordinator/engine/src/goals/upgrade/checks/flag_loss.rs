//! Flags that the upgrade would lose. What the run repairs is a prevention and no finding; what it can't repair is a blocker; what is
//! waived is reported again, with the reason.

use super::View;
use crate::analysis::root_cause::Unrepairable;
use crate::kubeadm_config::ConfigRepair;
use crate::program::{FLAG_LOSS, Finding, Severity, Waiver, finding, loss_item, waived_on_all};
use podlift_model::NodeName;
use podlift_model::heal::HealKind;

pub fn check(view: &View) -> Vec<Finding> {
    let lost = view.cause.unrepairable.iter().map(|u| match waiver_of(view, u) {
        Some(w) => waived(view, w, &u.what, "it is lost"),
        None => blocker(view, u),
    });
    let repaired = view.cause.prevented.iter().filter_map(|p| {
        let w = repair_waiver(view, &p.repair)?;
        Some(waived(view, w, &p.what, "without the waiver it is repaired"))
    });
    lost.chain(repaired).collect()
}

fn waiver_of<'a>(view: &View<'a>, lost: &Unrepairable) -> Option<&'a Waiver> {
    let general = view.input.waivers.iter().find(|w| w.check == FLAG_LOSS);
    general.or_else(|| waived_on_all(&view.input.waivers, &lost.nodes, &lost.name))
}

/// The waiver that switches this repair off. An item does so only where it covers every node that would lose the setting.
fn repair_waiver<'a>(view: &View<'a>, repair: &ConfigRepair) -> Option<&'a Waiver> {
    let general = view.input.waivers.iter().find(|w| w.check == FLAG_LOSS);
    general.or_else(|| {
        let (component, name) = match repair {
            ConfigRepair::SetArg { component, name, .. } | ConfigRepair::SetEnv { component, name, .. } => {
                (component.name(), name)
            }
            _ => return None,
        };
        let mine = view.losses.iter().filter(|l| l.component == component && l.name == *name);
        let nodes: Vec<NodeName> = mine.flat_map(|l| l.nodes.clone()).collect();
        waived_on_all(&view.input.waivers, &nodes, name)
    })
}

fn waived(view: &View, w: &Waiver, what: &str, end: &str) -> Finding {
    let evidence = format!("waived by {} ({}): {what}; {end}", w.by, w.reason);
    finding(FLAG_LOSS, Severity::Warning, None, evidence, &view.again())
}

/// Proposes the heal where the manifest on disk is broken, and otherwise the narrowest waiver.
fn blocker(view: &View, lost: &Unrepairable) -> Finding {
    let evidence = match lost.name.is_empty() {
        true => format!("{}: mend it where kubeadm reads it", lost.what),
        false => format!("{}: mend it, or waive it where the loss is meant", lost.what),
    };
    let next = lost.nodes.iter().find_map(|n| broken(view, n)).unwrap_or_else(|| {
        // A loss without a name has no item, and a waiver of all losses is no answer to one.
        if lost.name.is_empty() {
            return "kubectl -n kube-system get cm kubeadm-config -o yaml".into();
        }
        let items = lost.nodes.iter().map(|n| loss_item(n, &lost.name));
        let waive: Vec<String> = items.map(|item| format!("--waive {item}=REASON")).collect();
        format!("{} {}", view.again(), waive.join(" "))
    });
    finding(FLAG_LOSS, Severity::Blocker, None, evidence, &next)
}

/// The command that repairs a manifest of this node which can't start as it is.
fn broken(view: &View, node: &NodeName) -> Option<String> {
    let heal = view.input.inventory.get(node)?.facts.as_ref()?.heal.as_ref()?;
    let found = heal.findings.iter().find(|f| f.kind == HealKind::Rescue && f.report_only.is_none())?;
    Some(format!("podlift heal apply {node} {}", found.file.trim_end_matches(".yaml")))
}
