//! Many node names in a short text: `dgx[030-037,040], runai-01`, as Slurm and pdsh write them.

use podlift_model::NodeName;

/// Consecutive numbers between the same texts.
struct Range<'a> {
    head: &'a str,
    tail: &'a str,
    first: &'a str,
    last: &'a str,
    nodes: usize,
}

impl Range<'_> {
    fn numbers(&self) -> String {
        match self.nodes {
            1 => self.first.into(),
            _ => format!("{}-{}", self.first, self.last),
        }
    }
}

/// All names.
pub(crate) fn folded<'a>(nodes: impl IntoIterator<Item = &'a NodeName>) -> String {
    joined(&ranges(nodes))
}

/// The names in at most `width` characters, and the number of the others: `dgx[030-037] and 12 more`. The first range is always shown.
pub(crate) fn within<'a>(nodes: impl IntoIterator<Item = &'a NodeName>, width: usize) -> String {
    let all = ranges(nodes);
    let text = joined(&all);
    if text.chars().count() <= width {
        return text;
    }
    let shown = |n: usize| {
        let left: usize = all[n..].iter().map(|range| range.nodes).sum();
        format!("{} and {left} more", joined(&all[..n]))
    };
    let fits = (2..all.len()).rev().map(shown).find(|text| text.chars().count() <= width);
    match all.len() {
        0 | 1 => text,
        _ => fits.unwrap_or_else(|| shown(1)),
    }
}

fn ranges<'a>(nodes: impl IntoIterator<Item = &'a NodeName>) -> Vec<Range<'a>> {
    let mut parts: Vec<(&str, &str, &str)> = nodes.into_iter().map(|n| split(n.as_str())).collect();
    parts.sort_by_key(|(head, tail, digits)| (*head, *tail, digits.parse::<u64>().ok(), *digits));
    let mut out: Vec<Range> = Vec::new();
    for (head, tail, digits) in parts {
        match out.last_mut().filter(|r| (r.head, r.tail) == (head, tail) && follows(r.last, digits)) {
            Some(range) => (range.last, range.nodes) = (digits, range.nodes + 1),
            None => out.push(Range { head, tail, first: digits, last: digits, nodes: 1 }),
        }
    }
    out
}

/// The last number of a name, with the texts before and behind it. The number is empty in a name without one.
fn split(name: &str) -> (&str, &str, &str) {
    let Some(end) = name.rfind(|c: char| c.is_ascii_digit()).map(|at| at + 1) else { return (name, "", "") };
    let start = name[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    // A number that is too long to be counted is a part of the name.
    match name[start..end].parse::<u64>() {
        Ok(_) => (&name[..start], &name[end..], &name[start..end]),
        Err(_) => (name, "", ""),
    }
}

/// Whether `next` is the number after `last`, written with as many digits.
fn follows(last: &str, next: &str) -> bool {
    let width = last.len();
    last.parse::<u64>().ok().and_then(|n| n.checked_add(1)).is_some_and(|n| format!("{n:0width$}") == next)
}

fn joined(ranges: &[Range]) -> String {
    let one = |same: &[Range]| {
        let (head, tail) = (same[0].head, same[0].tail);
        let numbers: Vec<String> = same.iter().map(Range::numbers).collect();
        match same {
            [range] if range.nodes == 1 => format!("{head}{}{tail}", range.first),
            _ => format!("{head}[{}]{tail}", numbers.join(",")),
        }
    };
    let names = ranges.chunk_by(|a, b| (a.head, a.tail) == (b.head, b.tail)).map(one);
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<NodeName> {
        text.split_whitespace().map(|n| n.parse().unwrap()).collect()
    }

    #[test]
    fn consecutive_names_are_a_range_and_others_are_not() {
        for (nodes, want) in [
            ("", ""),
            ("dgx030", "dgx030"),
            ("dgx031 dgx030", "dgx[030-031]"),
            ("dgx030 dgx031 dgx032 dgx034", "dgx[030-032,034]"),
            ("dgx098 dgx099 dgx100", "dgx[098-100]"),
            ("node8 node9 node10", "node[8-10]"),
            ("node08 node9", "node[08,9]"),
            ("runai-01 dgx030 dgx031 runai-03", "dgx[030-031], runai-[01,03]"),
            ("gpu1.a.example gpu2.a.example gpu3.b.example", "gpu[1-2].a.example, gpu3.b.example"),
            ("login a99999999999999999999999", "a99999999999999999999999, login"),
        ] {
            assert_eq!(folded(&names(nodes)), want, "{nodes}");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let all = names("dgx030 dgx031 dgx032 dgx040 dgx042 dgx044 runai-01");
        for (width, want) in [
            (80, "dgx[030-032,040,042,044], runai-01"),
            (30, "dgx[030-032,040] and 3 more"),
            (5, "dgx[030-032] and 4 more"),
        ] {
            assert_eq!(within(&all, width), want, "{width}");
        }
        assert_eq!(within(&names("a-very-long-name-of-a-node"), 5), "a-very-long-name-of-a-node");
    }
}
