//! kubeadm version.

use super::error::Ended;
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use serde_json::json;

pub fn run(ctx: &Ctx, words: &Words) -> Ended {
    let v = super::own_version(ctx);
    let info = json!({"major": v.major.to_string(), "minor": v.minor.to_string(), "gitVersion": v.to_string(),
        "gitCommit": "0000000000000000000000000000000000000000", "gitTreeState": "clean", "buildDate": "2025-01-01T00:00:00Z",
        "goVersion": "go1.24.11", "compiler": "gc", "platform": "linux/amd64"});
    match words.get("-o").or(words.get("--output")) {
        Some("short") => ctx.out(&v.to_string()),
        Some("json") => {
            ctx.out(&serde_json::to_string_pretty(&json!({"clientVersion": info})).unwrap_or_default())
        }
        _ => ctx.out(&format!(
            "kubeadm version: &version.Info{{Major:\"{}\", Minor:\"{}\", GitVersion:\"{v}\"}}",
            v.major, v.minor
        )),
    }
    Ok(())
}
