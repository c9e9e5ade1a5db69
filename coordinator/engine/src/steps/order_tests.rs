//! docs/order.md: the whole order of an upgrade as one table, made from the steps themselves. `PODLIFT_BLESS=1` writes it again.

use super::{Cx, Touches};
use crate::doors::Probe;
use crate::goals::upgrade::build;
use crate::inventory::NodeRole;
use crate::machine::{Event, RunState, apply};
use crate::program::StepSpec;
use crate::testing::bcm::with_images;
use crate::testing::input;
use jiff::Timestamp;
use podlift_model::RunId;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "# The order of an upgrade

A test makes this table from the steps of a plan for three control-plane nodes and four workers, and keeps it current. The phases follow
each other. Lanes of one phase run side by side up to a number; the steps of a lane follow each other. \"Changes\" names what a step may
change; a step that changes a node or the cluster needs a sealed backup. The way back is the step that gives back what this one takes,
or the op that an abort sends; where there is none, the column says what stays.

| phase | for | step | looks at | changes | way back |
|---|---|---|---|---|---|
";

/// Kebab-case name of an enum's variant, from its Debug form.
fn variant(debug: &str) -> String {
    let name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn looks(probe: &Probe) -> BTreeSet<String> {
    match probe {
        Probe::Node(_, look) => BTreeSet::from([look.verb().to_string()]),
        Probe::Cluster(look) => BTreeSet::from([variant(&format!("{look:?}"))]),
        Probe::Vault(look) => BTreeSet::from([format!("{} of the vault", variant(&format!("{look:?}")))]),
        Probe::All(all) => all.iter().flat_map(looks).collect(),
    }
}

fn row(state: &RunState, title: &str, spec: &StepSpec) -> String {
    let step = spec.kind.step();
    let cx = Cx { state, step: spec, ahead: 0, acted: false };
    let whom = match &spec.node {
        None => "the cluster",
        Some(_) if cx.role() == NodeRole::Worker => "each worker",
        Some(_) => "each control-plane node",
    };
    let changes = match step.touches() {
        Touches::Nothing => "nothing",
        Touches::Backup => "podlift's backups",
        Touches::Cluster => "the node or the cluster",
    };
    let undo = step.undo(&cx).map(|act| variant(&format!("{act:?}"))).map(|act| format!("an op ({act})"));
    let back = step.counterpart().map(|verb| format!("`{verb}`")).or(undo);
    let back = back.or_else(|| step.remains()).unwrap_or_else(|| "-".into());
    let looks = looks(&step.probe(&cx)).into_iter().collect::<Vec<_>>().join(", ");
    format!("| {title} | {whom} | `{}` | {looks} | {changes} | {back} |\n", step.verb())
}

const IMAGES: &str = "
## With software images of BCM

The same for nodes whose disk BCM writes from a software image: only the rows that are not above. Ops of images run at the agent of the
head node. A step with an image's name in its verb exists once for each image.

| phase | for | step | looks at | changes | way back |
|---|---|---|---|---|---|
";

fn table() -> String {
    let mut input = input();
    (input.options.soft_taint, input.options.checkpoints) = (true, true);
    input.options.interactive_warning_seconds = 600;
    let mut known = BTreeSet::new();
    let usual = rows(&input, &mut known);
    with_images(&mut input);
    let imaged = rows(&input, &mut known);
    format!("{HEAD}{usual}{IMAGES}{imaged}")
}

/// The rows of a plan that are not known yet.
fn rows(input: &crate::goals::PlanInput, known: &mut BTreeSet<String>) -> String {
    let event = Event::RunStarted { plan: Box::new(build(input).unwrap()), by: "me".into() };
    let state = apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap();
    let mut text = String::new();
    for phase in &state.plan.phases {
        for spec in phase.lanes.iter().flat_map(|lane| &lane.steps) {
            let row = row(&state, &phase.title, spec);
            if known.insert(row.clone()) {
                write!(text, "{row}").unwrap();
            }
        }
    }
    text
}

#[test]
fn the_order_in_the_documentation_is_the_order_of_the_plan() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/order.md");
    let now = table();
    if std::env::var_os("PODLIFT_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, now, "PODLIFT_BLESS=1 writes docs/order.md anew");
}
