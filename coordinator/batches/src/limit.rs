//! A limit that is a number of nodes, or a share of them: `3`, `5%`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Number(u32),
    Percent(u32),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no limit: expected a number of nodes from 1, or a share from 1% to 100%, e.g. 3 or 5%")]
pub struct BadLimit(String);

impl Limit {
    /// How many of `all` nodes the limit means: a share is rounded up, and no limit is below 1.
    pub fn of(&self, all: usize) -> usize {
        let number = match self {
            Self::Number(number) => *number as usize,
            Self::Percent(percent) => (all * *percent as usize).div_ceil(100),
        };
        number.max(1)
    }
}

impl FromStr for Limit {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let bad = || BadLimit(text.into());
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|n| plain && *n > 0).ok_or_else(bad)
        };
        match text.strip_suffix('%') {
            Some(digits) => match number(digits)? {
                percent @ ..=100 => Ok(Self::Percent(percent)),
                _ => Err(bad()),
            },
            None => number(text).map(Self::Number),
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads the text of a limit, or a plain number as a configuration file has it.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Limit;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of nodes from 1, or a share from 1% to 100%, e.g. 3 or \"5%\"")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Limit, E> {
        self.visit_str(&number.to_string())
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Limit, E> {
        self.visit_str(&number.to_string())
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Limit, E> {
        self.visit_str(&number.to_string())
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of nodes, or a share of them: `3`, `5%`.",
            "type": "string",
            "pattern": "^[0-9]+%?$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;

    #[test]
    fn a_limit_is_a_number_or_a_share_and_nothing_else() {
        for (text, of_200) in [("1", 1), ("3", 3), ("5%", 10), ("1%", 2), ("100%", 200)] {
            let limit: Limit = text.parse().unwrap();
            assert_eq!((limit.to_string().as_str(), limit.of(200)), (text, of_200));
            let json = serde_json::to_string(&limit).unwrap();
            assert_eq!(serde_json::from_str::<Limit>(&json).unwrap(), limit);
        }
        assert_eq!(Limit::Percent(5).of(3), 1, "rounded up");
        assert_eq!(Limit::Percent(5).of(0), 1);
        for text in ["", "0", "0%", "101%", "-1", "+3", "3 %", "5%%", "many", "99999999999"] {
            let error = text.parse::<Limit>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is no limit: expected")), "{error}");
        }
    }

    #[test]
    fn a_plain_number_is_a_number_of_nodes() {
        assert_eq!(serde_json::from_str::<Limit>("3").unwrap(), Limit::Number(3));
        for json in ["0", "-3", "2.5", "99999999999", "true", "null"] {
            let error = serde_json::from_str::<Limit>(json).unwrap_err().to_string();
            assert!(error.contains("a number of nodes from 1, or a share from 1% to 100%"), "{error}");
        }
        let nan = f64::NAN.into_deserializer();
        let nan: serde::de::value::F64Deserializer<serde::de::value::Error> = nan;
        let error = Limit::deserialize(nan).unwrap_err().to_string();
        assert!(error.starts_with("\"NaN\" is no limit: expected a number of nodes"), "{error}");
    }
}
