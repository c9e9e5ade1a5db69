//! The lines of an answer without what is none: events of CMDaemon, which may come between any two lines even with `--hide-events`. Pure.

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LEVELS: [&str; 6] = ["[notice]", "[info]", "[warning]", "[alert]", "[error]", "[debug]"];

/// Lines that are not blank and no events, without blanks at their ends.
pub(super) fn of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty() && !is_event(line))
}

/// `Fri Nov 27 13:00:00 2026 [notice] head-01: Provisioning started: …`, and lines `+(…)` of cmsh itself.
fn is_event(line: &str) -> bool {
    let dated =
        DAYS.iter().any(|day| line.starts_with(day)) && LEVELS.iter().any(|level| line.contains(level));
    dated || line.starts_with("+(")
}

/// The names of a list as cmsh prints it: `node001..node007`, `a, b`, `<none>`.
pub(super) fn names(list: &str) -> Vec<String> {
    let parts = list.split([',', ' ']).map(str::trim).filter(|p| !p.is_empty());
    let none = |part: &&str| matches!(*part, "<none>" | "none" | "-");
    parts.filter(|p| !none(p)).flat_map(range).collect()
}

/// `node001..node003` as its three names; another text as it is.
fn range(text: &str) -> Vec<String> {
    const MOST: u32 = 10_000;
    let numbers = || {
        let (first, last) = text.split_once("..")?;
        let prefix = first.trim_end_matches(|c: char| c.is_ascii_digit());
        let (from, to) = (first.strip_prefix(prefix)?, last.strip_prefix(prefix)?);
        let (a, b): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        let width = from.len();
        (a <= b && b - a < MOST).then(|| (a..=b).map(|n| format!("{prefix}{n:0width$}")).collect())
    };
    numbers().unwrap_or_else(|| vec![text.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_between_the_lines_are_left_out() {
        let text =
            "a\n\nFri Nov 27 13:00:00 2026 [notice] head-01: Provisioning started: sending x\nb  \n+(1) x\n";
        assert_eq!(of(text).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(of("Fridays\n").collect::<Vec<_>>(), ["Fridays"]);
    }

    #[test]
    fn lists_of_nodes() {
        for (list, want) in [
            ("<none>", &[][..]),
            ("", &[]),
            ("none", &[]),
            ("dgx030", &["dgx030"]),
            ("dgx008..dgx010", &["dgx008", "dgx009", "dgx010"]),
            ("a, node9..node10", &["a", "node9", "node10"]),
            ("b..c", &["b..c"]),
            ("n5..n1", &["n5..n1"]),
        ] {
            assert_eq!(names(list), want, "{list}");
        }
    }
}
