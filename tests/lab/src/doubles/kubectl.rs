//! kubectl version --client.

use super::ctx::Ctx;
use super::words::Words;
use serde_json::json;

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let words = Words::of(args, &["-o", "--output"]);
    let version = ctx.version_of("kubectl");
    let (Some(v), "version") = (version, words.word(0)) else {
        ctx.err("error: unknown command");
        return 1;
    };
    if words.get("--short").is_some() {
        ctx.err("error: unknown flag: --short\nSee 'kubectl version --help' for usage.");
        return 1;
    }
    match words.get("-o").or(words.get("--output")) {
        Some("json") => {
            let client = json!({"major": v.major.to_string(), "minor": v.minor.to_string(), "gitVersion": v.to_string(),
                "gitTreeState": "clean", "platform": "linux/amd64"});
            let all = json!({"clientVersion": client, "kustomizeVersion": "v5.5.0"});
            ctx.out(&serde_json::to_string_pretty(&all).unwrap_or_default());
        }
        _ => ctx.out(&format!("Client Version: {v}\nKustomize Version: v5.5.0")),
    }
    0
}
