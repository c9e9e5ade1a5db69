//! Edits of a manifest's bytes: exactly the lines that change, every other byte as it was. Pure. The result is read again as the kubelet
//! reads it, and anything but the planned difference is an error: nothing half-understood is ever written, and nothing where a shell or a
//! wrapper hides the flags.

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
    /// The flag's value; the flag must be there once.
    Set { flag: String, value: String },
    /// A flag that is not there, put in its sorted place.
    Insert { flag: String, value: String },
    /// One gate out of `--feature-gates`; the flag goes when no gate is left.
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

/// What becomes of one word.
enum Fate {
    Text(String),
    Gone,
}

/// What one edit comes to.
struct Planned {
    bytes: Vec<u8>,
    words: Vec<String>,
    flags: FlagSet,
}

/// Applies `edits` to `bytes`, of which `manifest` was parsed. Returns what to write; equal to `bytes` when nothing was to be done.
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

/// Read anew, what is to be written has the planned words and flags, and everything else is as it was.
fn prove(before: &Manifest, planned: &Planned) -> Result<Manifest, SpliceError> {
    let after = Manifest::parse(before.component, &planned.bytes)?;
    let right =
        after.values().eq(planned.words.iter().map(String::as_str)) && *after.flag_set() == planned.flags;
    if right && differ_in_line_only(before, &after) { Ok(after) } else { Err(SpliceError::Unplanned) }
}

/// Everything but the command line of the component's container is the same.
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

/// Both mappings are the same, some of their keys excepted.
fn same_beside(a: &Value, b: &Value, excepted: &[&str]) -> bool {
    fn rest<'a>(of: &'a Value, excepted: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
        of.as_object().into_iter().flatten().filter(|(key, _)| !excepted.contains(&key.as_str()))
    }
    rest(a, excepted).eq(rest(b, excepted))
}

/// Bytes and manifest after one edit, proven; None: there was nothing to do.
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

/// In the form that stands there; a flag without its value gets it behind `=`.
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

/// `kube:Name=true` is of the gate `Name`.
fn gate_name(item: &str) -> &str {
    item.split('=').next().unwrap_or_default().trim().trim_start_matches("kube:")
}

/// Bytes and words after the words at some indices, in ascending order, met their fates.
fn change(
    bytes: &[u8],
    manifest: &Manifest,
    fates: Vec<(usize, Fate)>,
    flags: FlagSet,
) -> Result<Planned, SpliceError> {
    let mut out = bytes.to_vec();
    let mut words: Vec<String> = manifest.values().map(String::from).collect();
    // From the end, so that what is still to be done stays where it is.
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

/// What goes with a word: its line, or within brackets all from the end of the word before it.
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

/// Among the program's own flags, before the first that sorts behind it; where a neighbour's form does not allow that, at the next place
/// that means the same. Never in front of the program's word: what stands there is a wrapper's.
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
            // Within brackets it was only tried: the reason is the form of the others.
            Err(error) if !matches!(spot, Spot::Within(_)) => failed = error,
            Err(_) => {}
        }
    }
    Err(failed)
}

/// Beside which word, and on which side of it.
#[derive(Clone, Copy)]
enum Spot {
    Before(usize),
    Behind(usize),
    /// Behind it, within brackets.
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
