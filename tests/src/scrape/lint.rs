//! Rules of naming and of form; each complaint names the family.

use super::{Families, Family};
use std::collections::BTreeSet;

/// Ids that grow with time or with the fleet have no place in a label.
const GROWING: [&str; 7] = ["run", "op_id", "step_id", "node", "id", "host", "epoch"];
/// Not base units, and what to use instead.
const UNITS: [(&str, &str); 8] = [
    ("_milliseconds", "seconds"),
    ("_ms", "seconds"),
    ("_us", "seconds"),
    ("_minutes", "seconds"),
    ("_hours", "seconds"),
    ("_kb", "bytes"),
    ("_megabytes", "bytes"),
    ("_percent", "ratio"),
];

/// Everything that is wrong; `prefix` is how every name begins.
pub fn lint(page: &str, families: &Families, prefix: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !page.ends_with("# EOF\n") {
        wrong.push("the page does not end with # EOF".to_string());
    }
    for (name, family) in families {
        let complaints = names(name, family, prefix).into_iter().chain(form(name, family));
        wrong.extend(complaints.map(|why| format!("{name}: {why}")));
    }
    wrong
}

fn names(name: &str, family: &Family, prefix: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(prefix) || !name.chars().all(plain) || name.contains("__") {
        wrong.push(format!("expected {prefix} and lower-case words"));
    }
    if name.ends_with("_total")
        || name.ends_with("_count")
        || name.ends_with("_bucket")
        || name.ends_with("_sum")
    {
        wrong.push("the suffix is the format's, not the name's".into());
    }
    if let Some((unit, base)) = UNITS.iter().find(|(unit, _)| name.ends_with(unit)) {
        wrong.push(format!("{unit} is no base unit: use {base}"));
    }
    for unit in ["seconds", "bytes"] {
        if name.ends_with(&format!("_{unit}")) != (family.unit == unit) {
            wrong.push(format!("name and UNIT {:?} differ", family.unit));
        }
    }
    for label in family.labels() {
        if GROWING.contains(&label) || !label.chars().all(plain) {
            wrong.push(format!("label {label}"));
        }
    }
    wrong
}

fn form(name: &str, family: &Family) -> Vec<String> {
    let mut wrong = Vec::new();
    if family.help.len() < 10
        || !family.help.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())
    {
        wrong.push(format!("help {:?} says nothing", family.help));
    }
    let suffixes: &[&str] = match family.kind.as_str() {
        "gauge" => &[""],
        "counter" => &["_total"],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        kind => return vec![format!("type {kind:?}")],
    };
    let mut seen = BTreeSet::new();
    for (sample, labels, value) in &family.samples {
        if !suffixes.iter().any(|s| *sample == format!("{name}{s}")) {
            wrong.push(format!("sample {sample} does not belong to a {}", family.kind));
        }
        if !seen.insert((sample, labels)) {
            wrong.push(format!("{sample}{labels:?} is there twice"));
        }
        if family.kind != "gauge" && (*value < 0.0 || !value.is_finite()) {
            wrong.push(format!("{sample} is {value}"));
        }
    }
    if family.kind == "histogram" {
        wrong.extend(buckets(family));
    }
    wrong
}

/// Every series of buckets grows, and its last one, +Inf, is the count.
fn buckets(family: &Family) -> Vec<String> {
    let mut wrong = Vec::new();
    let of =
        |suffix: &str| family.samples.iter().filter(move |(n, _, _)| n.ends_with(suffix)).collect::<Vec<_>>();
    for (_, labels, count) in of("_count") {
        let mine = |l: &std::collections::BTreeMap<String, String>| {
            let mut l = l.clone();
            l.remove("le");
            l == *labels
        };
        let all = of("_bucket");
        let series: Vec<_> = all.iter().filter(|(_, l, _)| mine(l)).collect();
        let last = series.last().map(|(_, l, v)| (l.get("le").map(String::as_str), *v));
        if last != Some((Some("+Inf"), *count)) || series.windows(2).any(|w| w[0].2 > w[1].2) {
            wrong.push(format!("the buckets of {labels:?} do not grow up to the count"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::parse;

    #[test]
    fn what_is_wrong_is_named() {
        let good = "# HELP p_took_seconds How long it took\n# TYPE p_took_seconds histogram\n# UNIT p_took_seconds seconds\n\
                    p_took_seconds_sum 1.0\np_took_seconds_count 2\np_took_seconds_bucket{le=\"1.0\"} 1\np_took_seconds_bucket{le=\"+Inf\"} 2\n# EOF\n";
        let check = |page: &str| lint(page, &parse(page).unwrap_or_else(|e| panic!("{e}")), "p_").join("\n");
        assert_eq!(check(good), "");
        for (from, to, want) in [
            ("le=\"1.0\"} 1", "le=\"1.0\"} 3", "do not grow"),
            ("+Inf\"} 2", "+Inf\"} 3", "do not grow"),
            ("# EOF\n", "", "does not end"),
            ("How long it took", "time", "says nothing"),
            ("p_took", "q_took", "expected p_"),
            ("_seconds", "_ms", "no base unit"),
            ("# UNIT p_took_seconds seconds\n", "", "UNIT \"\" differ"),
            ("_sum 1.0", "_sum{run=\"x\"} 1.0", "label run"),
            ("_sum 1.0", "_sum -1.0", "is -1"),
            ("_sum 1.0", "_sum 1.0\np_took_seconds_sum 1.0", "is there twice"),
        ] {
            let page = good.replace(from, to);
            assert!(check(&page).contains(want), "{want}: {}", check(&page));
        }
    }
}
