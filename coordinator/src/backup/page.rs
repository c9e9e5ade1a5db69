//! A page of a list as the API sent it, with each object byte for byte. Pure functions.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(default)]
    metadata: Meta,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct Meta {
    /// The token of the next page.
    #[serde(default, rename = "continue")]
    next: String,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    kind: Option<serde::de::IgnoredAny>,
}

impl<'a> Page<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub fn next(&self) -> Option<&str> {
        Some(self.metadata.next.as_str()).filter(|t| !t.is_empty())
    }

    pub fn items(&self) -> impl Iterator<Item = &'a str> {
        self.items.iter().flatten().map(|item| item.get())
    }

    /// The object with its kind in front. Built-in types leave the kind to their list, and `kubectl apply` needs it.
    pub fn whole(&self, item: &'a str) -> Cow<'a, str> {
        let typed = serde_json::from_str::<Typed>(item).is_ok_and(|t| t.kind.is_some());
        let kind = self.kind.strip_suffix("List").unwrap_or_default();
        match item.trim_start().strip_prefix('{') {
            Some(rest) if !typed && !kind.is_empty() => {
                let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
                Cow::Owned(format!(
                    "{{\"apiVersion\":\"{}\",\"kind\":\"{kind}\"{comma}{rest}",
                    self.api_version
                ))
            }
            _ => Cow::Borrowed(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_and_no_digit_of_an_object_is_lost() {
        let list = br#"{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"abc"},
            "items":[{"metadata":{"name":"a","x-unknown":12345678901234567890.10},"z":1e400},{"kind":"Other","apiVersion":"b/v2"},{}]}"#;
        let page = Page::read(list).unwrap();
        assert_eq!(page.next(), Some("abc"));
        let whole: Vec<String> = page.items().map(|i| page.whole(i).into_owned()).collect();
        assert_eq!(
            whole,
            [
                r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","x-unknown":12345678901234567890.10},"z":1e400}"#,
                r#"{"kind":"Other","apiVersion":"b/v2"}"#,
                r#"{"apiVersion":"v1","kind":"Service"}"#,
            ]
        );
    }

    #[test]
    fn a_list_without_items_has_none() {
        let page = Page::read(br#"{"kind":"PodList","items":null}"#).unwrap();
        assert_eq!((page.items().count(), page.next()), (0, None));
        assert!(Page::read(b"no backend").is_err());
    }
}
