//! `crictl info`: settings of the running containerd.

use super::unreadable;
use crate::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use serde_json::Value;

/// What the running containerd reports. Version 2 of containerd reports less than version 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// The image in which it starts pods.
    pub sandbox: Option<String>,
    /// The folder of its images and snapshots.
    pub root: Option<String>,
}

pub async fn info(host: &Host) -> Result<Info, Failure> {
    let text = must(host, &Invocation::new("crictl", ["info"])).await?;
    let said: Value = serde_json::from_str(&text).map_err(unreadable)?;
    let text = |pointer: &str| said.pointer(pointer).and_then(Value::as_str).filter(|t| !t.is_empty());
    let sandbox = text("/config/sandboxImage").or_else(|| text("/config/pinnedImages/sandbox"));
    Ok(Info { sandbox: sandbox.map(String::from), root: text("/config/containerdRootDir").map(String::from) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn what_both_versions_report() {
        let cases = [
            (
                r#"{"config":{"sandboxImage":"r/pause:3.8","containerdRootDir":"/var/lib/containerd"}}"#,
                (Some("r/pause:3.8"), Some("/var/lib/containerd")),
            ),
            (r#"{"config":{"containerd":{"runtimes":{}}},"golang":"go1.24"}"#, (None, None)),
        ];
        for (text, want) in cases {
            let fakes = Fakes::new(move |_| said(text));
            let found = info(&fakes.host).await.unwrap();
            assert_eq!((found.sandbox.as_deref(), found.root.as_deref()), want);
        }
    }
}
