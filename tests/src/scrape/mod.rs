//! A page of metrics, read as a scraper reads it, and what is wrong with it by Prometheus' and OpenMetrics' rules.

mod lint;

pub use lint::lint;

use std::collections::{BTreeMap, BTreeSet};

/// One family of the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub unit: String,
    /// Name with suffix, labels as they stand, value.
    pub samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Family {
    /// Names of its labels but for a histogram's own.
    pub fn labels(&self) -> BTreeSet<&str> {
        self.samples
            .iter()
            .flat_map(|(_, labels, _)| labels.keys())
            .map(String::as_str)
            .filter(|l| *l != "le")
            .collect()
    }
}

/// Families by name, in the page's own words; counters without `_total`.
pub type Families = BTreeMap<String, Family>;

/// The name by which one asks for a family's values.
pub fn shown(name: &str, kind: &str) -> String {
    match kind {
        "counter" => format!("{name}_total"),
        "info" => format!("{name}_info"),
        _ => name.into(),
    }
}

/// Err: the line that can't be read, and why.
pub fn parse(page: &str) -> Result<Families, String> {
    let mut families = Families::new();
    let mut current = String::new();
    for line in page.lines() {
        let bad = |why: &str| format!("{why}: {line}");
        match line.split_once(' ') {
            _ if line == "# EOF" => {}
            Some(("#", rest)) => {
                let mut words = rest.splitn(3, ' ');
                let (Some(what), Some(name), Some(text)) = (words.next(), words.next(), words.next()) else {
                    return Err(bad("a description of three words"));
                };
                current = name.into();
                let family = families.entry(current.clone()).or_default();
                let field = match what {
                    "HELP" => &mut family.help,
                    "TYPE" => &mut family.kind,
                    "UNIT" => &mut family.unit,
                    _ => return Err(bad("HELP, TYPE or UNIT")),
                };
                if !std::mem::replace(field, text.into()).is_empty() {
                    return Err(bad("described twice"));
                }
            }
            _ => {
                let sample = sample(line).ok_or_else(|| bad("a sample"))?;
                let family = families.get_mut(&current).ok_or_else(|| bad("a description first"))?;
                family.samples.push(sample);
            }
        }
    }
    Ok(families)
}

fn sample(line: &str) -> Option<(String, BTreeMap<String, String>, f64)> {
    let (name, value) = line.rsplit_once(' ')?;
    let (name, labels) = match name.split_once('{') {
        None => (name, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
    };
    let pair = |p: &str| {
        let (name, value) = p.split_once("=\"")?;
        Some((name.to_string(), value.strip_suffix('"')?.to_string()))
    };
    let labels = labels.split("\",").filter(|p| !p.is_empty());
    // What was cut off between two labels is put back.
    let closed = labels.map(|p| if p.ends_with('"') { p.to_string() } else { format!("{p}\"") });
    let labels = closed.map(|p| pair(&p)).collect::<Option<_>>()?;
    Some((name.into(), labels, value.parse().ok()?))
}

/// Both pages as one.
pub fn join(pages: [Families; 2]) -> Families {
    let mut all = Families::new();
    for (name, family) in pages.into_iter().flatten() {
        let kept = all.entry(name).or_insert_with(|| Family { samples: vec![], ..family.clone() });
        kept.samples.extend(family.samples);
    }
    all
}
