//! Keys become moves on the screen, or a command that was confirmed. Pure.

use super::model::{Model, Over, Panel};
use podlift_proto::v1::command_request::Verb;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks of the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Quit,
    Interrupt,
    Command(Verb),
}

const PAGE: usize = 10;

pub(super) fn press(model: &mut Model, key: KeyEvent) -> Option<Ask> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return Some(Ask::Interrupt);
    }
    match model.over.clone() {
        Over::Help => {
            model.over = Over::Nothing;
            None
        }
        Over::Confirm { verb, typed } => confirm(model, key.code, verb, typed),
        Over::Nothing => plain(model, key.code),
    }
}

fn plain(model: &mut Model, key: KeyCode) -> Option<Ask> {
    model.notice = None;
    match key {
        KeyCode::Char('q') => return Some(Ask::Quit),
        KeyCode::Char('?') => model.over = Over::Help,
        KeyCode::Char('p') => ask(model, Verb::Pause),
        KeyCode::Char('r') => ask(model, Verb::Resume),
        KeyCode::Char('R') => ask(model, Verb::Retry),
        KeyCode::Char('a') => ask(model, Verb::Abort),
        KeyCode::Tab => model.focus = turn(model.focus, 1),
        KeyCode::BackTab => model.focus = turn(model.focus, Panel::ALL.len() - 1),
        KeyCode::Up => scroll(model, -1),
        KeyCode::Down => scroll(model, 1),
        KeyCode::PageUp => scroll(model, -(PAGE as isize)),
        KeyCode::PageDown => scroll(model, PAGE as isize),
        KeyCode::Home => scroll(model, isize::MIN / 2),
        KeyCode::End => scroll(model, isize::MAX / 2),
        _ => {}
    }
    None
}

fn ask(model: &mut Model, verb: Verb) {
    model.over = Over::Confirm { verb, typed: String::new() };
}

fn turn(panel: Panel, by: usize) -> Panel {
    Panel::ALL[(panel as usize + by) % Panel::ALL.len()]
}

/// Log and heals stand at their end and are scrolled back; the others stand at their top.
fn scroll(model: &mut Model, down: isize) {
    let (from_end, lines) = match model.focus {
        Panel::Log => (true, model.log.len()),
        Panel::Heals => (true, model.heals.len()),
        Panel::Fleet => (false, model.status.as_ref().map_or(0, |s| s.nodes.len())),
        Panel::Steps => (false, model.state.as_ref().map_or(0, |s| s.steps.size())),
    };
    let by = if from_end { down.saturating_neg() } else { down };
    let at = &mut model.scroll[model.focus as usize];
    *at = at.saturating_add_signed(by).min(lines.saturating_sub(1));
}

/// y for most; an abort, which can't be taken back, wants the run's short name.
fn confirm(model: &mut Model, key: KeyCode, verb: Verb, mut typed: String) -> Option<Ask> {
    if key == KeyCode::Esc {
        model.over = Over::Nothing;
        return None;
    }
    if verb != Verb::Abort {
        model.over = Over::Nothing;
        return matches!(key, KeyCode::Char('y' | 'Y')).then_some(Ask::Command(verb));
    }
    match key {
        KeyCode::Enter => {
            let meant = model.short_name() == Some(typed.trim());
            model.over = Over::Nothing;
            return meant.then_some(Ask::Command(verb));
        }
        KeyCode::Backspace => drop(typed.pop()),
        KeyCode::Char(c) if typed.len() < 40 => typed.push(c),
        _ => {}
    }
    model.over = Over::Confirm { verb, typed };
    None
}
