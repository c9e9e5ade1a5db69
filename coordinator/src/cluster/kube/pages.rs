//! Lists, page by page. Each object is reduced to the needed fields when its page arrives, and only one page is held at a time.

use super::api::{Api, ApiError, ApiStatus};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Objects of one page, as in kubectl.
const PAGE: &str = "500";

#[derive(Deserialize)]
struct Page<T> {
    metadata: Option<Meta>,
    /// An option, because Go also writes an empty list as null.
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default, rename = "continue")]
    next: String,
    #[serde(default, rename = "resourceVersion")]
    version: String,
}

impl Api {
    /// All objects of a list, complete.
    pub async fn list(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, ApiError> {
        let mut items = Vec::new();
        self.each(path, query, |item: Value| items.push(item)).await?;
        Ok(items)
    }

    /// Passes on each object of a list, from all pages.
    pub async fn each<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        take: impl FnMut(T),
    ) -> Result<(), ApiError> {
        self.each_at(path, query, take).await.map(drop)
    }

    /// Like `each`. Returns the list's resourceVersion.
    pub async fn each_at<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        mut take: impl FnMut(T),
    ) -> Result<String, ApiError> {
        let mut token = String::new();
        self.count("list");
        loop {
            let page = [("limit", PAGE), ("continue", token.as_str())];
            let pairs = query.iter().copied().chain(page).filter(|(_, v)| !v.is_empty());
            let text: Vec<String> = pairs.map(|(k, v)| format!("{k}={}", encode(v))).collect();
            let bytes = self.bytes(Method::GET, &format!("{path}?{}", text.join("&")), None).await?;
            let page: Page<T> = serde_json::from_slice(&bytes).map_err(|e| unreadable(path, &e))?;
            page.items.into_iter().flatten().for_each(&mut take);
            let Meta { next, version } = page.metadata.unwrap_or_default();
            if next.is_empty() {
                return Ok(version);
            }
            token = next;
        }
    }
}

fn unreadable(path: &str, error: &serde_json::Error) -> ApiError {
    let message = format!("and the list {path} can't be read: {error}");
    ApiError::Status(ApiStatus { code: 200, message, ..ApiStatus::default() })
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(super) fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A field that may be present, absent or null.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}
