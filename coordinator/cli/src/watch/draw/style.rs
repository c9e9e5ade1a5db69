//! Styles for tones. Without colour only bold text is used; words and symbols carry the information.

use super::super::model::Tone;
use anstyle::AnsiColor;
use ratatui::style::{Color, Modifier, Style};

pub(super) fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

pub(super) fn of(tone: Tone, colour: bool) -> Style {
    let style = if tone == Tone::Bad { strong() } else { Style::new() };
    let shade = match tone {
        Tone::Plain => return style,
        Tone::Good => Color::Green,
        Tone::Busy => Color::Cyan,
        Tone::Care => Color::Yellow,
        Tone::Bad => Color::Red,
    };
    if colour { style.fg(shade) } else { style }
}

/// The colour that the tables use for a node's state.
pub(super) fn state(state: &str, colour: bool) -> Style {
    let tone = match crate::render::fleet::colour(state) {
        Some(AnsiColor::Red) => Tone::Bad,
        Some(AnsiColor::Yellow) => Tone::Care,
        Some(AnsiColor::Cyan) => Tone::Busy,
        Some(AnsiColor::Green) => Tone::Good,
        _ => Tone::Plain,
    };
    of(tone, colour)
}

/// Cuts text to the width, with an ellipsis at the cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => text.into(),
    }
}
