//! The one-line form: `deb [signed-by=KEYRING] https://HOST/core:/stable:/v1.31/deb/ /`. Pure.

use super::{Place, Unusable, legacy, minor_in, names};

/// Where the minors of the active lines are.
pub fn places(text: &str) -> Result<Vec<Place>, Unusable> {
    let mut places = Vec::new();
    for (offset, line) in active(text) {
        if switched_off(line) {
            return Err(Unusable::Trusted);
        }
        let strange = || Unusable::Strange(line.trim().to_string());
        let at = address(line).ok_or_else(strange)?;
        let (range, minor) = minor_in(&line[at.clone()]).ok_or_else(strange)?;
        let start = offset + at.start;
        places.push((start + range.start..start + range.end, minor));
    }
    Ok(places)
}

/// Only the active lines.
pub fn only(text: &str) -> String {
    active(text).map(|(_, line)| format!("{}\n", line.trim())).collect()
}

/// The first entry of the old repository: `apt.kubernetes.io kubernetes-xenial`.
pub fn legacy(text: &str) -> Option<String> {
    let mut entries = entries(text).filter_map(|(_, line)| Some((&line[address(line)?], suites(line))));
    let (address, suites) = entries.find(|(address, suites)| legacy::names(address, suites))?;
    let host = address.split("://").nth(1).unwrap_or(address).trim_end_matches('/');
    Some(format!("{host} {}", suites.first().copied().unwrap_or_default()).trim_end().to_string())
}

/// The first line that apt can't read: it has an unknown kind of entry, or lacks address or suite.
pub fn broken(text: &str) -> Option<String> {
    let content = text.lines().map(|l| l.split('#').next().unwrap_or_default().trim());
    let bad = |line: &&str| !is_entry(line) || address(&format!("{line}\n")).is_none();
    content.filter(|l| !l.is_empty()).find(bad).map(String::from)
}

fn is_entry(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some("deb" | "deb-src"))
}

/// Suite and components behind the address.
fn suites(line: &str) -> Vec<&str> {
    let behind = address(line).map_or("", |at| &line[at.end..]);
    behind.split('#').next().unwrap_or_default().split_whitespace().collect()
}

/// Lines of the Kubernetes repository that are not commented out, with the offsets of their beginnings.
fn active(text: &str) -> impl Iterator<Item = (usize, &str)> {
    entries(text).filter(|(_, line)| names(line))
}

/// Lines that are entries, with the offsets of their beginnings.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    let lines = text.split_inclusive('\n').map(move |line| {
        let at = offset;
        offset += line.len();
        (at, line)
    });
    lines.filter(|(_, line)| is_entry(line))
}

fn switched_off(line: &str) -> bool {
    let squeezed: String =
        line.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let yes = ["=yes", "=true", "=1", "=on", "=enable"];
    ["trusted", "allow-insecure", "allow-weak"]
        .iter()
        .any(|name| yes.iter().any(|y| squeezed.contains(&format!("{name}{y}"))))
}

/// The address: the first word after the options.
fn address(line: &str) -> Option<std::ops::Range<usize>> {
    let kind = line.find(|c: char| !c.is_whitespace())?;
    let mut at = kind + line[kind..].find(char::is_whitespace)?;
    at += line[at..].find(|c: char| !c.is_whitespace())?;
    if line[at..].starts_with('[') {
        at += line[at..].find(']')? + 1;
        at += line[at..].find(|c: char| !c.is_whitespace())?;
    }
    // A suite must follow.
    let len = line[at..].find(char::is_whitespace)?;
    Some(at..at + len).filter(|_| !line[at + len..].trim().is_empty())
}
