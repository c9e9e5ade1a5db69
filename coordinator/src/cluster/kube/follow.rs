//! Follows objects by a list and a watch after it. Where podlift may not list and watch a secret, the secret is read each second instead.

use super::api::{Api, ApiError};
use super::pages::encode;
use super::secret::wipe;
use crate::cluster::{Change, Followed};
use futures_util::TryStreamExt as _;
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use podlift_model::Failure;
use serde_json::Value;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The API ends a watch after this time, in seconds.
const WATCH: u32 = 290;
/// A watch that brings neither an event nor a bookmark for this long is dead.
const SILENCE: Duration = Duration::from_secs(100);
/// Time between two reads of a secret that podlift may not watch.
const POLL: Duration = Duration::from_secs(1);

/// Where the objects are, and what selects them.
struct Source {
    path: String,
    selector: Option<String>,
}

impl Source {
    fn of(what: &Followed) -> Self {
        match what {
            Followed::Services => Self { path: "/api/v1/services".into(), selector: None },
            Followed::Secret { namespace, name } => Self {
                path: format!("/api/v1/namespaces/{namespace}/secrets"),
                selector: Some(format!("metadata.name={name}")),
            },
        }
    }

    fn watch(&self, version: &str) -> String {
        let selector =
            self.selector.as_ref().map_or(String::new(), |text| format!("&fieldSelector={}", encode(text)));
        format!(
            "{}?watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH}{selector}",
            self.path
        )
    }
}

/// Sends changes until the watch breaks, and returns why. `client` must have no limit on the time between two reads.
pub(super) async fn follow(
    api: &Api,
    client: &Client,
    what: &Followed,
    changes: &mpsc::Sender<Change>,
) -> Failure {
    let source = Source::of(what);
    match (followed(api, client, &source, changes).await, what) {
        (ApiError::Status(s), Followed::Secret { namespace, name }) if s.code == 403 => {
            let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
            polled(api, &path, changes).await.into()
        }
        (error, _) => error.into(),
    }
}

fn gone() -> ApiError {
    ApiError::Unreachable("nobody follows any more".into())
}

fn broken(why: impl Into<String>) -> ApiError {
    ApiError::Unreachable(why.into())
}

/// Lists once; a watch that ends in time goes on from its last version.
async fn followed(api: &Api, client: &Client, source: &Source, changes: &mpsc::Sender<Change>) -> ApiError {
    let query: Vec<(&str, &str)> = source.selector.iter().map(|s| ("fieldSelector", s.as_str())).collect();
    let mut all = Vec::new();
    let listed = api.each_at(&source.path, &query, |object: Value| all.push(object)).await;
    let mut version = match listed {
        Ok(version) => version,
        Err(error) => return error,
    };
    if changes.send(Change::All(all)).await.is_err() {
        return gone();
    }
    loop {
        match watched(api, client, source, &mut version, changes).await {
            Ok(()) => {}
            Err(error) => return error,
        }
    }
}

async fn watched(
    api: &Api,
    client: &Client,
    source: &Source,
    version: &mut String,
    changes: &mpsc::Sender<Change>,
) -> Result<(), ApiError> {
    let request = Request::get(source.watch(version)).header("accept", "application/json").body(Vec::new());
    let request = request.map_err(|e| broken(e.to_string()))?;
    api.count("watch");
    let events = timeout(api.timeout(), client.request_events::<Value>(request)).await;
    let events = events.map_err(|_| broken("the watch was not answered"))?.map_err(of_watch)?;
    let mut events = pin!(events);
    loop {
        let event = timeout(SILENCE, events.try_next()).await.map_err(|_| broken("the watch is silent"))?;
        let change = match event.map_err(of_watch)? {
            None => return Ok(()),
            Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => Change::Put(object),
            Some(WatchEvent::Deleted(object)) => Change::Gone(object),
            Some(WatchEvent::Bookmark(mark)) => {
                *version = mark.metadata.resource_version;
                continue;
            }
            Some(WatchEvent::Error(status)) => return Err(broken(status.message)),
        };
        if let Change::Put(object) | Change::Gone(object) = &change
            && let Some(now) = object["metadata"]["resourceVersion"].as_str()
        {
            *version = now.into();
        }
        if changes.send(change).await.is_err() {
            return Err(gone());
        }
    }
}

fn of_watch(error: kube::Error) -> ApiError {
    match error {
        kube::Error::Api(status) => ApiError::Status(super::api::ApiStatus {
            code: status.code,
            message: status.message.clone(),
            ..super::api::ApiStatus::default()
        }),
        other => broken(super::api::causes(&other)),
    }
}

/// Reads one object each second, and sends it if it changed.
async fn polled(api: &Api, path: &str, changes: &mpsc::Sender<Change>) -> ApiError {
    let mut last: Option<Option<String>> = None;
    loop {
        let mut object = match api.find(path).await {
            Ok(object) => object,
            Err(error) => return error,
        };
        let version = object.as_ref().map(|o| o["metadata"]["resourceVersion"].to_string());
        if last.as_ref() != Some(&version) {
            last = Some(version);
            if changes.send(Change::All(object.into_iter().collect())).await.is_err() {
                return gone();
            }
        } else if let Some(object) = &mut object {
            wipe(object);
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_watched_by_its_name_alone() {
        let secret = Followed::Secret { namespace: "runai".into(), name: "ui-tls".into() };
        let path = Source::of(&secret).watch("7");
        assert!(path.starts_with("/api/v1/namespaces/runai/secrets?watch=1"), "{path}");
        assert!(path.ends_with("&fieldSelector=metadata.name%3Dui-tls"), "{path}");
        assert!(!Source::of(&Followed::Services).watch("7").contains("fieldSelector"));
    }
}
