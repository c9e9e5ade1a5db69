//! What changes from one scene to the next. A browser that has the first and gets the delta has the second.

use super::cells::Cell;
use super::ring::Line;
use super::scene::{Head, Scene, Server, Steps, Watched};
use serde::Serialize;
use std::collections::BTreeMap;

/// Parts that are absent are unchanged.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<&'a Head>,
    /// New and changed nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<&'a Cell>,
    /// Nodes that are not there any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<&'a Steps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<&'a Vec<Server>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<&'a Vec<Watched>>,
    /// Lines of the journal behind those that were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
}

impl<'a> Delta<'a> {
    pub fn between(before: &'a Scene, now: &'a Scene, lines: Vec<Line>) -> Self {
        let known: BTreeMap<&str, &Cell> =
            before.cells.iter().map(|cell| (cell.name.as_str(), cell)).collect();
        let there: BTreeMap<&str, &Cell> = now.cells.iter().map(|cell| (cell.name.as_str(), cell)).collect();
        let changed = |cell: &&Cell| known.get(cell.name.as_str()) != Some(cell);
        Self {
            head: (before.head != now.head).then_some(&now.head),
            cells: now.cells.iter().filter(changed).collect(),
            gone: known.keys().filter(|name| !there.contains_key(*name)).copied().collect(),
            steps: (before.steps != now.steps).then_some(&now.steps),
            api: (before.api != now.api).then_some(&now.api),
            sentinel: (before.sentinel != now.sentinel).then_some(&now.sentinel),
            lines,
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::tests::scene_of;

    #[test]
    fn only_what_changed_is_sent() {
        let before = scene_of(2000);
        assert!(Delta::between(&before, &before, vec![]).is_empty());
        let mut now = before.clone();
        now.cells[7].state = "working".into();
        let joined = Cell { name: "dgx9999".into(), ..now.cells[0].clone() };
        let gone = std::mem::replace(&mut now.cells[11], joined).name;
        let delta = Delta::between(&before, &now, vec![]);
        let names: Vec<&str> = delta.cells.iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names, [before.cells[7].name.as_str(), "dgx9999"]);
        assert_eq!(delta.gone, [gone.as_str()]);
        assert!(delta.head.is_none() && delta.steps.is_none() && delta.api.is_none());
        let text = serde_json::to_string(&delta).unwrap();
        assert!(text.len() < 500 && !text.contains("\"api\""), "{text}");
    }
}
