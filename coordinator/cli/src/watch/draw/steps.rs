//! The steps that are at work, wait or failed, each with its age and its reason.

use super::super::model::{Model, Panel};
use super::style::{cut, state};
use crate::render::length;
use podlift_engine::machine::{Next, RunState, StepStatus, next};
use podlift_engine::program::StepSpec;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// (state as a node has it, reason).
type Work = (&'static str, String);

/// Lines that would show every step that is at work.
pub(super) fn height(model: &Model) -> u16 {
    let all = model.state.as_ref().map_or(1, |run| at_work(run).len());
    u16::try_from(all.max(1)).unwrap_or(u16::MAX)
}

pub(super) fn panel(model: &Model, area: Rect) -> (String, Vec<Line<'static>>) {
    let Some(run) = &model.state else {
        return ("Steps".into(), vec![Line::raw("no run yet")]);
    };
    let mut now: Vec<(StepSpec, Work)> =
        at_work(run).into_iter().map(|s| (s.clone(), work(model, run, &s))).collect();
    now.sort_by_key(|(step, (state, _))| (*state != "failed", *state != "waiting", step.number));
    now.dedup_by_key(|(step, _)| step.number);
    let all = now.len();
    let height = usize::from(area.height);
    let skip = model.scroll[Panel::Steps as usize].min(all.saturating_sub(height));
    let lines = now.iter().skip(skip).take(height);
    let lines: Vec<Line> = lines.map(|(step, work)| line(model, run, step, work, area.width)).collect();
    let more = all.saturating_sub(skip + height);
    let more = if more > 0 { format!(", {more} more below") } else { String::new() };
    let lines = if lines.is_empty() { vec![Line::raw("nothing is at work")] } else { lines };
    (format!("Steps, {all} at work{more}"), lines)
}

/// What failed, and what is driven now, by the same function that the coordinator asks.
fn at_work(run: &RunState) -> Vec<StepSpec> {
    let failed = run.failed_steps().map(|(step, _)| step.clone());
    let driven = match next(run) {
        Next::Drive(todo) => todo.into_iter().map(|t| t.step).collect(),
        Next::Succeed | Next::Pause(_) | Next::Undo | Next::Rest => vec![],
    };
    failed.chain(driven).collect()
}

fn work(model: &Model, run: &RunState, step: &StepSpec) -> Work {
    match run.steps.get(&step.id).map(|s| &s.status) {
        Some(StepStatus::Failed { reason }) => ("failed", reason.message.clone()),
        Some(StepStatus::Waiting { reason }) => ("waiting", reason.clone()),
        Some(StepStatus::Ended { .. }) => ("working", "op ended, now looking".into()),
        Some(StepStatus::Started { .. }) => ("working", said(model, step)),
        _ => ("working", "looks whether it is done".into()),
    }
}

/// The op's last line, as the status has it.
fn said(model: &Model, step: &StepSpec) -> String {
    let rows = model.status.iter().flat_map(|s| &s.nodes);
    let row = rows.into_iter().find(|r| Some(&r.name) == step.node.as_ref());
    row.and_then(|r| r.reason.clone()).unwrap_or_default()
}

fn line(model: &Model, run: &RunState, step: &StepSpec, (how, why): &Work, width: u16) -> Line<'static> {
    let node = step.node.as_ref().map_or("cluster", |n| n.as_str());
    let began = run.steps.get(&step.id).and_then(|s| s.began);
    let age = began.map(|at| length(model.now.duration_since(at).as_secs_f64().max(0.0)));
    let head = format!("{node:<10} {:<18} ", step.kind.step().verb());
    let state_text = format!("{how:<8}");
    let tail = format!(" {:>9}  {}", age.unwrap_or_default(), why.replace('\n', " "));
    let room = usize::from(width).saturating_sub(head.chars().count() + state_text.len());
    Line::from(vec![
        Span::raw(head),
        Span::styled(state_text, state(how, model.colour)),
        Span::raw(cut(&tail, room)),
    ])
}
