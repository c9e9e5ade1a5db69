//! The fleet in one line: the number of nodes in each state, as words and as a bar. States that need a person come first.

use anstyle::AnsiColor;
use podlift_engine::view::NodeRow;

/// (state, symbol, colour), in order of attention. The symbols distinguish the states without colour.
pub(crate) const STATES: [(&str, char, Option<AnsiColor>); 8] = [
    ("failed", '!', Some(AnsiColor::Red)),
    ("waiting", '?', Some(AnsiColor::Yellow)),
    ("working", '~', Some(AnsiColor::Cyan)),
    ("deferred", '-', Some(AnsiColor::Yellow)),
    ("lost", 'x', Some(AnsiColor::Yellow)),
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

/// Sorts rows by attention: failed, waiting, working, stale, then the others; by name within each.
pub(crate) fn attention(rows: &mut [&NodeRow]) {
    rows.sort_by_key(|r| (place(&r.state).min(if r.stale { 3 } else { usize::MAX }), &r.name));
}

/// The states that occur, each with its number of nodes.
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
    let mut text = format!("{}: {}", podlift_model::count(rows.len(), "node"), counted(rows));
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

/// (state, number of symbols) in proportion to the nodes, at most `width` symbols in all. Each state that occurs has at least one.
pub(crate) fn bar(rows: &[NodeRow], width: usize) -> Vec<(&'static str, usize)> {
    let (counts, all) = (counts(rows), rows.len());
    let width = width.min(all);
    let mut parts: Vec<(&'static str, usize)> =
        counts.into_iter().map(|(state, n)| (state, (n * width / all.max(1)).max(1))).collect();
    // Rounding may have lost or added a few symbols. The largest part absorbs them.
    let drawn: usize = parts.iter().map(|p| p.1).sum();
    if let Some(largest) = parts.iter_mut().max_by_key(|p| p.1) {
        largest.1 = (largest.1 + width).saturating_sub(drawn).max(1);
    }
    parts
}
