//! The panels of log and heals, with the newest line at the end.

use super::super::model::{Model, Panel};
use super::style::{cut, of};
use ratatui::layout::Rect;
use ratatui::text::Line;

pub(super) fn panel(model: &Model, panel: Panel, area: Rect) -> (String, Vec<Line<'static>>) {
    let (name, all) = match panel {
        Panel::Heals => ("Heals", &model.heals),
        _ => ("Log", &model.log),
    };
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let back = model.scroll[panel as usize].min(all.len().saturating_sub(height));
    let end = all.len() - back;
    let shown = all.range(end.saturating_sub(height)..end);
    let lines = shown.map(|l| Line::styled(cut(&l.text, width), of(l.tone, model.colour))).collect();
    let title = match (back, all.is_empty()) {
        (_, true) => format!("{name}, none"),
        (0, _) => format!("{name}, {}", all.len()),
        (back, _) => format!("{name}, {back} newer below"),
    };
    (title, lines)
}
