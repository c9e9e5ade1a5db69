//! The deb822 form: stanzas of `Types:`, `URIs:`, `Suites:`, `Signed-By:`. A disabled stanza is ignored. Pure.

use super::{Place, Unusable, legacy, minor_in, names};
use std::ops::Range;

/// Where the minors of the enabled stanzas are.
pub fn places(text: &str) -> Result<Vec<Place>, Unusable> {
    let mut places = Vec::new();
    for stanza in ours(text) {
        if ["trusted", "allow-insecure", "allow-weak"].iter().any(|f| stanza.says(text, f, true)) {
            return Err(Unusable::Trusted);
        }
        for at in stanza.addresses(text).filter(|at| names(&text[at.clone()])) {
            let address = &text[at.clone()];
            let (range, minor) = minor_in(address).ok_or_else(|| Unusable::Strange(address.to_string()))?;
            places.push((at.start + range.start..at.start + range.end, minor));
        }
    }
    Ok(places)
}

/// Only the enabled stanzas.
pub fn only(text: &str) -> String {
    let whole: Vec<&str> = ours(text).map(|s| text[s.whole].trim_end()).collect();
    whole.join("\n\n") + "\n"
}

/// The first enabled stanza of the old repository: `apt.kubernetes.io kubernetes-xenial`.
pub fn legacy(text: &str) -> Option<String> {
    let enabled = stanzas(text).into_iter().filter(|s| !s.says(text, "enabled", false));
    enabled.into_iter().find_map(|stanza| {
        let suites = stanza.words(text, "suites");
        let address = stanza.addresses(text).map(|at| &text[at]).find(|a| legacy::names(a, &suites))?;
        let host = address.split("://").nth(1).unwrap_or(address).trim_end_matches('/');
        Some(format!("{host} {}", suites.first().copied().unwrap_or_default()).trim_end().to_string())
    })
}

/// The first line of a stanza that apt can't read: it lacks kind, address or suite, or a line is no field.
pub fn broken(text: &str) -> Option<String> {
    let bad = |s: &Stanza| {
        let lacks = ["types", "uris", "suites"].iter().any(|f| s.words(text, f).is_empty());
        !s.says(text, "enabled", false) && (lacks || s.strange)
    };
    let all = stanzas(text);
    let stanza = all.iter().filter(|s| !s.fields.is_empty() || s.strange).find(|s| bad(s))?;
    text[stanza.whole.clone()].lines().find(|l| !l.starts_with('#')).map(|l| l.trim().to_string())
}

fn ours(text: &str) -> impl Iterator<Item = Stanza> {
    let mine = |s: &Stanza| !s.says(text, "enabled", false) && s.addresses(text).any(|at| names(&text[at]));
    stanzas(text).into_iter().filter(mine).collect::<Vec<_>>().into_iter()
}

#[derive(Debug, Default)]
struct Stanza {
    whole: Range<usize>,
    /// Names in lower case with the ranges of their values, continuation lines included.
    fields: Vec<(String, Range<usize>)>,
    /// It has a line that is no field.
    strange: bool,
}

impl Stanza {
    fn value(&self, name: &str) -> Option<Range<usize>> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, at)| at.clone())
    }

    /// Whether a switch exists and has that value.
    fn says(&self, text: &str, name: &str, yes: bool) -> bool {
        let words: &[&str] = if yes {
            &["yes", "true", "1", "on", "with", "enable"]
        } else {
            &["no", "false", "0", "off", "without", "disable"]
        };
        let value = self.value(name).map(|at| text[at].trim().to_ascii_lowercase());
        value.is_some_and(|v| words.contains(&v.as_str()))
    }

    /// The words of a field.
    fn words<'a>(&self, text: &'a str, name: &str) -> Vec<&'a str> {
        let value = self.value(name).map_or("", |at| &text[at]);
        value.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace).collect()
    }

    /// The range of each word of `URIs:`. Comment lines between continuation lines are left out.
    fn addresses<'a>(&self, text: &'a str) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let at = self.value("uris").unwrap_or_default();
        let (start, value) = (at.start, &text[at]);
        let place = move |part: &str| part.as_ptr() as usize - value.as_ptr() as usize + start;
        let lines = value.split_inclusive('\n').filter(|l| !l.starts_with('#'));
        lines.flat_map(str::split_whitespace).map(move |w| place(w)..place(w) + w.len())
    }
}

fn stanzas(text: &str) -> Vec<Stanza> {
    let mut all: Vec<Stanza> = Vec::new();
    let mut open: Option<Stanza> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if line.trim().is_empty() {
            all.extend(open.take());
        } else {
            let stanza = open.get_or_insert_with(|| Stanza { whole: at..end, ..Stanza::default() });
            stanza.whole.end = end;
            take(stanza, line, at);
        }
        at = end;
    }
    all.extend(open);
    all
}

/// Takes a line of a stanza: a field, or the continuation of the last one.
fn take(stanza: &mut Stanza, line: &str, at: usize) {
    let end = at + line.len();
    if line.starts_with([' ', '\t', '#']) {
        if let Some((_, value)) = stanza.fields.last_mut() {
            value.end = end;
        }
    } else if let Some((name, _)) = line.split_once(':') {
        stanza.fields.push((name.trim().to_ascii_lowercase(), at + name.len() + 1..end));
    } else {
        stanza.strange = true;
    }
}
