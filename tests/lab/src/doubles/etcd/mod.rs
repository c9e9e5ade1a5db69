//! etcdctl and etcdutl 3.5 on the external clusters: each endpoint answers as the cluster that it belongs to.

mod members;
mod snapshot;

use super::ctx::Ctx;
use super::words::Words;

const VALUED: &[&str] = &[
    "--endpoints",
    "--cacert",
    "--cert",
    "--key",
    "-w",
    "--write-out",
    "--command-timeout",
    "--dial-timeout",
    "--data-dir",
];

pub async fn run(ctx: &Ctx, program: &str, args: &[String]) -> i32 {
    let words = Words::of(args, VALUED);
    if program == "etcdctl" && ctx.env.get("ETCDCTL_API").is_some_and(|v| v != "3") {
        ctx.err("Error: unknown command for \"etcdctl\"");
        return 1;
    }
    let flag = words
        .get("--endpoints")
        .map(ToString::to_string)
        .or_else(|| ctx.env.get("ETCDCTL_ENDPOINTS").cloned());
    let endpoints: Vec<String> =
        flag.unwrap_or_else(|| "127.0.0.1:2379".into()).split(',').map(|e| e.trim().to_string()).collect();
    if let Some(file) =
        ["--cacert", "--cert", "--key"].iter().filter_map(|n| words.get(n)).find(|f| !ctx.disk().exists(f))
    {
        ctx.err(&format!("Error: open {file}: no such file or directory"));
        return 1;
    }
    match (words.word(0), words.word(1)) {
        ("member", "list") => members::list(ctx, &endpoints, &words).await,
        ("member", "remove") => members::remove(ctx, &endpoints, words.word(2)).await,
        ("endpoint", "status") => members::status(ctx, &endpoints, &words).await,
        ("endpoint", "health") => members::health(ctx, &endpoints, &words).await,
        ("alarm", "list") => members::alarms(ctx, &endpoints, &words).await,
        ("move-leader", to) => members::move_leader(ctx, &endpoints, to).await,
        ("snapshot", "save") => snapshot::save(ctx, &endpoints, words.word(2)).await,
        ("snapshot", "restore") => {
            snapshot::restore(ctx, words.word(2), words.get("--data-dir").unwrap_or("default.etcd")).await
        }
        ("snapshot", "status") => snapshot::status(ctx, words.word(2), json(&words)),
        _ => {
            ctx.err(&format!("Error: unknown command {:?} for \"{program}\"", words.words.join(" ")));
            1
        }
    }
}

fn json(words: &Words) -> bool {
    words.get("-w").or(words.get("--write-out")) == Some("json")
}
