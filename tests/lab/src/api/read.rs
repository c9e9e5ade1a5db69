//! GET of an object and of a list: selectors, pages that all show one moment, old versions, tables.

use super::continued::Token;
use super::route::{Call, Target, Wants};
use super::selectors::Selector;
use super::{Reply, shown, status};
use crate::objects::Key;
use crate::world::{State, World};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn read(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    if call.wants() == Wants::Other {
        return status::not_acceptable();
    }
    if target.name.is_empty() {
        return list(world, target, call);
    }
    let found = world.lock().api.get(&target.key()).cloned();
    match found {
        Some(v) => status::reply_json(200, &shown::one(world, target, call, &v)),
        None => status::not_found(target),
    }
}

pub fn list(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    let selector = match Selector::of(target.kind, call) {
        Ok(selector) => selector,
        Err(e) => return status::bad_request(&e),
    };
    let page = match page(&world.lock(), target, call, &selector) {
        Ok(page) => page,
        Err(reply) => return *reply,
    };
    shown::list(world, target, call, page.metadata, &page.items)
}

struct Page {
    metadata: Value,
    items: Vec<Arc<Value>>,
}

/// The wanted part of what there was at the wanted moment.
fn page(s: &State, target: &Target, call: &Call, selector: &Selector) -> Result<Page, Box<Reply>> {
    let (version, after) = moment(s, target, call)?;
    let mine = |(k, v): &(&Key, &Arc<Value>)| {
        in_namespace(target, &k.namespace)
            && after.as_ref().is_none_or(|a| (&k.namespace, &k.name) >= (&a.0, &a.1))
            && selector.matches(v)
    };
    let cloned = |(k, v): (&Key, &Arc<Value>)| (k.clone(), v.clone());
    let mut all: Vec<(Key, Arc<Value>)> = if version == s.api.version {
        now(s, target, selector).filter(mine).map(cloned).collect()
    } else {
        let then = s.api.at(version, target.kind.group, target.kind.resource);
        let then = then.ok_or_else(|| Box::new(expired(s, target, &after)))?;
        then.iter().filter(mine).map(cloned).collect()
    };
    let mut metadata = json!({"resourceVersion": version.to_string()});
    let limit = call.get("limit").and_then(|l| l.parse().ok()).filter(|l| *l > 0).unwrap_or(usize::MAX);
    if all.len() > limit {
        if selector.is_empty() {
            metadata["remainingItemCount"] = json!(all.len() - limit);
        }
        all.truncate(limit);
        let last =
            all.last().map(|(k, _)| (k.namespace.clone(), format!("{}\0", k.name))).unwrap_or_default();
        metadata["continue"] = json!(Token { version, start: last }.text(target));
    }
    Ok(Page { metadata, items: all.into_iter().map(|(_, v)| v).collect() })
}

/// What there is now; of pods on one node only those, because the real server has an index of them, too.
fn now<'a>(
    s: &'a State,
    target: &'a Target,
    selector: &'a Selector,
) -> Box<dyn Iterator<Item = (&'a Key, &'a Arc<Value>)> + 'a> {
    match selector.node().filter(|_| target.kind.kind == "Pod") {
        Some(node) => Box::new(s.api.shared_on(node)),
        None => Box::new(s.api.shared(target.kind.group, target.kind.resource)),
    }
}

type Start = Option<(String, String)>;

/// At which version, and from which name on.
fn moment(s: &State, target: &Target, call: &Call) -> Result<(u64, Start), Box<Reply>> {
    if let Some(text) = call.get("continue").filter(|t| !t.is_empty()) {
        let bad = || status::bad_request("continue key is not valid: illegal base64 data or unknown version");
        let token = Token::read(text, target).ok_or_else(|| Box::new(bad()))?;
        // -1: the rest as it is now, inconsistent with the first pages.
        let version = if token.version == u64::MAX { s.api.version } else { token.version };
        return Ok((version, Some(token.start)));
    }
    let given = call.get("resourceVersion").filter(|v| !v.is_empty());
    let Some(given) = given else { return Ok((s.api.version, None)) };
    let version: u64 = given.parse().map_err(|_| {
        Box::new(status::bad_request(&format!(
            "Invalid value: \"{given}\": strconv.ParseUint: parsing \"{given}\": invalid syntax"
        )))
    })?;
    if version > s.api.version {
        return Err(Box::new(status::too_large(version, s.api.version)));
    }
    match call.get("resourceVersionMatch") {
        Some("Exact") => Ok((version, None)),
        _ => Ok((s.api.version, None)),
    }
}

/// 410: with a token that goes on with what is there now, where there was one.
fn expired(s: &State, target: &Target, after: &Start) -> Reply {
    match after {
        Some(start) => {
            let token = Token { version: u64::MAX, start: start.clone() }.text(target);
            status::expired_page(&token)
        }
        None => {
            let message =
                format!("The resourceVersion for the provided list is too old. ({})", s.api.forgotten);
            status::failure(410, "Expired", &message, Value::Null)
        }
    }
}

pub fn in_namespace(target: &Target, namespace: &str) -> bool {
    target.namespace.is_empty() || target.namespace == namespace
}
