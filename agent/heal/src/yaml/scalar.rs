//! How go-yaml v2 resolves a plain scalar under YAML 1.1 (`resolve.go`): as text, or as a value of another JSON type. Pure.

const BOOLS: [&str; 22] = [
    "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE", "n", "N", "no", "No", "NO",
    "off", "Off", "OFF", "false", "False", "FALSE",
];
const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
const SPECIAL: [&str; 14] = [
    ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
    "<<", "=",
];

/// Whether the plain scalar is text, and neither null, a boolean nor a number.
pub(crate) fn is_text(plain: &str) -> bool {
    !NULLS.contains(&plain) && bool_of(plain).is_none() && !SPECIAL.contains(&plain) && !is_number(plain)
}

pub(super) fn is_null(plain: &str) -> bool {
    NULLS.contains(&plain)
}

pub(super) fn bool_of(plain: &str) -> Option<bool> {
    BOOLS.iter().position(|b| *b == plain).map(|at| at < 11)
}

/// Like strconv.ParseInt with base 0 after the underscores are removed, or like go-yaml's pattern of a float.
pub(super) fn is_number(plain: &str) -> bool {
    if !plain.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return false;
    }
    let plain = plain.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    plain.len() - digits.len() <= 1 && (is_integer(digits) || is_float(digits))
}

fn is_integer(digits: &str) -> bool {
    let all = |text: &str, base: u32| !text.is_empty() && text.chars().all(|c| c.is_digit(base));
    let prefixed = |base: u32, marks: [&str; 2]| {
        marks.iter().any(|m| digits.strip_prefix(m).is_some_and(|t| all(t, base)))
    };
    prefixed(16, ["0x", "0X"]) || prefixed(2, ["0b", "0B"]) || prefixed(8, ["0o", "0O"]) || all(digits, 10)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let exponent = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let (whole, rest) = mantissa.split_once('.').map_or((mantissa, None), |(w, r)| (w, Some(r)));
    let some = !whole.is_empty() || rest.is_some_and(|r| !r.is_empty());
    exponent && some && digits(whole) && rest.is_none_or(digits)
}
