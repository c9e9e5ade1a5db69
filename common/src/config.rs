//! Configuration files in TOML. Unknown keys are refused, and every error names file, place and expectation.

use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read configuration {path}: {source}; create it or name another with --config", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("configuration {path} is not valid: {message}", path = path.display())]
    Parse { path: PathBuf, message: String },
}

/// Reads `path` into `T`; `T` should `deny_unknown_fields`.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = crate::durable::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.into(), source })?;
    parse(&text, path)
}

/// Like `load`, from a text that was read from `path`.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text)
        .map_err(|e| ConfigError::Parse { path: path.into(), message: e.to_string().trim_end().to_string() })
}

/// A duration in configuration: "30s", "5m", "1h30m", "250ms"; a bare number is refused.
pub mod duration {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        let signed = SignedDuration::try_from(*d).map_err(serde::ser::Error::custom)?;
        s.serialize_str(&format!("{signed:#}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(d)?;
        let bad = || {
            D::Error::custom(format!(
                "{text:?} is not a duration: expected a number with a unit, for example \"30s\" or \"5m\""
            ))
        };
        let signed: SignedDuration = text.parse().map_err(|_| bad())?;
        Duration::try_from(signed).map_err(|_| bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(with = "duration")]
        tick: Duration,
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let path = Path::new("/etc/podlift/x.toml");
        assert_eq!(parse::<Sample>("tick = \"2s\"", path).unwrap().tick, Duration::from_secs(2));
        for (text, want) in [
            ("tick = \"2s\"\ntock = 1", "unknown field `tock`"),
            ("tick = \"5\"", "not a duration"),
            ("tick = \"-5s\"", "not a duration"),
            ("", "missing field `tick`"),
        ] {
            let e = parse::<Sample>(text, path).unwrap_err().to_string();
            assert!(e.contains(want) && e.contains("/etc/podlift/x.toml"), "{e}");
        }
        assert!(
            load::<Sample>(Path::new("/nonexistent/x.toml")).unwrap_err().to_string().contains("--config")
        );
    }
}
