//! The panel of steps that are at work, wait or have failed, each with age and reason.

use super::super::model::{Model, Panel};
use super::sentinel;
use super::style::{cut, state};
use crate::render::{duration, place};
use podlift_client::live::Work;
use podlift_engine::machine::RunState;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Characters for the verb of a step: those of software images have the image's name in it.
const VERB: usize = 34;

/// Lines that are needed to show every such step.
pub(super) fn height(model: &Model) -> u16 {
    if sentinel::is_shown(model) {
        return sentinel::height(model);
    }
    let all = model.live.work().len();
    u16::try_from(all.max(1)).unwrap_or(u16::MAX)
}

pub(super) fn panel(model: &Model, area: Rect) -> (String, Vec<Line<'static>>) {
    let Some(run) = &model.live.run else {
        return ("Steps".into(), vec![Line::raw("no run yet")]);
    };
    let now = model.live.work();
    let all = now.len();
    let height = usize::from(area.height);
    let skip = model.scroll[Panel::Steps as usize].min(all.saturating_sub(height));
    let lines = now.iter().skip(skip).take(height);
    let lines: Vec<Line> = lines.map(|work| line(model, run, work, area.width)).collect();
    let more = all.saturating_sub(skip + height);
    let more = if more > 0 { format!(", {more} more below") } else { String::new() };
    let lines = if lines.is_empty() { vec![Line::raw("nothing is at work")] } else { lines };
    (format!("Steps, {all} at work{more}"), lines)
}

fn line(model: &Model, run: &RunState, work: &Work, width: u16) -> Line<'static> {
    let (step, word) = (&work.step, work.state.word());
    let (node, verb) = place::of(&step.id, place::head(&run.plan));
    let began = run.steps.get(&step.id).and_then(|s| s.began);
    let age = began.map(|at| duration(model.now.duration_since(at).as_secs_f64().max(0.0)));
    let head = format!("{node:<10} {:<18} ", cut(verb, VERB));
    let state_text = format!("{word:<8}");
    let tail = format!(" {:>9}  {}", age.unwrap_or_default(), work.reason.replace('\n', " "));
    let room = usize::from(width).saturating_sub(head.chars().count() + state_text.len());
    Line::from(vec![
        Span::raw(head),
        Span::styled(state_text, state(word, model.colour)),
        Span::raw(cut(&tail, room)),
    ])
}
