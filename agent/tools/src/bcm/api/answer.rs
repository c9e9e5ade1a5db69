//! What an answer of the API says before anybody looks at its content. Pure.

use serde_json::Value;

/// Why an answer has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoResult {
    /// `{"error": TEXT, "code": NUMBER}`.
    Code(i64, String),
    /// CMDaemon answers a call that it does not know with nothing at all.
    Empty,
    /// `null`: the object does not exist.
    Null,
    /// Something else, as it came.
    Odd(String),
}

/// The result of a call. An error counts before the status of HTTP, which may be 200 with it.
pub(super) fn parse(status: u16, text: &str) -> Result<Value, NoResult> {
    let value = serde_json::from_str::<Value>(text);
    if let Ok(value) = &value
        && let Some(error) = value.get("error").and_then(Value::as_str).filter(|e| !e.is_empty())
    {
        // Without a number it is one of those that have no meaning of their own.
        let code = value.get("code").and_then(Value::as_i64).unwrap_or(super::error::OTHER);
        return Err(NoResult::Code(code, error.into()));
    }
    match value {
        _ if status != 200 => Err(NoResult::Odd(format!("HTTP {status} {}", super::super::short(text)))),
        _ if text.trim().is_empty() => Err(NoResult::Empty),
        Ok(Value::Null) => Err(NoResult::Null),
        Ok(value) => Ok(value),
        Err(e) => Err(NoResult::Odd(format!("no JSON ({e}): {}", super::super::short(text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_answer() {
        let code = |code, text: &str| Err(NoResult::Code(code, text.into()));
        for (status, text, want) in [
            (200, "[]", Ok(Value::Array(vec![]))),
            (200, "true", Ok(Value::Bool(true))),
            (200, "{\"error\":\"\",\"x\":1}", Ok(serde_json::json!({"error": "", "x": 1}))),
            (200, "{\"error\":\"Call restricted\",\"code\":640}", code(640, "Call restricted")),
            (200, "{\"error\":\"Service restricted\",\"code\":635}", code(635, "Service restricted")),
            (401, "{\"error\":\"Login failed\",\"code\":-97}", code(-97, "Login failed")),
            (200, "{\"error\":\"?\"}", code(-100, "?")),
            (200, "", Err(NoResult::Empty)),
            (200, " \n", Err(NoResult::Empty)),
            (200, "null", Err(NoResult::Null)),
        ] {
            assert_eq!(parse(status, text), want, "{status} {text}");
        }
        for (status, text, words) in
            [(500, "", "HTTP 500"), (403, "Forbidden", "HTTP 403 \"Forbidden\""), (200, "<html>", "no JSON")]
        {
            let Err(NoResult::Odd(why)) = parse(status, text) else { panic!("{status} {text}") };
            assert!(why.contains(words), "{why}");
        }
    }
}
