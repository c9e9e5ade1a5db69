//! Whether the registry has an image, asked through the runtime's own mirrors and proxy.

use super::super::{Site, whole};
use super::runtime::Settings;
use crate::ctr::{self, Reach};
use podlift_model::codes;
use podlift_model::images::{NeededImage, Pullable};
use std::collections::BTreeMap;

/// Asks for each image that is not on the node. A registry that can't be reached is asked once.
pub async fn ask(site: &Site<'_>, needed: &mut [NeededImage], settings: &Settings) {
    let reach = Reach { hosts_dir: hosts_dir(site, settings), proxy: settings.proxy.clone() };
    let mut unreachable: BTreeMap<String, Pullable> = BTreeMap::new();
    for image in needed.iter_mut().filter(|i| !i.present) {
        let registry = image.image.split('/').next().unwrap_or_default().to_string();
        if let Some(known) = unreachable.get(&registry) {
            image.pull = Some(known.clone());
            continue;
        }
        let (answer, all) = answer(site, &image.image, &reach, settings).await;
        if all {
            unreachable.insert(registry, answer.clone());
        }
        image.pull = Some(answer);
    }
}

fn hosts_dir(site: &Site<'_>, settings: &Settings) -> Option<String> {
    let dirs = settings.config_path.as_deref()?.split(':');
    dirs.filter(|dir| !site.names(dir).unwrap_or_default().is_empty()).map(String::from).next()
}

/// The answer, and whether it holds for all images of this registry.
async fn answer(site: &Site<'_>, image: &str, reach: &Reach, settings: &Settings) -> (Pullable, bool) {
    let output = match ctr::manifest(&site.host, image, reach).await {
        Ok(output) if output.success() => return (Pullable::Yes, false),
        Ok(output) => output,
        Err(failure) if failure.code == codes::COMMAND_TIMEOUT => {
            return (refused(settings, "the registry did not answer within 10 s".into()), true);
        }
        Err(failure) => return (Pullable::Unknown(whole(failure)), true),
    };
    let said = last_line(&output.stderr, &output.stdout);
    let Some(said) = said.strip_prefix("ctr: ") else {
        return (Pullable::Unknown(format!("ctr can't ask a registry here: {said}")), true);
    };
    let said = said.to_string();
    if is_credentials(&said) {
        let why = format!("the registry wants credentials, which only containerd has: {said}");
        return (Pullable::Unknown(why), true);
    }
    let missing = said.ends_with("not found");
    (refused(settings, said), !missing)
}

/// A refusal proves nothing if containerd would use mirrors or credentials of its own.
fn refused(settings: &Settings, said: String) -> Pullable {
    match settings.own_registry {
        true => {
            let why =
                "mirrors or credentials in containerd's own configuration can't be tried without a pull";
            Pullable::Unknown(format!("{why}; without them: {said}"))
        }
        false => Pullable::No(said),
    }
}

fn is_credentials(said: &str) -> bool {
    ["401", "403", "unauthorized", "Unauthorized", "Forbidden", "authorization failed", "access denied"]
        .iter()
        .any(|word| said.contains(word))
}

fn last_line(stderr: &str, stdout: &str) -> String {
    let line = |text: &str| text.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(String::from);
    let said = line(stderr).or_else(|| line(stdout)).unwrap_or_else(|| "ctr failed without a word".into());
    said.chars().take(300).collect()
}
