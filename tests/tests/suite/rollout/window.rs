//! Windows: a disruptive lane begins only in one, and only if it still ends there as far as its length is known.

use podlift_tests::rollout::{Rollout, minute};
use podlift_tests::{ensure, paused};
use serde_json::json;

/// The World begins at 15:00 UTC.
#[test]
fn window() {
    let result = paused(async {
        let window = json!({"days": [], "from": "22:00", "to": "02:00", "zone": "UTC"});
        let mut rollout = Rollout::new(3, json!({"max-unavailable": "1", "windows": [window]}));
        let state = rollout.succeed().await?;
        let outside = state.batches.iter().find(|b| (2 * 60..22 * 60).contains(&minute(b.at)));
        ensure(outside.is_none(), || format!("chosen outside the window: {outside:?}"))?;
        let waited = rollout.pod.journal.records().iter().any(|r| {
            let event = serde_json::to_value(&r.event).unwrap_or_default();
            event["event"] == "batch-waits" && event["until"] == "2025-10-20T22:00:00Z"
        });
        ensure(waited, || "the journal names no wait for 22:00".into())
    });
    assert_eq!(result, Ok(()));
}
