//! The panel of the sentinel, in the place of the steps while no run is open.

use super::super::model::{Model, Panel, Tone};
use super::style::{cut, of};
use podlift_engine::program::Severity;
use podlift_engine::view::{SentinelRow, SentinelView};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Whether the sentinel is on and no run is open.
pub(super) fn is_shown(model: &Model) -> bool {
    let open = model.live.summary().is_some_and(|run| run.ended.is_none());
    view(model).is_some() && !open
}

fn view(model: &Model) -> Option<&SentinelView> {
    model.live.status.as_ref()?.sentinel.as_ref()
}

/// Two lines for each row: what is seen, and the next command.
pub(super) fn height(model: &Model) -> u16 {
    let rows = view(model).map_or(0, |view| view.seen.len());
    u16::try_from((2 * rows).max(1)).unwrap_or(u16::MAX)
}

pub(super) fn panel(model: &Model, area: Rect) -> (String, Vec<Line<'static>>) {
    let Some(view) = view(model) else { return ("Sentinel".into(), vec![]) };
    let title = format!("Sentinel ({}), {} seen", view.mode, view.seen.len());
    if view.seen.is_empty() {
        let text = match view.since {
            Some(at) => format!("nothing is seen; it watches since {}", crate::render::timestamp(at)),
            None => "it does not watch now: no run has succeeded yet, or a run is open".into(),
        };
        return (title, vec![Line::raw(text)]);
    }
    let width = usize::from(area.width);
    let skip = model.scroll[Panel::Steps as usize].min(view.seen.len() - 1);
    let rows = view.seen.iter().skip(skip);
    let lines = rows.flat_map(|row| lines(model, row, width)).take(area.height.into());
    (title, lines.collect())
}

fn lines(model: &Model, row: &SentinelRow, width: usize) -> [Line<'static>; 2] {
    let (word, tone) = match row.severity {
        Severity::Blocker => ("broken ", Tone::Bad),
        Severity::Warning => ("warning", Tone::Care),
        Severity::Note => ("note   ", Tone::Plain),
    };
    let what = format!(" {} {}", crate::render::time_of_day(row.since), row.what.replace('\n', " "));
    let room = width.saturating_sub(word.len());
    let head = Line::from(vec![Span::styled(word, of(tone, model.colour)), Span::raw(cut(&what, room))]);
    [head, Line::raw(cut(&format!("        next: {}", row.next), width))]
}
