//! A file of `EnvironmentFile=`: shell-like assignments, parsed as systemd parses them (systemd.exec(5)). Pure.

use super::words::is_name;

/// Assignments in order; a line that is no assignment is skipped, as systemd does.
pub fn read(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line = rest.trim_start();
        let end = line.find('\n').unwrap_or(line.len());
        let named = line[..end].split_once('=').filter(|_| !line.starts_with(['#', ';']));
        rest = match named {
            Some((name, _)) => {
                let (value, rest) = value(&line[name.len() + 1..]);
                all.extend(Some((name.trim().to_string(), value)).filter(|(name, _)| is_name(name)));
                rest
            }
            None => &line[end..],
        };
    }
    all
}

/// The value, and the text behind it. Quoted and bare parts may alternate.
fn value(text: &str) -> (String, &str) {
    let (mut value, mut bare) = (String::new(), 0);
    let mut chars = text.trim_start_matches([' ', '\t']).chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => break,
            '\'' | '"' => {
                quoted(c, &mut chars, &mut value);
                bare = value.len();
            }
            '\\' => {
                // A backslash at the end joins the next line.
                value.extend(chars.next().filter(|c| *c != '\n'));
                bare = value.len();
            }
            _ => value.push(c),
        }
    }
    // Trailing blanks count only in quotes.
    let kept = value[bare..].trim_end().len() + bare;
    value.truncate(kept);
    (value, chars.as_str())
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, value: &mut String) {
    while let Some(c) = chars.next() {
        match c {
            _ if c == quote => return,
            '\\' if quote == '"' => match chars.next() {
                Some('\n') | None => {}
                Some(c @ ('"' | '\\' | '`' | '$')) => value.push(c),
                Some(other) => value.extend(['\\', other]),
            },
            _ => value.push(c),
        }
    }
}
