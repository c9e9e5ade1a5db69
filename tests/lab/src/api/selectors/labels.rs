//! The whole syntax of label selectors: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`.

use serde_json::Value;

#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    key: String,
    test: Test,
}

#[derive(Debug, PartialEq, Eq)]
enum Test {
    Exists(bool),
    In(bool, Vec<String>),
    More(i64),
    Less(i64),
}

impl Term {
    pub fn holds(&self, labels: &Value) -> bool {
        let value = labels[&self.key].as_str();
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.test {
            Test::Exists(yes) => value.is_some() == *yes,
            Test::In(yes, all) => value.is_some_and(|v| all.iter().any(|a| a == v)) == *yes,
            Test::More(than) => number().is_some_and(|n| n > *than),
            Test::Less(than) => number().is_some_and(|n| n < *than),
        }
    }
}

pub fn parse(text: &str) -> Result<Vec<Term>, String> {
    split(text).iter().map(|t| term(t)).collect()
}

/// At commas that are not in parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all.retain(|t| !t.trim().is_empty());
    all
}

fn term(text: &str) -> Result<Term, String> {
    let text = text.trim();
    for (word, yes) in [(" notin ", false), (" in ", true), (" notin(", false), (" in(", true)] {
        if let Some((key, list)) = text.split_once(word) {
            let list = list.trim().trim_start_matches('(');
            let list = list
                .strip_suffix(')')
                .ok_or_else(|| format!("found '', expected: ',' or ')' in {text:?}"))?;
            return made(key, Test::In(yes, list.split(',').map(|v| v.trim().to_string()).collect()));
        }
    }
    for (word, yes) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = text.split_once(word) {
            return made(key, Test::In(yes, vec![value.trim().into()]));
        }
    }
    let number = |v: &str| {
        v.trim()
            .parse()
            .map_err(|_| format!("{:?}: for 'Gt', 'Lt' operators, the value must be an integer", v.trim()))
    };
    if let Some((key, value)) = text.split_once('>') {
        return made(key, Test::More(number(value)?));
    }
    if let Some((key, value)) = text.split_once('<') {
        return made(key, Test::Less(number(value)?));
    }
    match text.strip_prefix('!') {
        Some(key) => made(key, Test::Exists(false)),
        None => made(text, Test::Exists(true)),
    }
}

fn made(key: &str, test: Test) -> Result<Term, String> {
    let key = key.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    match !key.is_empty() && key.chars().all(fits) {
        true => Ok(Term { key: key.into(), test }),
        false => Err(format!("found {key:?}, expected: identifier")),
    }
}

/// `matchLabels` and `matchExpressions`.
pub fn matches(spec: &Value, labels: &Value) -> bool {
    let mut plain = spec["matchLabels"].as_object().into_iter().flatten();
    let mut expressions = spec["matchExpressions"].as_array().into_iter().flatten();
    plain.all(|(k, v)| labels[k] == *v) && expressions.all(|e| expression(e, labels))
}

fn expression(e: &Value, labels: &Value) -> bool {
    let value = labels[e["key"].as_str().unwrap_or_default()].as_str();
    let within = |v: &str| e["values"].as_array().into_iter().flatten().any(|x| x == v);
    match e["operator"].as_str() {
        Some("In") => value.is_some_and(within),
        Some("NotIn") => !value.is_some_and(within),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selects() {
        let labels = json!({"app": "web", "x": "", "n": "5"});
        for (text, want) in [
            ("app=web", true),
            ("app==web,x", true),
            ("app!=web", false),
            ("gone!=web", true),
            ("!x", false),
            ("app in (a, web)", true),
            ("app in(a,web),n", true),
            ("app notin (web)", false),
            ("gone notin (web)", true),
            ("n>4,n<6", true),
            ("n>5", false),
            ("", true),
        ] {
            assert_eq!(parse(text).unwrap().iter().all(|t| t.holds(&labels)), want, "{text}");
        }
        for text in ["a b", "app in (web", "n>x", "=b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
