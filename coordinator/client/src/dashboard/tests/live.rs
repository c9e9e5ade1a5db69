//! From a coordinator to the scene: what the records say is shown before the next status.

use crate::dashboard::publish::Folded;
use crate::dashboard::scene::{Scene, scene};
use crate::live::{Feed, Update};
use crate::tests::site;
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_engine::RunState;
use podlift_engine::machine::{Event, Record};
use podlift_model::NodeName;
use tokio::sync::mpsc::Receiver;

fn name(record: &Record, _: Option<&RunState>) -> Option<String> {
    Some(record.event.name().into())
}

/// Takes updates until the scene is as wanted. Further statuses are left out, so that only records change it.
async fn until(
    from: &mut Receiver<Update>,
    folded: &mut Folded,
    done: impl Fn(&Folded, &Scene) -> bool,
) -> Scene {
    loop {
        let now = scene(&folded.live, &folded.works);
        if done(folded, &now) {
            return now;
        }
        match from.recv().await.unwrap() {
            Update::Status(_) if folded.live.status.is_some() => {}
            update => folded.take(update, SystemClock.now(), name),
        }
    }
}

#[tokio::test]
async fn a_record_changes_its_node_before_the_next_status() {
    let (site, listener) = site().await;
    let run = site.paused_run().await;
    let _server = site.serve(listener);
    let (to, mut from) = tokio::sync::mpsc::channel::<Update>(100);
    let _feed = Feed::start(&site.endpoint(), &to);
    let mut folded = Folded::default();
    // A status says it, too, and has no lines.
    let paused = |folded: &Folded, scene: &Scene| {
        let of_records = folded.live.run.is_some() && !folded.lines.is_empty();
        of_records && scene.head.run.as_ref().is_some_and(|run| run.status == "paused")
    };
    let first =
        until(&mut from, &mut folded, |folded, scene| paused(folded, scene) && !scene.cells.is_empty()).await;
    let head = first.head.run.unwrap();
    assert_eq!(
        (head.id.as_str(), head.next.as_str(), first.head.down.as_str()),
        (run.as_str(), "podlift resume", "")
    );
    assert_eq!(head.aim, "Upgrade v1.31.9 to v1.32.9");
    assert_eq!(first.cells[0].group, "control-plane", "{:?}", first.cells);
    let worker = first.cells.iter().find(|cell| cell.group != "control-plane").unwrap().clone();
    assert_ne!(worker.state, "deferred");
    assert!(folded.lines.iter().any(|line| line.text == "run-paused" && line.tone == "care"));
    let node = NodeName::new(&worker.name).unwrap();
    site.append(&run, Event::NodeDeferred { node, reason: "GPU tray".into(), by: "eve".into(), until: None });
    let state = |scene: &Scene| scene.cells.iter().find(|cell| cell.name == worker.name).unwrap().clone();
    let then = until(&mut from, &mut folded, |_, scene| state(scene).state == "deferred").await;
    assert_eq!(state(&then).reason, "GPU tray");
    assert_eq!(then.cells.len(), first.cells.len());
}
