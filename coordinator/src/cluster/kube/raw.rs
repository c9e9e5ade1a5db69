//! The API's answer for a path, byte for byte, so that backups lose no field.

use super::api::{Api, ApiError};
use super::pages::encode;
use bytes::Bytes;
use http::Method;
use podlift_model::Failure;

pub(super) async fn get(api: &Api, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
    let pairs = query.iter().filter(|(_, v)| !v.is_empty());
    let text: Vec<String> = pairs.map(|(k, v)| format!("{k}={}", encode(v))).collect();
    let path = if text.is_empty() { path.to_string() } else { format!("{path}?{}", text.join("&")) };
    api.count("get");
    match api.bytes(Method::GET, &path, None).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ApiError::Status(s)) if s.code == 404 => Ok(None),
        Err(error) => Err(error.into()),
    }
}
