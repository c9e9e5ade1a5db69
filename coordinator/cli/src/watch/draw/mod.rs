//! Draws the screen from the model alone. The screen is readable without colour.

mod fleet;
mod header;
mod lines;
mod overlay;
mod sentinel;
mod steps;
mod style;

use super::model::{Model, Panel};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph};

pub(super) const LEAST_COLUMNS: u16 = 60;
pub(super) const LEAST_ROWS: u16 = 16;
/// Columns from which on panels stand side by side.
const WIDE: u16 = 100;

pub(super) fn draw(frame: &mut Frame, model: &Model) {
    let area = frame.area();
    if area.width < LEAST_COLUMNS || area.height < LEAST_ROWS {
        let text =
            format!("{}x{}: podlift watch needs {LEAST_COLUMNS}x{LEAST_ROWS}", area.width, area.height);
        frame.render_widget(Paragraph::new(text).wrap(ratatui::widgets::Wrap { trim: true }), area);
        return;
    }
    let head = header::lines(model, area.width, area.height);
    let rows =
        Layout::vertical([Constraint::Length(head.len() as u16), Constraint::Min(0), Constraint::Length(1)]);
    let [top, body, bottom] = rows.areas(area);
    frame.render_widget(Paragraph::new(head), top);
    for (panel, area) in panels(model, body) {
        one(frame, model, panel, area);
    }
    frame.render_widget(Paragraph::new(header::footer(model, bottom.width)), bottom);
    overlay::draw(frame, model, area);
}

/// The place of each panel. Fleet and steps take the rows that they need, log and heals the rest.
fn panels(model: &Model, body: Rect) -> [(Panel, Rect); 4] {
    let [fleet, steps, log, heals] = match body.width >= WIDE {
        true => {
            let most = (body.height * 9 / 20).max(6);
            let need = fleet::height(model, body.width / 2).max(steps::height(model));
            let above = need.saturating_add(2).clamp(6, most);
            let [above, below] =
                Layout::vertical([Constraint::Length(above), Constraint::Min(5)]).areas(body);
            let halves = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]);
            let [fleet, steps] = halves.areas(above);
            let parts = Layout::horizontal([Constraint::Percentage(68), Constraint::Percentage(32)]);
            let [log, heals] = parts.areas(below);
            [fleet, steps, log, heals]
        }
        false => {
            let room = body.height;
            let heals = if room >= 16 { 3 } else { 0 };
            Layout::vertical([
                Constraint::Length(
                    fleet::height(model, body.width).saturating_add(2).clamp(3, (room / 3).max(3)),
                ),
                Constraint::Length(steps::height(model).saturating_add(2).clamp(3, (room / 3).max(3))),
                Constraint::Min(3),
                Constraint::Length(heals),
            ])
            .areas(body)
        }
    };
    [(Panel::Fleet, fleet), (Panel::Steps, steps), (Panel::Log, log), (Panel::Heals, heals)]
}

fn one(frame: &mut Frame, model: &Model, panel: Panel, area: Rect) {
    if area.height < 3 {
        return;
    }
    let inner = Rect { width: area.width - 2, height: area.height - 2, ..area };
    let (title, lines): (String, Vec<Line>) = match panel {
        Panel::Fleet => fleet::panel(model, inner),
        Panel::Steps if sentinel::is_shown(model) => sentinel::panel(model, inner),
        Panel::Steps => steps::panel(model, inner),
        Panel::Log => lines::panel(model, Panel::Log, inner),
        Panel::Heals => lines::panel(model, Panel::Heals, inner),
    };
    // A star marks the panel that the arrow keys scroll, without colour too.
    let (mark, style) = match model.focus == panel {
        true => ("*", style::strong()),
        false => ("", ratatui::style::Style::new()),
    };
    let block = Block::bordered().title(Line::styled(format!(" {title}{mark} "), style));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
