//! An API server without endpoints exits at once. With other stores than before it starts on other data, or on an empty store.

use super::{Finding, Fix, Situation};
use crate::expectations::{Expectations, endpoints};
use crate::manifest::Manifest;
use crate::splice::Edit;
use crate::why::accept;
use podlift_model::command::is_expanded;
use podlift_model::heal::HealKind;

const SERVERS: &str = "etcd-servers";
const OVERRIDES: &str = "etcd-servers-overrides";
const PREFIX: &str = "etcd-prefix";

/// The prefix that an API server uses without `--etcd-prefix`.
const DEFAULT_PREFIX: &str = "registry";

pub(super) fn etcd_servers(manifest: &Manifest, now: &Situation<'_>) -> Option<Finding> {
    let value = manifest.flag_set().joined(SERVERS);
    let (rule, what) = match value.as_deref() {
        Some(value) if is_expanded(value) || !endpoints(value).is_empty() => return None,
        Some(value) if value.trim().starts_with('-') => {
            let what =
                format!("--etcd-servers has {value} for its value: the next flag, in the value's place");
            let why = "it is not known which of the two words is wrong; write --etcd-servers=ENDPOINTS";
            return Some(Finding::reported("etcd-servers-form", HealKind::Rescue, what, why));
        }
        Some(_) => ("etcd-servers-empty", "--etcd-servers is empty: the API server exits at once"),
        None => ("etcd-servers-missing", "--etcd-servers is missing: the API server exits at once"),
    };
    let fix = expected(now).map(|known| put(manifest, SERVERS, &known.etcd_servers));
    Some(match fix {
        Ok(edit) => Finding::fixed(rule, HealKind::Rescue, what, Fix::Edit(edit)),
        Err(why) => Finding::reported(rule, HealKind::Rescue, what, why),
    })
}

/// The expectations from which the heal may repair, or why it may not.
fn expected<'a>(now: &Situation<'a>) -> Result<&'a Expectations, String> {
    let ignorant = "this node never saw its API server Ready with endpoints that answered: nothing is known to put there";
    let known = now.expected.ok_or(ignorant)?;
    known.may_heal(now.node).map(|()| known)
}

/// Sets the flag in its place, or inserts it if it is missing.
pub(super) fn put(manifest: &Manifest, flag: &str, value: &str) -> Edit {
    let (there, flag, value) = (!manifest.find(flag).is_empty(), flag.to_string(), value.to_string());
    if there { Edit::Set { flag, value } } else { Edit::Insert { flag, value } }
}

/// Checks `--etcd-prefix` and `--etcd-servers-overrides`: without them, or with other values, the API server uses another store and shows
/// an empty cluster.
pub(super) fn stores(manifest: &Manifest, now: &Situation<'_>) -> Vec<Finding> {
    let Some(known) = now.expected else { return Vec::new() };
    // Expectations from before podlift kept these two lack them; only the last good manifest has them then.
    let good = |flag: &str| now.good.and_then(|good| good.flag_set().joined(flag));
    let was = |flag: &str, known: &Option<String>| known.clone().or_else(|| good(flag));
    let prefix = store(manifest, now, PREFIX, was(PREFIX, &known.etcd_prefix));
    let overrides = store(manifest, now, OVERRIDES, was(OVERRIDES, &known.etcd_overrides));
    prefix.into_iter().chain(overrides).collect()
}

fn store(
    manifest: &Manifest,
    now: &Situation<'_>,
    flag: &'static str,
    was: Option<String>,
) -> Option<Finding> {
    let was = was.filter(|value| !value.trim().is_empty());
    let is = manifest.flag_set().joined(flag).filter(|value| !value.trim().is_empty());
    if same_store(flag, was.as_deref(), is.as_deref()) || is.as_deref().is_some_and(is_expanded) {
        return None;
    }
    let effect = "the API server starts on another store";
    match (was, is) {
        (Some(was), None) => Some(lost(manifest, now, flag, &was, effect)),
        (was, Some(is)) => {
            let was = was.unwrap_or_else(|| "not set".into());
            let what = format!("--{flag} is {is}, expected {was}: {effect}");
            let why = format!(
                "what somebody set is not changed; {} takes it over",
                accept(now.node, manifest.component)
            );
            Some(Finding::reported("etcd-store-changed", HealKind::Rescue, what, why))
        }
        (None, None) => None,
    }
}

fn lost(manifest: &Manifest, now: &Situation<'_>, flag: &str, was: &str, effect: &str) -> Finding {
    let what = format!("--{flag} was {was} and is lost: {effect}");
    let report = |why: String| Finding::reported("etcd-store-lost", HealKind::Rescue, what.clone(), why);
    if now.is_meant(manifest.component, flag) {
        return report(super::MEANT.into());
    }
    if manifest.find(flag).len() > 1 {
        return report("it is set more than once".into());
    }
    match expected(now) {
        Ok(_) => {
            let edit = Fix::Edit(put(manifest, flag, was));
            Finding::fixed("etcd-store-lost", HealKind::Rescue, what.clone(), edit)
        }
        Err(why) => report(why),
    }
}

fn same_store(flag: &str, was: Option<&str>, is: Option<&str>) -> bool {
    match flag {
        PREFIX => prefix(was) == prefix(is),
        _ => endpoints(was.unwrap_or_default()) == endpoints(is.unwrap_or_default()),
    }
}

fn prefix(value: Option<&str>) -> String {
    value.unwrap_or(DEFAULT_PREFIX).trim().trim_matches('/').to_string()
}
