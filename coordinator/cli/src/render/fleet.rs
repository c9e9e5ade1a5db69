//! The fleet in a line: how many nodes are in which state, as words and as a bar. The order is what needs a person first.

use anstyle::AnsiColor;
use podlift_engine::view::NodeRow;

/// (state, symbol, colour), what needs attention first. Symbols tell states apart without colour.
pub(crate) const STATES: [(&str, char, Option<AnsiColor>); 7] = [
    ("failed", '!', Some(AnsiColor::Red)),
    ("waiting", '?', Some(AnsiColor::Yellow)),
    ("working", '~', Some(AnsiColor::Cyan)),
    ("deferred", '-', Some(AnsiColor::Yellow)),
    ("pending", '.', None),
    ("upgraded", '#', Some(AnsiColor::Green)),
    ("idle", ':', None),
];

fn place(state: &str) -> usize {
    STATES.iter().position(|(name, _, _)| *name == state).unwrap_or(STATES.len())
}

pub(crate) fn symbol(state: &str) -> char {
    STATES.get(place(state)).map_or('.', |(_, symbol, _)| *symbol)
}

pub(crate) fn colour(state: &str) -> Option<AnsiColor> {
    STATES.get(place(state)).and_then(|(_, _, colour)| *colour)
}

/// Rows that need a person first: failed, waiting, working, then those that are stale; names in order within each.
pub(crate) fn attention(rows: &mut [&NodeRow]) {
    rows.sort_by_key(|r| (place(&r.state).min(if r.stale { 3 } else { usize::MAX }), &r.name));
}

/// States that occur, each with how many nodes are in it.
pub(crate) fn counts<'a>(rows: impl IntoIterator<Item = &'a NodeRow>) -> Vec<(&'static str, usize)> {
    let mut all: Vec<(&'static str, usize)> = STATES.iter().map(|(name, _, _)| (*name, 0)).collect();
    for row in rows {
        if let Some(state) = all.get_mut(place(&row.state)) {
            state.1 += 1;
        }
    }
    all.into_iter().filter(|(_, n)| *n > 0).collect()
}

/// `1 failed, 2 pending`.
pub(crate) fn counted<'a>(rows: impl IntoIterator<Item = &'a NodeRow>) -> String {
    let states = counts(rows).into_iter().map(|(state, n)| format!("{n} {state}"));
    states.collect::<Vec<_>>().join(", ")
}

/// `3 nodes: 1 failed, 2 pending; 1 stale`.
pub(crate) fn sentence(rows: &[NodeRow]) -> String {
    let mut text = format!("{} nodes: {}", rows.len(), counted(rows));
    for (word, n) in [
        ("stale", rows.iter().filter(|r| r.stale && r.connected).count()),
        ("gone", rows.iter().filter(|r| !r.connected).count()),
    ] {
        if n > 0 {
            text = format!("{text}; {n} {word}");
        }
    }
    text
}

/// Symbols in proportion, at most `width` of them; every state that occurs has at least one.
pub(crate) fn bar(rows: &[NodeRow], width: usize) -> Vec<(&'static str, usize)> {
    let (counts, all) = (counts(rows), rows.len());
    let width = width.min(all);
    let mut parts: Vec<(&'static str, usize)> =
        counts.into_iter().map(|(state, n)| (state, (n * width / all.max(1)).max(1))).collect();
    // Rounding left or took a few: the largest part can bear it.
    let drawn: usize = parts.iter().map(|p| p.1).sum();
    if let Some(largest) = parts.iter_mut().max_by_key(|p| p.1) {
        largest.1 = (largest.1 + width).saturating_sub(drawn).max(1);
    }
    parts
}
