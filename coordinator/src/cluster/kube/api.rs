//! Requests as JSON: one call, one answer, one classified error. It does not retry.

use super::cache::number;
use crate::cluster::UNREACHABLE;
use crate::meters::ApiMeters;
use bytes::Bytes;
use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use podlift_model::{Failure, codes};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    timeout: Duration,
    meters: ApiMeters,
    /// The highest resourceVersion that a write of this process led to.
    written: Arc<AtomicU64>,
}

/// A call without success.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ApiError {
    /// No answer, or an answer of a proxy that reaches no server.
    Unreachable(String),
    Status(ApiStatus),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ApiStatus {
    pub code: u16,
    pub message: String,
    /// `details.causes[]`.
    pub causes: Vec<Cause>,
    pub retry_after: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cause {
    pub reason: String,
    pub message: String,
}

impl Api {
    pub fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout, meters: ApiMeters::default(), written: Arc::default() }
    }

    /// Counts requests in `meters` from now on.
    pub fn with_meters(self, meters: ApiMeters) -> Self {
        Self { meters, ..self }
    }

    pub fn meters(&self) -> &ApiMeters {
        &self.meters
    }

    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Counts one request. All pages of a list are one.
    pub fn count(&self, verb: &'static str) {
        self.meters.requested(verb);
    }

    /// The highest resourceVersion that a write of this process led to; 0 before the first.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.count("get");
        self.send(Method::GET, path, None).await
    }

    /// `None` if there is no such object.
    pub async fn find(&self, path: &str) -> Result<Option<Value>, ApiError> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(ApiError::Status(s)) if s.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn merge_patch(&self, path: &str, patch: &Value) -> Result<Value, ApiError> {
        let body = ("application/merge-patch+json", patch);
        self.count("patch");
        let object = self.send(Method::PATCH, &format!("{path}?fieldManager=podlift"), Some(body)).await?;
        let version = number(object["metadata"]["resourceVersion"].as_str().unwrap_or_default());
        self.written.fetch_max(version, Ordering::AcqRel);
        Ok(object)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.count("create");
        self.send(Method::POST, path, Some(("application/json", body))).await
    }

    /// Creates an object from its JSON, of which no copy is made.
    pub async fn post_json(&self, path: &str, json: &[u8]) -> Result<Bytes, ApiError> {
        self.count("create");
        self.request(Method::POST, path, Some(("application/json", json.to_vec()))).await
    }

    pub async fn delete(&self, path: &str, options: &Value) -> Result<Value, ApiError> {
        self.count("delete");
        self.send(Method::DELETE, path, Some(("application/json", options))).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Value, ApiError> {
        let bytes = self.bytes(method, path, body).await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The unchanged body of a successful answer.
    pub(super) async fn bytes(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Bytes, ApiError> {
        let body = body.map(|(kind, value)| (kind, serde_json::to_vec(value).unwrap_or_default()));
        self.request(method, path, body).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Bytes, ApiError> {
        let mut request = Request::builder().method(method).uri(path).header("accept", "application/json");
        let mut bytes = Vec::new();
        if let Some((kind, json)) = body {
            request = request.header("content-type", kind);
            bytes = json;
        }
        let request = request.body(Body::from(bytes)).map_err(|e| ApiError::Unreachable(e.to_string()))?;
        let late = |_| ApiError::Unreachable(format!("no answer within {} s", self.timeout.as_secs_f32()));
        tokio::time::timeout(self.timeout, self.exchange(request)).await.map_err(late)?
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Bytes, ApiError> {
        let lost = |e: kube::Error| ApiError::Unreachable(causes(&e));
        let response = self.client.send(request).await.map_err(lost)?;
        let (head, body) = response.into_parts();
        let bytes = body.collect_bytes().await.map_err(lost)?;
        if head.status.is_success() {
            return Ok(bytes);
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let code = head.status.as_u16();
        // A proxy without a server behind it answers with its own text instead of a Status object.
        if matches!(code, 502..=504) && value["kind"] != "Status" {
            return Err(ApiError::Unreachable(format!("{code} from the proxy in front of the API servers")));
        }
        let header =
            head.headers.get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        Err(ApiError::Status(status(code, header, &value)))
    }
}

fn status(code: u16, retry_after: Option<u64>, value: &Value) -> ApiStatus {
    let details = &value["details"];
    let causes = details["causes"].as_array().into_iter().flatten();
    let seconds = retry_after.or_else(|| details["retryAfterSeconds"].as_u64()).filter(|s| *s > 0);
    ApiStatus {
        code,
        message: value["message"].as_str().unwrap_or("no message").to_string(),
        causes: causes.map(cause).collect(),
        retry_after: seconds.map(Duration::from_secs),
    }
}

fn cause(value: &Value) -> Cause {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
    Cause { reason: text("reason"), message: text("message") }
}

/// The chain of causes, because hyper and tower hide the reason behind the error.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let s = match error {
            ApiError::Unreachable(why) => {
                return Failure::transient(UNREACHABLE, format!("the API server can't be reached: {why}"));
            }
            ApiError::Status(s) => s,
        };
        let text = format!("the API server answered {}: {}", s.code, s.message);
        match s.code {
            // A server that just started may not have its roles yet.
            401 | 403 => Failure::transient(
                codes::API_FORBIDDEN,
                format!("{text}; does podlift's kubeconfig have its roles?"),
            ),
            404 => Failure::permanent(codes::API_NOT_FOUND, text),
            409 => Failure::transient(codes::API_CONFLICT, text),
            // A list took so long that its next page is no longer kept.
            410 => Failure::transient(codes::API_BUSY, text),
            408 | 429 | 500.. => Failure::transient(codes::API_BUSY, text),
            _ => Failure::permanent("api-refused", text),
        }
    }
}
