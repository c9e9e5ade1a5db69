//! The overlay above the panels: the help, or the question before a command.

use super::super::model::{Model, Overlay, Verb};
use super::style::strong;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

const HELP: [&str; 12] = [
    "p  pause: finish nodes that have begun, begin no other",
    "r  resume a paused run without failed steps",
    "R  retry the failed steps",
    "a  abort: revert cordons and guards; asks for the name",
    "tab      next panel (* marks it)",
    "↑ ↓ PageUp PageDown Home End   scroll",
    "q  quit; the run continues",
    "",
    "Nodes: ! failed  ? waiting  ~ working  - deferred  x lost",
    "       . pending  # upgraded; * behind a name: stale",
    "",
    "any key closes this",
];

pub(super) fn draw(frame: &mut Frame, model: &Model, area: Rect) {
    let (title, lines): (&str, Vec<Line>) = match &model.overlay {
        Overlay::Nothing => return,
        Overlay::Help => ("Help", HELP.iter().map(|l| Line::raw(*l)).collect()),
        Overlay::Confirm { verb, typed } => question(model, *verb, typed),
    };
    let height = (lines.len() as u16 + 2).min(area.height);
    let width = 60.min(area.width);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let block = Block::bordered().title(Line::styled(format!(" {title} "), strong()));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), place);
}

fn question(model: &Model, verb: Verb, typed: &str) -> (&'static str, Vec<Line<'static>>) {
    let yes = "y yes, any other key no";
    let (title, what) = match verb {
        Verb::Pause => ("Pause?", "No other node begins; those that have begun are finished."),
        Verb::Resume => ("Resume?", "The run continues where it paused."),
        Verb::Retry => ("Retry?", "The failed steps are assessed again, and the run continues."),
        Verb::Abort => {
            let Some(name) = model.short_name() else {
                return (
                    "Abort?",
                    vec![Line::raw("There is no run to abort."), Line::raw("Esc closes this")],
                );
            };
            return (
                "Abort?",
                vec![
                    Line::raw("Cordons and guards are reverted; versions stay."),
                    Line::raw(format!("Type {name} and Enter to abort the run; Esc leaves it.")),
                    Line::raw(format!("> {typed}_")),
                ],
            );
        }
    };
    (title, vec![Line::raw(what), Line::raw(yes)])
}
