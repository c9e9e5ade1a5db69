//! Events of the API: warnings in groups, and what was said about one object. Events live for an hour.

use super::api::Api;
use super::pages::or_default;
use jiff::Timestamp;
use podlift_engine::validate::EventGroup;
use podlift_model::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    reason: String,
    message: String,
    count: Option<u32>,
    first_timestamp: Option<Timestamp>,
    last_timestamp: Option<Timestamp>,
    event_time: Option<Timestamp>,
    #[serde(deserialize_with = "or_default")]
    involved_object: Involved,
    #[serde(deserialize_with = "or_default")]
    series: Series,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Involved {
    kind: String,
    namespace: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: Option<u32>,
    last_observed_time: Option<Timestamp>,
}

impl Event {
    fn last(&self) -> Option<Timestamp> {
        self.series.last_observed_time.or(self.last_timestamp).or(self.event_time).or(self.first_timestamp)
    }

    fn object(&self) -> String {
        match self.involved_object.namespace.as_str() {
            "" => self.involved_object.name.clone(),
            namespace => format!("{namespace}/{}", self.involved_object.name),
        }
    }
}

/// The warnings since then, by reason and kind, the most frequent first.
pub(super) async fn warnings(api: &Api, since: Timestamp) -> Result<Vec<EventGroup>, Failure> {
    let mut groups = BTreeMap::new();
    api.each("/api/v1/events", &[("fieldSelector", "type=Warning")], |event: Event| {
        add(&mut groups, event, since);
    })
    .await?;
    let mut all: Vec<EventGroup> = groups.into_values().collect();
    all.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(all)
}

fn add(groups: &mut BTreeMap<(String, String), EventGroup>, event: Event, since: Timestamp) {
    let Some(last) = event.last().filter(|last| *last >= since) else { return };
    let first = event.first_timestamp.or(event.event_time).unwrap_or(last).max(since);
    let count = event.series.count.or(event.count).unwrap_or(1).max(1);
    let object = event.object();
    let Event { reason, message, involved_object: Involved { kind, .. }, .. } = event;
    let group = groups.entry((reason.clone(), kind.clone())).or_insert_with(|| EventGroup {
        reason,
        kind,
        count: 0,
        first,
        last,
        object: object.clone(),
        message: message.clone(),
    });
    group.count = group.count.saturating_add(count);
    group.first = group.first.min(first);
    if last >= group.last {
        (group.last, group.object, group.message) = (last, object, message);
    }
}

/// The newest message about an object; `None` without one.
pub(super) async fn about(
    api: &Api,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<String>, Failure> {
    let selector = format!("involvedObject.kind={kind},involvedObject.name={name}");
    let mut newest: Option<Event> = None;
    let path = format!("/api/v1/namespaces/{namespace}/events");
    api.each(&path, &[("fieldSelector", &selector)], |event: Event| {
        if newest.as_ref().is_none_or(|known| known.last() <= event.last()) {
            newest = Some(event);
        }
    })
    .await?;
    Ok(newest.map(|event| format!("{}: {}", event.reason, event.message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(reason: &str, name: &str, count: u32, last: &str) -> Event {
        let value = json!({"reason": reason, "message": format!("about {name}"), "count": count, "firstTimestamp": "2026-11-22T01:00:00Z",
            "lastTimestamp": last, "involvedObject": {"kind": "Pod", "namespace": "a", "name": name}, "series": null, "eventTime": null});
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn events_of_one_reason_and_kind_are_one_group_and_old_ones_are_left_out() {
        let since = "2026-11-22T02:00:00Z".parse().unwrap();
        let mut groups = BTreeMap::new();
        for event in [
            event("BackOff", "web-0", 3, "2026-11-22T02:10:00Z"),
            event("BackOff", "web-1", 2, "2026-11-22T02:20:00Z"),
            event("BackOff", "web-2", 9, "2026-11-22T01:59:59Z"),
            event("FailedMount", "db-0", 0, "2026-11-22T02:00:00Z"),
        ] {
            add(&mut groups, event, since);
        }
        let back_off = &groups[&("BackOff".to_string(), "Pod".to_string())];
        assert_eq!((back_off.count, back_off.object.as_str()), (5, "a/web-1"));
        assert_eq!((back_off.first, back_off.message.as_str()), (since, "about web-1"));
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[&("FailedMount".to_string(), "Pod".to_string())].count, 1);
    }
}
