//! The site's rules for the workers, as far as they differ from the usual.

use crate::render::duration;
use podlift_engine::program::{
    Day, Group, ImageOrder, Order, PlanOptions, Program, Rollout, Skew, Take, TooLarge, Window,
};
use podlift_model::{agree, count};

pub(super) fn rules(plan: &Program) -> String {
    let lines: Vec<String> = plan.options.batches.iter().flat_map(unusual).chain(of_options(plan)).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("Rules for the workers (site rules):\n  {}\n\n", lines.join("\n  ")),
    }
}

/// Rules of the site that hold for a plan without batches, too.
fn of_options(plan: &Program) -> Vec<String> {
    let PlanOptions { interactive_warning_seconds: seconds, image_order, skew, .. } = &plan.options;
    let mut lines = Vec::new();
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

/// `group h100 (gpu=h100): at most 2 unavailable at once; 1 node goes first, the others 30 m 00 s after it`.
fn group(g: &Group) -> String {
    let limit =
        format!("group {} ({}): at most {} unavailable at once", g.name, g.selector, g.max_unavailable);
    let (first, goes) = (count(g.canary, "node"), agree(g.canary, "goes", "go"));
    let after = agree(g.canary, "it", "them");
    match (g.canary, g.canary_soak_seconds) {
        (0, _) => limit,
        (_, 0) => format!("{limit}; {first} {goes} first, the others after {after}"),
        (_, soak) => {
            format!("{limit}; {first} {goes} first, the others {} after {after}", duration(soak as f64))
        }
    }
}

/// `mon, tue from 22:00 to 06:00 Europe/Berlin`.
fn window(w: &Window) -> String {
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
