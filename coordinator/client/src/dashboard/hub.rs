//! The scene that the page shows now, and the browsers that are connected. A browser that reads too slowly is cut off: it connects again
//! by itself and gets the whole scene. So the memory of the dashboard does not depend on its readers.

use super::delta::Delta;
use super::ring::{Line, Ring};
use super::scene::Scene;
use super::sse;
use hyper::body::Bytes;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Browsers at once.
pub(super) const READERS: usize = 16;
/// Frames that wait for one browser at most.
const WAITING: usize = 64;

#[derive(Default)]
pub(super) struct Hub(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    scene: Scene,
    ring: Ring,
    /// Milliseconds since 1970 of the last publication.
    at: i64,
    readers: Vec<Reader>,
}

struct Reader {
    to: Sender<Bytes>,
    /// Ends the connection.
    cut: Arc<Notify>,
}

/// All that a page shows, and when it was true.
#[derive(Serialize)]
struct Whole<'a> {
    at: i64,
    #[serde(flatten)]
    scene: &'a Scene,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Changed<'a> {
    at: i64,
    #[serde(flatten)]
    delta: &'a Delta<'a>,
}

impl Hub {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a browser: it gets the whole scene, then what changes. `None` if there are too many. `cut` is notified if it reads too slowly.
    pub fn subscribe(&self, cut: Arc<Notify>) -> Option<Receiver<Bytes>> {
        let mut inner = self.inner();
        inner.readers.retain(|reader| !reader.to.is_closed());
        if inner.readers.len() >= READERS {
            return None;
        }
        let whole = Whole { at: inner.at, scene: &inner.scene, lines: inner.ring.after(None) };
        let first = sse::frame("scene", &whole).ok()?;
        let (to, from) = channel(WAITING);
        to.try_send(sse::greeting()).ok()?;
        to.try_send(first).ok()?;
        inner.readers.push(Reader { to, cut });
        Some(from)
    }

    /// Shows this scene and these new lines from now on. `at`: milliseconds since 1970.
    pub fn publish(&self, scene: Scene, lines: Vec<Line>, at: i64) {
        let inner = &mut *self.inner();
        let sent = inner.ring.last();
        lines.into_iter().for_each(|line| inner.ring.push(line));
        let delta = Delta::between(&inner.scene, &scene, inner.ring.after(sent));
        let frame = match delta.is_empty() {
            true => None,
            false => sse::frame("delta", &Changed { at, delta: &delta }).ok(),
        };
        (inner.scene, inner.at) = (scene, at);
        if let Some(frame) = frame {
            inner.send(&frame);
        }
    }

    /// Lets each browser know that the dashboard is there.
    pub fn alive(&self) {
        self.inner().send(&Bytes::from_static(sse::ALIVE.as_bytes()));
    }

    #[cfg(test)]
    pub fn readers(&self) -> usize {
        self.inner().readers.len()
    }
}

impl Inner {
    fn send(&mut self, frame: &Bytes) {
        self.readers.retain(|reader| {
            let sent = reader.to.try_send(frame.clone()).is_ok();
            if !sent {
                reader.cut.notify_one();
            }
            sent
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::tests::scene_of;

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_reader_gets_the_scene_and_then_the_changes_alone() {
        let hub = Hub::default();
        hub.publish(scene_of(10), vec![], 1);
        let mut reader = hub.subscribe(Arc::default()).unwrap();
        assert_eq!(reader.try_recv().unwrap(), sse::greeting());
        let first = reader.try_recv().unwrap();
        assert!(text(&first).starts_with("event: scene\ndata: {\"at\":1,"), "{}", text(&first));
        assert!(text(&first).contains("dgx0009"));
        hub.publish(scene_of(10), vec![], 2);
        assert!(reader.try_recv().is_err(), "nothing has changed");
        let mut scene = scene_of(10);
        scene.cells[3].state = "failed".into();
        hub.publish(scene, vec![], 3);
        let delta = reader.try_recv().unwrap();
        assert!(text(&delta).starts_with("event: delta\ndata: {\"at\":3,"), "{}", text(&delta));
        assert!(text(&delta).contains("dgx0003") && !text(&delta).contains("dgx0004"));
        hub.alive();
        assert_eq!(text(&reader.try_recv().unwrap()), sse::ALIVE);
    }

    #[test]
    fn a_slow_reader_is_cut_off_and_the_others_go_on() {
        let hub = Hub::default();
        let slow = hub.subscribe(Arc::default()).unwrap();
        let mut quick = hub.subscribe(Arc::default()).unwrap();
        while quick.try_recv().is_ok() {}
        for _ in 0..=WAITING {
            hub.alive();
            quick.try_recv().unwrap();
        }
        assert_eq!(hub.readers(), 1);
        drop(slow);
        drop(quick);
        hub.alive();
        assert_eq!(hub.readers(), 0);
    }

    #[test]
    fn there_is_room_for_so_many_browsers_and_no_more() {
        let hub = Hub::default();
        let mut all: Vec<_> = (0..READERS).map(|_| hub.subscribe(Arc::default()).unwrap()).collect();
        assert!(hub.subscribe(Arc::default()).is_none());
        all.pop();
        assert!(hub.subscribe(Arc::default()).is_some());
    }
}
