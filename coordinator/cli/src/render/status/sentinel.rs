//! What the sentinel sees, in `podlift status`. Nothing while a run is open: the run itself looks then.

use podlift_engine::view::Status;
use std::fmt::Write as _;

/// Rows that are shown.
const SHOWN: usize = 5;

pub(super) fn text(status: &Status) -> String {
    let open = status.run.as_ref().is_some_and(|run| run.ended.is_none());
    let Some(view) = status.sentinel.as_ref().filter(|view| !open && !view.seen.is_empty()) else {
        return String::new();
    };
    let mut out = format!("Sentinel ({}):\n", view.mode);
    for row in view.seen.iter().take(SHOWN) {
        let _ = writeln!(out, "  {}, since {}", row.what, crate::render::timestamp(row.since));
        if !row.next.is_empty() {
            let _ = writeln!(out, "    next: {}", row.next);
        }
    }
    if view.seen.len() > SHOWN {
        let _ = writeln!(out, "  and {} more: podlift watch", view.seen.len() - SHOWN);
    }
    out
}
