//! What lies over the panels: help, and the question before a command.

use super::super::model::{Model, Over};
use super::style::strong;
use podlift_proto::v1::command_request::Verb;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

const HELP: [&str; 12] = [
    "p  pause: start nothing new; what runs is finished",
    "r  resume a paused run in which nothing failed",
    "R  retry what failed",
    "a  abort: put back cordons and guards; asks for the name",
    "tab      another panel (* marks it)",
    "↑ ↓ PageUp PageDown Home End   scroll it",
    "q  leave; the run goes on",
    "",
    "Nodes: ! failed  ? waiting  ~ working  - deferred",
    "       . pending  # upgraded; * behind a name: stale",
    "",
    "any key closes this",
];

pub(super) fn draw(frame: &mut Frame, model: &Model, area: Rect) {
    let (title, lines): (&str, Vec<Line>) = match &model.over {
        Over::Nothing => return,
        Over::Help => ("Help", HELP.iter().map(|l| Line::raw(*l)).collect()),
        Over::Confirm { verb, typed } => question(model, *verb, typed),
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
        Verb::Pause => ("Pause?", "Nothing new starts; what runs is finished first."),
        Verb::Resume => ("Resume?", "The run goes on where it paused."),
        Verb::Retry => ("Retry?", "The failed steps are judged again, and the run goes on."),
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
                    Line::raw("Cordons and guards are put back; versions stay."),
                    Line::raw(format!("Type {name} and Enter to abort the run; Esc leaves it.")),
                    Line::raw(format!("> {typed}_")),
                ],
            );
        }
        _ => ("Sure?", ""),
    };
    (title, vec![Line::raw(what), Line::raw(yes)])
}
