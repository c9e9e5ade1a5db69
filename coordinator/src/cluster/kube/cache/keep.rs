//! Keeps a cache up to date: a list in pages, then a watch with bookmarks from its resourceVersion. A watch that breaks goes on from the
//! last version that it brought. Only if the API no longer has that version is everything listed again.

use super::super::api::{Api, ApiError};
use super::state::State;
use super::{Cache, IDLE, Kept, SILENCE, number};
use futures_util::TryStreamExt as _;
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The API ends a watch after this time, in seconds, so that clients spread over the API servers again.
const WATCH: u32 = 290;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a watch ended.
enum Ended {
    /// Nobody reads.
    Idle,
    /// The API ended it in time.
    InTime,
    /// The API no longer has the version.
    Expired,
    Broken(String),
}

/// Keeps the cache while it is read, without end. `client` must have no limit on the time between two reads.
pub(in super::super) async fn keep<T: Kept>(cache: &Cache<T>, api: &Api, client: &Client) {
    let mut pause = FIRST_PAUSE;
    loop {
        cache.until_wanted().await;
        let began = Instant::now();
        let ended = match list_if_new(cache, api).await {
            Ok(()) => watch(cache, api, client).await,
            Err(error) => Ended::Broken(words(error)),
        };
        cache.state.send_modify(|state| state.connected = false);
        match ended {
            Ended::InTime => pause = FIRST_PAUSE,
            Ended::Idle | Ended::Expired => drop(cache.state.send_replace(State::default())),
            Ended::Broken(why) => {
                if began.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                tracing::info!(
                    kind = T::KIND,
                    why,
                    "a watch ended; the API is asked directly until it is back"
                );
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl<T: Kept> Cache<T> {
    async fn until_wanted(&self) {
        let mut wanted = self.wanted.subscribe();
        drop(wanted.wait_for(|at| at.is_some_and(|at| at.elapsed() < IDLE)).await);
    }

    fn is_idle(&self) -> bool {
        self.wanted.borrow().is_none_or(|at| at.elapsed() >= IDLE)
    }
}

fn words(error: ApiError) -> String {
    podlift_model::Failure::from(error).message
}

async fn list_if_new<T: Kept>(cache: &Cache<T>, api: &Api) -> Result<(), ApiError> {
    let version = cache.state.borrow().version;
    if version == 0 { list(cache, api).await } else { Ok(()) }
}

/// Reads all objects. They are not used before the watch is connected.
async fn list<T: Kept>(cache: &Cache<T>, api: &Api) -> Result<(), ApiError> {
    let mut state = State::default();
    let version = api.each_at(T::PATH, &[], |object: T| state.put(object)).await?;
    // An object may be newer than the list's own version if the pages came from several servers; the watch begins at the list's version.
    state.version = number(&version);
    cache.state.send_replace(state);
    Ok(())
}

async fn watch<T: Kept>(cache: &Cache<T>, api: &Api, client: &Client) -> Ended {
    let version = cache.state.borrow().version;
    let path = format!(
        "{}?watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH}",
        T::PATH
    );
    let request = match Request::get(&path).header("accept", "application/json").body(Vec::new()) {
        Ok(request) => request,
        Err(error) => return Ended::Broken(error.to_string()),
    };
    api.count("watch");
    let events = match timeout(api.timeout(), client.request_events::<T>(request)).await {
        Ok(Ok(events)) => events,
        Ok(Err(error)) => return refused(error),
        Err(_) => return Ended::Broken(format!("no answer within {} s", api.timeout().as_secs_f32())),
    };
    cache.state.send_modify(|state| {
        (state.connected, state.heard) = (true, Some(Instant::now()));
    });
    let mut events = pin!(events);
    loop {
        match timeout(SILENCE, events.try_next()).await {
            Err(_) => return Ended::Broken(format!("silent for {} s", SILENCE.as_secs())),
            Ok(Ok(None)) => return Ended::InTime,
            Ok(Err(error)) => return refused(error),
            Ok(Ok(Some(event))) => {
                if let Some(ended) = take(cache, event) {
                    return ended;
                }
            }
        }
        if cache.is_idle() {
            return Ended::Idle;
        }
    }
}

/// Applies one event.
fn take<T: Kept>(cache: &Cache<T>, event: WatchEvent<T>) -> Option<Ended> {
    match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            cache.state.send_modify(|state| state.put(object));
        }
        WatchEvent::Deleted(object) => cache.state.send_modify(|state| state.remove(&object)),
        WatchEvent::Bookmark(mark) => {
            let version = number(&mark.metadata.resource_version);
            cache.state.send_modify(|state| state.reached(version));
        }
        WatchEvent::Error(status) if status.code == 410 => return Some(Ended::Expired),
        WatchEvent::Error(status) => return Some(Ended::Broken(status.message)),
    }
    None
}

fn refused(error: kube::Error) -> Ended {
    match error {
        kube::Error::Api(status) if status.code == 410 => Ended::Expired,
        other => Ended::Broken(super::super::api::causes(&other)),
    }
}
