//! The checks of CoreDNS before an upgrade (`app/phases/upgrade/preflight.go`): its version must be in the migration's table, and its
//! Corefile must have no plugin that the table lacks. They are made whether or not the addon is to be touched.

use super::error::Failed;
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::objects::Key;

/// Of `github.com/coredns/corefile-migration`, those that clusters of these minors run.
const VERSIONS: &[&str] =
    &["1.8.6", "1.9.3", "1.10.0", "1.10.1", "1.11.0", "1.11.1", "1.11.3", "1.11.4", "1.12.0", "1.12.1"];
const PLUGINS: &[&str] = &[
    "autopath",
    "cache",
    "errors",
    "forward",
    "health",
    "hosts",
    "k8s_external",
    "kubernetes",
    "lameduck",
    "log",
    "loadbalance",
    "loop",
    "prometheus",
    "ready",
    "reload",
    "rewrite",
    "transfer",
    "template",
];

/// What is wrong and not ignored, as one block.
pub fn check(ctx: &Ctx, words: &Words) -> Result<(), Failed> {
    let found = [("CoreDNSUnsupportedPlugins", unsupported(ctx)), ("CoreDNSMigration", unknown_version(ctx))];
    let wrong = found.into_iter().filter_map(|(name, text)| Some((name, text?)));
    let (ignored, fatal): (Vec<_>, Vec<_>) = wrong.partition(|(name, _)| ignores(words, name));
    ignored.iter().for_each(|(name, text)| ctx.err(&format!("\t[WARNING {name}]: {text}")));
    match fatal.as_slice() {
        [] => Ok(()),
        fatal => Err(Failed::preflights(fatal)),
    }
}

/// Whether CoreDNS stays as it is, because a check was ignored that failed.
pub fn retained(ctx: &Ctx) -> bool {
    unknown_version(ctx).is_some()
}

fn ignores(words: &Words, check: &str) -> bool {
    let lists = words.options.iter().filter(|(name, _)| name == "--ignore-preflight-errors");
    let mut all = lists.flat_map(|(_, value)| value.split(','));
    all.any(|name| name.eq_ignore_ascii_case("all") || name.eq_ignore_ascii_case(check))
}

fn unknown_version(ctx: &Ctx) -> Option<String> {
    let s = ctx.world.lock();
    let deployment = s.api.get(&Key::new("apps", "deployments", "kube-system", "coredns"))?;
    let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str()?;
    let tag = image.rsplit_once(':')?.1.trim_start_matches('v');
    (!VERSIONS.contains(&tag))
        .then(|| format!("CoreDNS will not be upgraded: start version '{tag}' not supported"))
}

fn unsupported(ctx: &Ctx) -> Option<String> {
    let s = ctx.world.lock();
    let corefile = s.api.get(&Key::config_map("coredns"))?["data"]["Corefile"].as_str()?.to_string();
    let plugins =
        corefile.lines().skip(1).filter(|l| indent(l) == 4).filter_map(|l| l.split_whitespace().next());
    let strange = plugins.filter(|p| *p != "}" && !p.starts_with('#')).any(|p| !PLUGINS.contains(&p));
    strange.then(|| "there are unsupported plugins in the CoreDNS Corefile".to_string())
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
