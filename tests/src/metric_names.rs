//! Which metrics an expression of PromQL asks for, and which ones docs/metrics.md describes.

use std::collections::{BTreeMap, BTreeSet};

/// A row of the table in docs/metrics.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub kind: String,
    pub labels: BTreeSet<String>,
    pub help: String,
}

/// Rows of `| `name` | type | labels | help |`, by name.
pub fn table(markdown: &str) -> BTreeMap<String, Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
        let [name, kind, labels, help] = cells.try_into().ok()?;
        let name = name.strip_prefix('`')?.strip_suffix('`')?.to_string();
        let labels = labels.split(", ").filter(|l| !l.is_empty()).map(String::from).collect();
        Some((name, Row { kind: kind.into(), labels, help: help.into() }))
    };
    markdown.lines().filter_map(row).collect()
}

/// One row as the table has it.
pub fn line(name: &str, row: &Row) -> String {
    let labels: Vec<&str> = row.labels.iter().map(String::as_str).collect();
    format!("| `{name}` | {} | {} | {} |", row.kind, labels.join(", "), row.help)
}

/// Words of an expression that name a metric of ours.
pub fn asked(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|w| w.starts_with("podlift_")).map(String::from).collect()
}

/// Whether a name in an expression is a described metric, or a part of a described histogram.
pub fn is_known(name: &str, known: &BTreeMap<String, Row>) -> bool {
    let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|s| name.strip_suffix(s));
    known.contains_key(name) || parts.into_iter().any(|n| known.get(n).is_some_and(|r| r.kind == "histogram"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_out_of_expressions_and_tables() {
        let expression =
            "sum by (le) (rate(podlift_a_seconds_bucket{x=~\"podlift|y\"}[5m])) unless on() podlift_b_total";
        assert_eq!(
            asked(expression).into_iter().collect::<Vec<_>>(),
            ["podlift_a_seconds_bucket", "podlift_b_total"]
        );
        let text = "| Name | Type | Labels | Meaning |\n|---|---|---|---|\n| `podlift_a_seconds` | histogram | y, x | How long |\n";
        let known = table(text);
        assert_eq!(known.len(), 1);
        assert_eq!(
            line("podlift_a_seconds", &known["podlift_a_seconds"]),
            "| `podlift_a_seconds` | histogram | x, y | How long |"
        );
        assert!(is_known("podlift_a_seconds_bucket", &known) && !is_known("podlift_b_total", &known));
    }
}
