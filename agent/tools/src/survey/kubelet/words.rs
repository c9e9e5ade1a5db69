//! Words of a line in a unit file, with systemd's quotes, escapes and variables (systemd.syntax(7), systemd.service(5) "Command lines").
//! Pure.

use std::collections::BTreeMap;

/// Splits at blanks and removes quotes, also within a word.
pub fn split(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (_, '\\') => word.get_or_insert_default().push_str(&escaped(&mut chars)),
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The character of an escape; an escape that systemd does not know keeps its backslash.
fn escaped(chars: &mut std::str::Chars<'_>) -> String {
    let ahead = chars.as_str();
    let Some(c) = chars.next() else { return "\\".into() };
    let one = match c {
        'n' => '\n',
        't' => '\t',
        's' => ' ',
        '\\' | '"' | '\'' => c,
        'x' => match ahead.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                chars.nth(1);
                char::from(byte)
            }
            None => return "\\x".into(),
        },
        other => return format!("\\{other}"),
    };
    one.to_string()
}

/// A variable, and the file that sets it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variable {
    pub value: String,
    pub origin: String,
}

/// A word, and the file from which it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced {
    pub text: String,
    pub origin: String,
}

/// The words of a command line with its variables expanded: `$NAME` alone is split into words, `${NAME}` stays part of one.
pub fn expand(line: &str, origin: &str, variables: &BTreeMap<String, Variable>) -> Vec<Sourced> {
    let word = |word: String| -> Vec<Sourced> {
        let alone = word.strip_prefix('$').filter(|name| is_name(name));
        match alone {
            Some(name) => {
                let variable = variables.get(name).cloned().unwrap_or_default();
                let sourced = |text| Sourced { text, origin: variable.origin.clone() };
                split(&variable.value).into_iter().map(sourced).collect()
            }
            None => vec![inside(&word, origin, variables)],
        }
    };
    split(line).into_iter().flat_map(word).collect()
}

/// Expands variables inside a word, such as `--v=${LEVEL}`; `$$` is a dollar.
fn inside(word: &str, origin: &str, variables: &BTreeMap<String, Variable>) -> Sourced {
    let (mut text, mut origin, mut rest) = (String::new(), origin.to_string(), word);
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let name = after.strip_prefix('{').and_then(|a| a.split_once('}')).filter(|(name, _)| is_name(name));
        rest = match (after.strip_prefix('$'), name) {
            (Some(after), _) => {
                text.push('$');
                after
            }
            (None, Some((name, after))) => {
                if let Some(variable) = variables.get(name) {
                    text.push_str(&variable.value);
                    origin.clone_from(&variable.origin);
                }
                after
            }
            (None, None) => {
                text.push('$');
                after
            }
        };
    }
    Sourced { text: text + rest, origin }
}

pub fn is_name(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(ok) && text.starts_with(|c: char| !c.is_ascii_digit())
}
