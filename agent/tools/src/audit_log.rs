//! The audit log of kube-apiserver: one JSON object a line, oldest first. It may have gigabytes, so it is read from its end, and not further
//! than a limit. Of a request only time, user and client program are taken, never a body. Rotated logs are not read.

use jiff::Timestamp;
use podlift_host::Files;
use podlift_model::deletion::{DeletedObject, Deletion};
use serde::Deserialize;
use std::io;
use std::path::Path;

/// Bytes that are read at once, and in all.
const CHUNK: u64 = 1 << 20;
const MOST: u64 = 64 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: Status,
    request_received_timestamp: Timestamp,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
struct ObjectRef {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    subresource: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

/// The newest deletion of the object that succeeded, and the time of the oldest request that was read.
pub fn deletion(
    files: &dyn Files,
    log: &Path,
    object: &DeletedObject,
) -> io::Result<(Option<Deletion>, Option<Timestamp>)> {
    let size = files.stat(log)?.size;
    let floor = size.saturating_sub(MOST);
    // The beginning of a line whose end is in a later chunk is there.
    let (mut end, mut rest, mut since) = (size, Vec::new(), None);
    while end > floor {
        let begin = end.saturating_sub(CHUNK).max(floor);
        let mut bytes = files.read_at(log, begin, usize::try_from(end - begin).unwrap_or(usize::MAX))?;
        bytes.extend_from_slice(&rest);
        let newline = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
        let whole = if begin == 0 { 0 } else { newline };
        let lines: Vec<&[u8]> = bytes[whole..].split(|b| *b == b'\n').collect();
        since = lines.iter().find_map(|line| time(line)).or(since);
        if let Some(found) = lines.iter().rev().find_map(|line| of(line, object)) {
            return Ok((Some(found), since));
        }
        rest = bytes[..whole].to_vec();
        end = begin;
    }
    Ok((None, since))
}

fn time(line: &[u8]) -> Option<Timestamp> {
    serde_json::from_slice(line).ok().map(|event: Event| event.request_received_timestamp)
}

fn of(line: &[u8], object: &DeletedObject) -> Option<Deletion> {
    // Most lines are other requests, and need not be parsed.
    let text = std::str::from_utf8(line).ok().filter(|text| text.contains("\"delete"))?;
    let event: Event = serde_json::from_str(text).ok()?;
    let of = &event.object_ref;
    let one = event.verb == "delete" && of.name == object.name.as_str();
    let all = event.verb == "deletecollection" && of.name.is_empty();
    let same = of.resource == object.kind.name() && of.namespace == object.namespace.as_str();
    let succeeded = (200..300).contains(&event.response_status.code) && event.stage == "ResponseComplete";
    (same && (one || all) && of.subresource.is_empty() && succeeded).then_some(Deletion {
        at: event.request_received_timestamp,
        user: event.user.username,
        agent: event.user_agent,
        verb: event.verb,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::MemFiles;
    use podlift_model::deletion::DeletedKind;

    const LOG: &str = "/var/log/kubernetes/audit.log";

    /// One line as kube-apiserver 1.32 writes it at level Metadata.
    fn line(second: u32, stage: &str, verb: &str, object: &str, code: u16) -> String {
        let name = if object.is_empty() { String::new() } else { format!(r#","name":"{object}""#) };
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"{stage}","requestURI":"/x","verb":"{verb}","user":{{"username":"system:serviceaccount:cm:reconciler","groups":["system:authenticated"]}},"sourceIPs":["10.141.0.1"],"userAgent":"helm/v3","objectRef":{{"resource":"services","namespace":"ingress-nginx"{name},"apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":{code}}},"requestReceivedTimestamp":"2026-11-22T03:00:{second:02}.000000Z","stageTimestamp":"2026-11-22T03:00:{second:02}.100000Z","annotations":{{}}}}"#
        ) + "\n"
    }

    fn search(text: &str) -> (Option<(String, String)>, Option<String>) {
        let files = MemFiles::default();
        files.put(LOG, text.as_bytes());
        let object = DeletedObject {
            kind: DeletedKind::Services,
            namespace: "ingress-nginx".parse().unwrap(),
            name: "ingress-nginx-controller".parse().unwrap(),
        };
        let (found, since) = deletion(&files, Path::new(LOG), &object).unwrap();
        if let Some(found) = &found {
            assert_eq!(
                (found.user.as_str(), found.agent.as_str()),
                ("system:serviceaccount:cm:reconciler", "helm/v3")
            );
        }
        (found.map(|d| (d.at.to_string(), d.verb)), since.map(|at| at.to_string()))
    }

    const OURS: &str = "ingress-nginx-controller";

    #[test]
    fn the_newest_deletion_that_succeeded() {
        let at = |second: u32| format!("2026-11-22T03:00:{second:02}Z");
        for (lines, want) in [
            (vec![line(1, "ResponseComplete", "delete", OURS, 200)], Some((at(1), "delete"))),
            (
                vec![
                    line(1, "ResponseComplete", "delete", OURS, 200),
                    line(2, "ResponseComplete", "create", OURS, 201),
                    line(3, "ResponseComplete", "delete", OURS, 200),
                    line(4, "ResponseComplete", "get", OURS, 404),
                ],
                Some((at(3), "delete")),
            ),
            (
                vec![line(1, "ResponseComplete", "deletecollection", "", 200)],
                Some((at(1), "deletecollection")),
            ),
            (vec![line(1, "ResponseComplete", "delete", OURS, 403)], None),
            (vec![line(1, "RequestReceived", "delete", OURS, 200)], None),
            (vec![line(1, "ResponseComplete", "delete", "another", 200)], None),
            (vec![line(1, "ResponseComplete", "delete", OURS, 200).replace("services", "secrets")], None),
            (vec!["not JSON \"delete\"\n".to_string()], None),
            (vec![], None),
        ] {
            let want = want.map(|(at, verb)| (at, verb.to_string()));
            assert_eq!(search(&lines.concat()).0, want, "{lines:?}");
        }
    }

    #[test]
    fn a_large_log_is_read_from_its_end_and_a_line_between_two_chunks_is_whole() {
        let other = line(9, "ResponseComplete", "get", "a", 200);
        let ours = line(1, "ResponseComplete", "delete", OURS, 200);
        let many = other.repeat(usize::try_from(CHUNK).unwrap() / other.len());
        // The line begins at each distance from the border of a chunk that could cut it.
        for before in [0, 1, 2, 3] {
            for pad in [0, ours.len() / 2, ours.len() - 1, ours.len()] {
                let tail = many[..many.len() - pad.min(many.len())].rsplit_once('\n').unwrap().0;
                let text = format!("{}{ours}{tail}\n{}", other.repeat(before), "\n".repeat(pad));
                let (found, since) = search(&text);
                assert_eq!(found, Some(("2026-11-22T03:00:01Z".into(), "delete".into())), "{before} {pad}");
                assert!(since.is_some());
            }
        }
        // Beyond the limit it is not found, and the answer says from when on the log was read.
        let text = format!("{ours}{}", many.repeat(65));
        assert_eq!(search(&text), (None, Some("2026-11-22T03:00:09Z".into())));
    }
}
