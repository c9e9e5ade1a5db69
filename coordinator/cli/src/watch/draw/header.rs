//! The lines above the panels (the run, its progress, the coordinator) and the footer with the keys.

use super::super::model::{Model, Tone};
use super::style::{cut, of, strong};
use crate::render::duration;
use crate::render::status::course;
use crate::table::indented;
use podlift_client::live::Link;
use podlift_engine::view::{RunSummary, Status};
use ratatui::text::{Line, Span};

pub(super) fn lines(model: &Model, width: u16, height: u16) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let Some(status) = &model.live.status else {
        return vec![Line::raw("podlift watch: waiting for the coordinator")];
    };
    let run = model.live.summary();
    let mut lines = vec![first(model, status, run.as_ref(), width)];
    if let Some(run) = &run {
        lines.push(progress(model, run, width));
    }
    lines.push(coordinator(model, status, width));
    lines.extend(run.iter().flat_map(|run| ahead(model, run, width, usize::from(height / 8))));
    if let Some(reason) = run.as_ref().and_then(|r| r.paused.as_ref()) {
        let care = of(Tone::Care, model.colour);
        let why = reason_lines(&format!("paused: {}", reason.message), width, usize::from(height / 10));
        lines.extend(why.into_iter().map(|l| Line::styled(l, care)));
        lines.push(Line::styled(cut(&format!("next: {}", reason.next), width), strong()));
    }
    lines
}

/// The batch at work, what the run waits for, and its end, in at most `most` lines. On a small screen the batch is left out first.
fn ahead(model: &Model, run: &RunSummary, width: usize, most: usize) -> Vec<Line<'static>> {
    let eta = model.live.status.as_ref().and_then(|status| status.eta.as_ref());
    let all = course::lines(run, eta, model.now);
    let skip = all.len().saturating_sub(most);
    let styled = |line: course::Line| {
        let tone = if line.waits { Tone::Care } else { Tone::Plain };
        Line::styled(cut(&line.text, width), of(tone, model.colour))
    };
    all.into_iter().skip(skip).map(styled).collect()
}

/// The reason of a pause, in as many lines as the screen has room for.
fn reason_lines(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = indented(&text.replace('\n', " "), 0, width);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(cut(&rest, width));
    }
    lines
}

fn first(model: &Model, status: &Status, run: Option<&RunSummary>, width: usize) -> Line<'static> {
    let cluster = Span::styled(status.cluster.to_string(), strong());
    let Some(run) = run else {
        return Line::from(vec![cluster, Span::raw(cut("  no run yet: podlift plan --to VERSION", width))]);
    };
    let tone = match run.status.as_str() {
        "succeeded" => Tone::Good,
        "running" => Tone::Busy,
        "aborted" => Tone::Bad,
        _ => Tone::Care,
    };
    let what =
        format!("  run {}  {}  by {}  ", run.run, crate::render::aim(run.goal, run.from, run.to), run.by);
    let room = width.saturating_sub(status.cluster.as_str().len() + run.status.len());
    Line::from(vec![
        cluster,
        Span::raw(cut(&what, room)),
        Span::styled(run.status.to_uppercase(), of(tone, model.colour).patch(strong())),
    ])
}

/// `[####------] 34/84 steps  12 m 03 s  now: …`; The bar consists of characters, so that it needs no colour.
fn progress(model: &Model, run: &RunSummary, width: usize) -> Line<'static> {
    let bar = (width / 4).clamp(10, 40);
    let done = bar * run.steps_done as usize / (run.steps as usize).max(1);
    let seconds = run.ended.unwrap_or(model.now).duration_since(run.started).as_secs_f64();
    let tail = match &run.phase {
        Some(phase) => format!("  now: {phase}"),
        None => String::new(),
    };
    let text = format!(
        "] {}/{}  {}{tail}",
        run.steps_done,
        podlift_model::count(run.steps, "step"),
        duration(seconds.max(0.0))
    );
    Line::from(vec![
        Span::raw("["),
        Span::styled("#".repeat(done), of(Tone::Good, model.colour)),
        Span::raw("-".repeat(bar - done)),
        Span::raw(cut(&text, width.saturating_sub(bar + 1))),
    ])
}

fn coordinator(model: &Model, status: &Status, width: usize) -> Line<'static> {
    let (text, tone) = match (&model.live.link, &status.read_only) {
        (Link::Down { since, why }, _) => {
            let seconds = model.now.duration_since(*since).as_secs().max(0);
            (format!("NO COORDINATOR for {seconds} s, trying again: {why}"), Tone::Bad)
        }
        (Link::Up, Some(why)) => (format!("READ-ONLY: {why}"), Tone::Care),
        (Link::Up, None) => {
            let epoch = status.epoch.as_ref().map_or("no epoch".into(), |e| format!("epoch {}", e.number));
            (format!("coordinator {} is in command, {epoch}", status.coordinator), Tone::Plain)
        }
    };
    Line::styled(cut(&text, width), of(tone, model.colour))
}

pub(super) fn footer(model: &Model, width: u16) -> Line<'static> {
    match &model.notice {
        Some(line) => Line::styled(cut(&line.text, width.into()), of(line.tone, model.colour)),
        None => Line::raw(cut(
            "p pause  r resume  R retry  a abort  tab panel  ↑↓ scroll  ? help  q quit",
            width.into(),
        )),
    }
}
