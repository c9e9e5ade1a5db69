//! Edits of a manifest's bytes. An edit changes exactly the lines that it must change and keeps every other byte. Pure. The result is
//! parsed again as the kubelet parses it, and any difference besides the planned one is an error. A manifest whose flags a shell or a
//! wrapper hides is not edited.

mod place;

use super::manifest::{Manifest, ManifestError};
use place::Place;
use podlift_model::FlagSet;
use podlift_model::command::{Form, Opaque};
use serde_json::Value;
use std::ops::Range;

/// One change of a container's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets the value of a flag that occurs exactly once.
    Set { flag: String, value: String },
    /// Inserts a missing flag in sorted order.
    Insert { flag: String, value: String },
    /// Removes one gate from `--feature-gates`, and the flag with its last gate.
    RemoveGate { gate: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    #[error("--{0} is set {1} times, expected once")]
    NotOnce(String, usize),
    #[error("{0:?} does not stand on a line of its own as a plain or simply quoted word")]
    Form(String),
    #[error("no flag stands there that shows where to put another")]
    NoPlace,
    #[error(transparent)]
    Opaque(Opaque),
    #[error("the result would not be a manifest: {0}")]
    Broken(#[from] ManifestError),
    #[error("the result would differ in more than was planned")]
    Unplanned,
}

/// The change of one word.
enum Fate {
    Text(String),
    Gone,
}

/// The planned result of one edit.
struct Planned {
    bytes: Vec<u8>,
    words: Vec<String>,
    flags: FlagSet,
}

/// Applies `edits` to `bytes`, from which `manifest` was parsed. Returns the bytes to write; they equal `bytes` if no edit was needed.
pub fn splice(bytes: &[u8], manifest: &Manifest, edits: &[Edit]) -> Result<Vec<u8>, SpliceError> {
    let mut now: Option<(Vec<u8>, Manifest)> = None;
    for edit in edits {
        let (bytes, manifest) = now.as_ref().map_or((bytes, manifest), |(b, m)| (b.as_slice(), m));
        if let Some(next) = one(bytes, manifest, edit)? {
            now = Some(next);
        }
    }
    Ok(now.map_or_else(|| bytes.to_vec(), |(bytes, _)| bytes))
}

/// Parses the planned bytes and checks that words and flags are the planned ones and that everything else is unchanged.
fn prove(before: &Manifest, planned: &Planned) -> Result<Manifest, SpliceError> {
    let after = Manifest::parse(before.component, &planned.bytes)?;
    let right =
        after.values().eq(planned.words.iter().map(String::as_str)) && *after.flag_set() == planned.flags;
    if right && differ_in_line_only(before, &after) { Ok(after) } else { Err(SpliceError::Unplanned) }
}

/// Whether the manifests are the same except for the command line of the component's container.
pub(crate) fn differ_in_line_only(a: &Manifest, b: &Manifest) -> bool {
    let (spec_a, spec_b) = (&a.json["spec"], &b.json["spec"]);
    let (all_a, all_b) = (containers(spec_a), containers(spec_b));
    let own = all_a.iter().position(|c| c["name"] == a.component.name());
    let same = |at: usize| match own == Some(at) {
        true => same_beside(&all_a[at], &all_b[at], &["command", "args"]),
        false => all_a[at] == all_b[at],
    };
    same_beside(&a.json, &b.json, &["spec"])
        && same_beside(spec_a, spec_b, &["containers"])
        && all_a.len() == all_b.len()
        && (0..all_a.len()).all(same)
}

fn containers(spec: &Value) -> &[Value] {
    spec["containers"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether both mappings are the same except for some keys.
fn same_beside(a: &Value, b: &Value, excepted: &[&str]) -> bool {
    fn rest<'a>(of: &'a Value, excepted: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
        of.as_object().into_iter().flatten().filter(|(key, _)| !excepted.contains(&key.as_str()))
    }
    rest(a, excepted).eq(rest(b, excepted))
}

/// Checked bytes and manifest after one edit; `None` if the edit changes nothing.
fn one(bytes: &[u8], manifest: &Manifest, edit: &Edit) -> Result<Option<(Vec<u8>, Manifest)>, SpliceError> {
    if let Err(opaque) = &manifest.line {
        return Err(SpliceError::Opaque(opaque.clone()));
    }
    let planned = match edit {
        Edit::Set { flag, value } => set(bytes, manifest, flag, value)?,
        Edit::Insert { flag, value } => return insert(bytes, manifest, flag, value).map(Some),
        Edit::RemoveGate { gate } => remove_gate(bytes, manifest, gate)?,
    };
    if planned.bytes == bytes {
        return Ok(None);
    }
    let after = prove(manifest, &planned)?;
    Ok(Some((planned.bytes, after)))
}

/// Sets the value in the form that the flag has in the manifest. A flag without a value gets the value behind `=`.
fn set(bytes: &[u8], manifest: &Manifest, flag: &str, value: &str) -> Result<Planned, SpliceError> {
    let found = manifest.find(flag);
    let [used] = found.as_slice() else { return Err(SpliceError::NotOnce(flag.into(), found.len())) };
    let word = manifest.words[used.word].value.as_str();
    let (index, text) = match used.form {
        Form::Joined => (used.word, format!("{}={value}", word.split('=').next().unwrap_or(word))),
        Form::Separate => (used.last, value.to_string()),
        Form::Bare => (used.word, format!("{word}={value}")),
    };
    let mut flags = manifest.flags();
    flags.0.insert(flag.into(), vec![value.into()]);
    change(bytes, manifest, vec![(index, Fate::Text(text))], flags)
}

fn remove_gate(bytes: &[u8], manifest: &Manifest, gate: &str) -> Result<Planned, SpliceError> {
    const GATES: &str = "feature-gates";
    let (mut fates, mut left) = (Vec::new(), Vec::new());
    for used in manifest.find(GATES) {
        let kept: Vec<&str> = used.value.split(',').filter(|item| gate_name(item) != gate).collect();
        if kept.len() == used.value.split(',').count() {
            left.push(used.value.clone());
            continue;
        }
        if kept.iter().all(|item| item.trim().is_empty()) {
            fates.extend((used.word..=used.last).map(|index| (index, Fate::Gone)));
            continue;
        }
        let kept = kept.join(",");
        let word = manifest.words[used.word].value.split('=').next().unwrap_or_default();
        let text = if used.form == Form::Joined { format!("{word}={kept}") } else { kept.clone() };
        fates.push((used.last, Fate::Text(text)));
        left.push(kept);
    }
    let mut flags = manifest.flags();
    match left.is_empty() {
        true => drop(flags.0.remove(GATES)),
        false => drop(flags.0.insert(GATES.into(), left)),
    }
    change(bytes, manifest, fates, flags)
}

/// The name of a gate: `Name` for `kube:Name=true`.
fn gate_name(item: &str) -> &str {
    item.split('=').next().unwrap_or_default().trim().trim_start_matches("kube:")
}

/// Bytes and words after the changes of some words, given in ascending order of their indices.
fn change(
    bytes: &[u8],
    manifest: &Manifest,
    fates: Vec<(usize, Fate)>,
    flags: FlagSet,
) -> Result<Planned, SpliceError> {
    let mut out = bytes.to_vec();
    let mut words: Vec<String> = manifest.values().map(String::from).collect();
    // From the last to the first, so that the byte ranges of the remaining changes stay valid.
    for (index, fate) in fates.into_iter().rev() {
        let place = Place::of(bytes, &manifest.words[index])?;
        match fate {
            Fate::Text(text) => {
                out.splice(place.token.clone(), place.written(&text)?.into_bytes());
                words[index] = text;
            }
            Fate::Gone => {
                out.drain(gone(bytes, manifest, index, &place)?);
                words.remove(index);
            }
        }
    }
    Ok(Planned { bytes: out, words, flags })
}

/// The bytes to delete with a word: its line, or within brackets everything from the end of the word before it.
fn gone(
    bytes: &[u8],
    manifest: &Manifest,
    index: usize,
    place: &Place<'_>,
) -> Result<Range<usize>, SpliceError> {
    if let Ok(place) = place.own_line() {
        return Ok(place.line.clone());
    }
    let form = || SpliceError::Form(manifest.words[index].value.clone());
    let before = index.checked_sub(1).and_then(|at| manifest.words[at].token.clone()).ok_or_else(form)?;
    let between = bytes.get(before.end..place.token.start).ok_or_else(form)?;
    if between.trim_ascii() == b"," { Ok(before.end..place.token.end) } else { Err(form()) }
}

/// Inserts the flag among the program's own flags, before the first one that sorts behind it, or at the next equivalent place if the form
/// of a neighbour does not allow that. Never in front of the program's word, where words belong to a wrapper.
fn insert(
    bytes: &[u8],
    manifest: &Manifest,
    flag: &str,
    value: &str,
) -> Result<(Vec<u8>, Manifest), SpliceError> {
    let found = manifest.find(flag);
    if !found.is_empty() {
        return Err(SpliceError::NotOnce(flag.into(), found.len()));
    }
    let mut flags = manifest.flags();
    flags.0.insert(flag.into(), vec![value.into()]);
    let (text, mut failed) = (format!("--{flag}={value}"), SpliceError::NoPlace);
    for spot in spots(manifest, &text) {
        let planned = put(bytes, manifest, spot, &text).map(|(bytes, words)| Planned {
            bytes,
            words,
            flags: flags.clone(),
        });
        match planned.and_then(|planned| prove(manifest, &planned).map(|after| (planned.bytes, after))) {
            Ok(done) => return Ok(done),
            // The places within brackets are only tries; the error names the form of the other places.
            Err(error) if !matches!(spot, Spot::Within(_)) => failed = error,
            Err(_) => {}
        }
    }
    Err(failed)
}

/// The word beside which an insert goes, and the side.
#[derive(Clone, Copy)]
enum Spot {
    Before(usize),
    Behind(usize),
    /// Behind the word, within brackets.
    Within(usize),
}

fn spots(manifest: &Manifest, text: &str) -> Vec<Spot> {
    let Ok(line) = &manifest.line else { return Vec::new() };
    let sorts_behind =
        |f: &podlift_model::command::FlagUse| format!("--{}={}", f.name, f.value).as_str() > text;
    let next = line.flags.iter().position(sorts_behind);
    let before = next.map(|at| Spot::Before(line.flags[at].word));
    let previous = next.unwrap_or(line.flags.len()).checked_sub(1).map(|at| line.flags[at].last);
    let behind = previous.into_iter().chain(line.program);
    let lines = before.into_iter().chain(behind.clone().map(Spot::Behind));
    lines.chain(behind.map(Spot::Within)).collect()
}

fn put(
    bytes: &[u8],
    manifest: &Manifest,
    spot: Spot,
    text: &str,
) -> Result<(Vec<u8>, Vec<String>), SpliceError> {
    let (Spot::Before(index) | Spot::Behind(index) | Spot::Within(index)) = spot;
    let place = Place::of(bytes, &manifest.words[index])?;
    let mut out = bytes.to_vec();
    let mut words: Vec<String> = manifest.values().map(String::from).collect();
    if let Spot::Within(_) = spot {
        let end = place.token.end;
        out.splice(end..end, format!(", {}", place.written(text)?).into_bytes());
        words.insert(index + 1, text.into());
        return Ok((out, words));
    }
    let place = place.own_line()?;
    let new = [&bytes[place.line.start..place.token.start], place.written(text)?.as_bytes()].concat();
    match spot {
        Spot::Before(_) => {
            let start = place.line.start;
            out.splice(start..start, [&new, place.eol.as_bytes()].concat());
            words.insert(index, text.into());
        }
        Spot::Behind(_) | Spot::Within(_) => {
            let end = place.content_end;
            out.splice(end..end, [place.eol.as_bytes(), &new].concat());
            words.insert(index + 1, text.into());
        }
    }
    Ok((out, words))
}

#[cfg(test)]
#[path = "splice_tests.rs"]
mod tests;
