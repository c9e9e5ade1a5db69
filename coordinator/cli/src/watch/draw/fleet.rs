//! The fleet panel: counts by state, then one cell for each node. The cells have names where they fit, and symbols otherwise.

use super::super::model::{Model, Panel};
use super::style::{cut, state};
use crate::render::fleet::{STATES, counts, symbol};
use podlift_engine::view::NodeRow;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Lines that are needed to show every node by name.
pub(super) fn height(model: &Model, width: u16) -> u16 {
    let rows: Vec<&NodeRow> = model.live.status.iter().flat_map(|s| &s.nodes).collect();
    let lines = names(model, &rows, usize::from(width).saturating_sub(2)).len() + 1;
    u16::try_from(lines).unwrap_or(u16::MAX)
}

pub(super) fn panel(model: &Model, area: Rect) -> (String, Vec<Line<'static>>) {
    let mut rows: Vec<&NodeRow> = model.live.status.iter().flat_map(|s| &s.nodes).collect();
    let mut lines = vec![legend(model, &rows)];
    // Sorted by name, so that a node keeps its place while its state changes.
    rows.sort_by_key(|r| (r.role, &r.name));
    let (width, height) = (usize::from(area.width), usize::from(area.height).saturating_sub(1));
    let named = names(model, &rows, width);
    let cells = if named.len() <= height { named } else { symbols(model, &rows, width) };
    let skip = model.scroll[Panel::Fleet as usize].min(cells.len().saturating_sub(height));
    let left = cells.len().saturating_sub(skip + height);
    lines.extend(cells.into_iter().skip(skip).take(height));
    let more =
        if left > 0 { format!(", {} below", podlift_model::count(left, "more line")) } else { String::new() };
    (format!("Fleet, {}{more}", podlift_model::count(rows.len(), "node")), lines)
}

fn legend(model: &Model, rows: &[&NodeRow]) -> Line<'static> {
    let mut spans = Vec::new();
    for (name, n) in counts(rows.iter().copied()) {
        spans.push(Span::styled(format!("{} {name} {n}", symbol(name)), state(name, model.colour)));
        spans.push(Span::raw("  "));
    }
    let old = rows.iter().filter(|r| r.stale).count();
    if old > 0 {
        spans.push(Span::styled(format!("* stale {old}"), state(STATES[1].0, model.colour)));
    }
    Line::from(spans)
}

/// Cells such as `!runai-01 v1.31.9`; a star marks stale facts.
fn names(model: &Model, rows: &[&NodeRow], width: usize) -> Vec<Line<'static>> {
    let text = |r: &NodeRow| {
        let version = r.kubelet.map_or(String::new(), |v| format!(" {v}"));
        format!("{}{}{version}{}", symbol(&r.state), r.name, if r.stale { "*" } else { "" })
    };
    let cell = rows.iter().map(|r| text(r).chars().count()).max().unwrap_or(1).min(width) + 2;
    let line = |rows: &[&NodeRow]| {
        let span = |r: &&NodeRow| {
            Span::styled(format!("{:<cell$}", cut(&text(r), width)), state(&r.state, model.colour))
        };
        Line::from(rows.iter().map(span).collect::<Vec<_>>())
    };
    rows.chunks(((width + 2) / cell).max(1)).map(line).collect()
}

fn symbols(model: &Model, rows: &[&NodeRow], width: usize) -> Vec<Line<'static>> {
    let span = |r: &&NodeRow| Span::styled(symbol(&r.state).to_string(), state(&r.state, model.colour));
    rows.chunks(width.max(1)).map(|rows| Line::from(rows.iter().map(span).collect::<Vec<_>>())).collect()
}
