//! `crictl inspect` and `crictl logs`: one container.

use super::{nanoseconds, unreadable};
use crate::{must, run};
use jiff::Timestamp;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use serde_json::Value;

/// The answer of `crictl inspect` about one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    pub image: String,
    /// The command line with which it was started.
    pub words: Vec<String>,
    pub exit_code: Option<i32>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The node's number of its first process, while it runs.
    pub pid: Option<u32>,
}

pub async fn inspect(host: &Host, id: &str) -> Result<Inspected, Failure> {
    let text = must(host, &Invocation::new("crictl", ["inspect", id])).await?;
    parse(&text)
}

/// The last lines of the log; empty for a container without a log.
pub async fn log_tail(host: &Host, id: &str) -> String {
    match run(host, &Invocation::new("crictl", ["logs", "--tail", "20", id])).await {
        Ok(output) => format!("{}{}", output.stdout, output.stderr).trim_end().to_string(),
        Err(failure) => failure.message,
    }
}

/// The status has the image name that the pod asked for; the configuration has only its id.
const IMAGES: [&str; 4] = [
    "/status/image/image",
    "/status/image/userSpecifiedImage",
    "/status/imageRef",
    "/info/config/image/image",
];

fn parse(text: &str) -> Result<Inspected, Failure> {
    let said: Value = serde_json::from_str(text).map_err(unreadable)?;
    // Some versions answer with a list of one element.
    let value = said.get(0).unwrap_or(&said);
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let named = IMAGES.into_iter().map(text).find(|t| t.contains(':') && !t.starts_with("sha256:"));
    let over = text("/status/state") == "CONTAINER_EXITED";
    let pid = value.pointer("/info/pid").and_then(Value::as_u64);
    let finished_at = value.pointer("/status/finishedAt").filter(|_| over).and_then(time);
    let exit_code = value.pointer("/status/exitCode").and_then(Value::as_i64).filter(|_| over);
    Ok(Inspected {
        image: named.unwrap_or_default().into(),
        words: started(value),
        exit_code: exit_code.and_then(|c| i32::try_from(c).ok()),
        finished_at,
        pid: pid.and_then(|p| u32::try_from(p).ok()).filter(|p| *p > 0),
    })
}

/// crictl 1.2x prints a time of RFC 3339; the runtime's own API has nanoseconds since the epoch. A container that never ended has 0, which
/// crictl prints as the year 1970 or 1.
fn time(value: &Value) -> Option<Timestamp> {
    let printed = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let counted = || nanoseconds(value).and_then(|n| Timestamp::from_nanosecond(n).ok());
    printed.or_else(counted).filter(|at| *at > Timestamp::UNIX_EPOCH)
}

fn started(value: &Value) -> Vec<String> {
    let words = |pointer: &str| -> Vec<String> {
        let list = value.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|w| w.as_str().map(String::from)).collect()
    };
    let process = words("/info/runtimeSpec/process/args");
    if process.is_empty() {
        return [words("/info/config/command"), words("/info/config/args")].concat();
    }
    process
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_started_and_how_it_ended() {
        let text = r#"{"status":{"state":"CONTAINER_EXITED","exitCode":1,"image":{"image":"registry.k8s.io/kube-apiserver:v1.32.9"}},
            "info":{"config":{"image":{"image":"sha256:1"}},"runtimeSpec":{"process":{"args":["kube-apiserver","--etcd-servers="]}}}}"#;
        let seen = parse(text).unwrap();
        assert_eq!(seen.exit_code, Some(1));
        assert_eq!(seen.finished_at, None);
        assert_eq!(seen.image, "registry.k8s.io/kube-apiserver:v1.32.9");
        assert_eq!(seen.words, ["kube-apiserver", "--etcd-servers="]);
        let alive = parse(r#"{"status":{"state":"CONTAINER_RUNNING","exitCode":0},"info":{"pid":4321,"config":{"command":["a"],"args":["b"]}}}"#).unwrap();
        assert_eq!((alive.exit_code, alive.words.len(), alive.pid), (None, 2, Some(4321)));
        assert_eq!((seen.pid, parse(r#"{"info":{"pid":0}}"#).unwrap().pid), (None, None));
    }

    #[test]
    fn when_a_container_ended() {
        let at = |state: &str, finished: &str| {
            let text = format!(r#"{{"status":{{"state":"{state}","exitCode":1,"finishedAt":{finished}}}}}"#);
            parse(&text).unwrap().finished_at.map(|at| at.to_string())
        };
        let want = Some("2026-11-22T09:15:12.5Z".to_string());
        assert_eq!(at("CONTAINER_EXITED", "\"2026-11-22T09:15:12.5Z\""), want);
        assert_eq!(at("CONTAINER_EXITED", "\"2026-11-22T10:15:12.5+01:00\""), want);
        assert_eq!(at("CONTAINER_EXITED", "\"1795338912500000000\""), want);
        assert_eq!(at("CONTAINER_EXITED", "1795338912500000000"), want);
        for never in ["\"0001-01-01T00:00:00Z\"", "\"1970-01-01T00:00:00Z\"", "\"0\"", "\"x\"", "null"] {
            assert_eq!(at("CONTAINER_EXITED", never), None, "{never}");
        }
        assert_eq!(at("CONTAINER_RUNNING", "\"2026-11-22T09:15:12.5Z\""), None, "it runs");
    }
}
