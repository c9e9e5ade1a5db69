//! Parses texts of messages into the model's types; a refusal names the field.

use super::WireError;
use std::fmt::Display;
use std::str::FromStr;

pub(super) fn texts<T: Display>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

pub(super) fn field<T: FromStr>(name: &'static str, text: &str) -> Result<T, WireError>
where
    T::Err: Display,
{
    text.parse().map_err(|e| WireError::new(name, e))
}

pub(super) fn fields<T: FromStr>(name: &'static str, texts: &[String]) -> Result<Vec<T>, WireError>
where
    T::Err: Display,
{
    texts.iter().map(|t| field(name, t)).collect()
}
