//! The two tables of docs/drain.md.

const PAGE: &str = include_str!("../../../../../docs/drain.md");

/// Cells of the rows below a heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PAGE.split_once(heading).unwrap_or_else(|| panic!("docs/drain.md has no {heading:?}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|l| l.starts_with("| "));
    // The first is the head of the table.
    lines.skip(1).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn row(heading: &str, part: &str) -> Vec<&'static str> {
    let mut found = rows(heading).into_iter().filter(|cells| cells[0].contains(part));
    let row = found.next().unwrap_or_else(|| panic!("{heading:?} of docs/drain.md has no row of {part:?}"));
    assert!(found.next().is_none(), "two rows of {part:?}");
    assert!(row.iter().all(|cell| !cell.is_empty()), "an empty cell: {row:?}");
    row
}

/// What kubectl and podlift do with a kind of pod.
pub fn kind(part: &str) -> (&'static str, &'static str) {
    let row = row("## What becomes of a pod", part);
    (row[1], row[2])
}

/// The first cell of the row of an intended difference.
pub fn difference(part: &str) -> &'static str {
    let row = row("## Intended differences", part);
    assert_eq!(row.len(), 4, "{row:?}");
    row[0]
}
