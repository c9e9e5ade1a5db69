//! Turns keys into changes of the screen, or into a confirmed command. Pure.

use super::model::{Model, Overlay, Panel, Verb};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key causes outside of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Interrupt,
    Command(Verb),
}

const PAGE: usize = 10;

pub(super) fn press(model: &mut Model, key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return Some(Action::Interrupt);
    }
    match model.overlay.clone() {
        Overlay::Help => {
            model.overlay = Overlay::Nothing;
            None
        }
        Overlay::Confirm { verb, typed } => confirm(model, key.code, verb, typed),
        Overlay::Nothing => plain(model, key.code),
    }
}

fn plain(model: &mut Model, key: KeyCode) -> Option<Action> {
    model.notice = None;
    match key {
        KeyCode::Char('q') => return Some(Action::Quit),
        KeyCode::Char('?') => model.overlay = Overlay::Help,
        KeyCode::Char('p') => confirm_first(model, Verb::Pause),
        KeyCode::Char('r') => confirm_first(model, Verb::Resume),
        KeyCode::Char('R') => confirm_first(model, Verb::Retry),
        KeyCode::Char('a') => confirm_first(model, Verb::Abort),
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

fn confirm_first(model: &mut Model, verb: Verb) {
    model.overlay = Overlay::Confirm { verb, typed: String::new() };
}

fn turn(panel: Panel, by: usize) -> Panel {
    Panel::ALL[(panel as usize + by) % Panel::ALL.len()]
}

/// Log and heals are scrolled back from their end, the other panels down from their top.
fn scroll(model: &mut Model, down: isize) {
    let (from_end, lines) = match model.focus {
        Panel::Log => (true, model.log.len()),
        Panel::Heals => (true, model.heals.len()),
        Panel::Fleet => (false, model.live.status.as_ref().map_or(0, |s| s.nodes.len())),
        Panel::Steps => {
            let seen = model.live.status.as_ref().and_then(|s| s.sentinel.as_ref());
            let steps = model.live.run.as_ref().map_or(0, |s| s.steps.size());
            (false, steps.max(seen.map_or(0, |seen| seen.seen.len())))
        }
    };
    let by = if from_end { down.saturating_neg() } else { down };
    let at = &mut model.scroll[model.focus as usize];
    *at = at.saturating_add_signed(by).min(lines.saturating_sub(1));
}

/// `y` confirms a command. An abort can't be reverted, so it is confirmed by typing the run's short name.
fn confirm(model: &mut Model, key: KeyCode, verb: Verb, mut typed: String) -> Option<Action> {
    if key == KeyCode::Esc {
        model.overlay = Overlay::Nothing;
        return None;
    }
    if verb != Verb::Abort {
        model.overlay = Overlay::Nothing;
        return matches!(key, KeyCode::Char('y' | 'Y')).then_some(Action::Command(verb));
    }
    match key {
        KeyCode::Enter => {
            let confirmed = model.short_name() == Some(typed.trim());
            model.overlay = Overlay::Nothing;
            return confirmed.then_some(Action::Command(verb));
        }
        KeyCode::Backspace => drop(typed.pop()),
        KeyCode::Char(c) if typed.len() < 40 => typed.push(c),
        _ => {}
    }
    model.overlay = Overlay::Confirm { verb, typed };
    None
}
