//! The rules for the workers, as far as they differ from the usual: those of the site, and those that were typed with the plan.

use super::groups::group;
use crate::render::duration;
use podlift_engine::program::{
    Day, ImageOrder, Order, PlanOptions, Program, Rollout, Skew, Take, TooLarge, Window,
};
use podlift_model::{agree, count};

pub(super) fn rules(plan: &Program) -> String {
    let lines: Vec<String> = plan.options.batches.iter().flat_map(unusual).chain(of_options(plan)).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!(
            "Rules for the workers (site rules, and options of this plan):\n  {}\n\n",
            lines.join("\n  ")
        ),
    }
}

/// Rules that hold for a plan without batches, too.
fn of_options(plan: &Program) -> Vec<String> {
    let PlanOptions { interactive_warning_seconds: seconds, image_order, skew, .. } = &plan.options;
    let mut lines: Vec<String> =
        plan.goal.upgrade().and_then(|_| canary(&plan.options)).into_iter().collect();
    if *seconds > 0 {
        let time = duration(f64::from(*seconds));
        lines.push(format!("interactive workspaces get an Event {time} before their node is drained"));
    }
    if *image_order == ImageOrder::Runbook {
        lines.push("BCM writes software images to workers before their drain, while jobs run there".into());
    }
    if *skew == Skew::Adjacent {
        lines.push("at most two adjacent minors in the cluster at once, as BCM's manual has it".into());
    }
    lines
}

/// The first workers of all, unless it is one without a soak.
fn canary(options: &PlanOptions) -> Option<String> {
    let (number, soak) = (options.canary, f64::from(options.canary_soak_seconds));
    let (goes, after) = (agree(number, "goes", "go"), agree(number, "it", "them"));
    let first = format!("{} {goes} first", count(number, "worker"));
    match (number, options.canary_soak_seconds) {
        (1, 0) => None,
        (0, _) => Some("no worker goes first and alone".into()),
        (_, 0) => Some(format!("{first}, the others after {after}")),
        _ => Some(format!("{first}, the others {} after {after}", duration(soak))),
    }
}

fn unusual(rules: &Rollout) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(
        rules.max_unavailable.map(|limit| format!("at most {limit} of the workers unavailable at once")),
    );
    lines.extend(rules.groups.iter().map(group));
    lines.extend(rules.topology.as_ref().map(|t| match t.take {
        Take::OneDomain => format!("nodes with the same {} together, and no others meanwhile", t.label),
        Take::OneOfEach => format!("never two nodes with the same {} at once", t.label),
    }));
    lines.extend(rules.windows.iter().map(|w| format!("nodes begin {}", window(w))));
    if rules.grow {
        lines.push("batches of 1, 2, 4 and so on, each after the one before has succeeded".into());
    }
    if rules.order == Order::AsPlanned {
        lines.push("nodes in the order of their names, not by the work that is lost".into());
    }
    lines.extend(too_large(rules));
    if rules.never_interrupt_seconds != Rollout::default().never_interrupt_seconds {
        let hours = rules.never_interrupt_seconds as f64 / 3600.0;
        lines.push(format!("jobs that must not be interrupted are waited for, at most {hours:.1} h"));
    }
    if rules.failed_checkpoint != Default::default() {
        lines.push("a node is drained although a job on it could not save its work".into());
    }
    lines
}

/// `mon, tue from 22:00 to 06:00 Europe/Berlin`.
pub(super) fn window(w: &Window) -> String {
    let days: Vec<&str> = w.days.iter().map(day).collect();
    let when = match (&w.date, days.is_empty()) {
        (Some(date), _) => format!("on {date}"),
        (None, true) => "every day".into(),
        (None, false) => days.join(", "),
    };
    format!("{when} from {} to {} {}", w.from, w.to, w.zone)
}

fn day(day: &Day) -> &'static str {
    match day {
        Day::Mon => "mon",
        Day::Tue => "tue",
        Day::Wed => "wed",
        Day::Thu => "thu",
        Day::Fri => "fri",
        Day::Sat => "sat",
        Day::Sun => "sun",
    }
}

fn too_large(rules: &Rollout) -> Option<String> {
    let what = match rules.gangs.too_large {
        TooLarge::Evict => return None,
        TooLarge::Wait => {
            let hours = rules.gangs.wait_seconds as f64 / 3600.0;
            format!("are waited for, at most {hours:.1} h, and then interrupted")
        }
        TooLarge::Skip => "are not interrupted: their nodes are left out".into(),
        TooLarge::Ask => "wait for `podlift approve` when the other nodes are over".into(),
    };
    Some(format!("jobs on more nodes than may be unavailable {what}"))
}
