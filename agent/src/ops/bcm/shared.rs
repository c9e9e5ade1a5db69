//! Checks and messages that several ops of a head node share.

use super::{Cx, own};
use podlift_model::bcm::{BcmImage, ImageName};
use podlift_model::{Failure, codes};
use podlift_tools::bcm::chroot::Place;
use podlift_tools::bcm::{categories, image, images, lock, nodes};

/// The image as it is now.
pub async fn image(cx: &Cx<'_>, name: &ImageName) -> Result<BcmImage, Failure> {
    image::find(&cx.node.host, name).await?.ok_or_else(|| missing(name))
}

/// The folder of an image that podlift has made, also if it was removed from BCM meanwhile; `None` if it is not known.
pub async fn folder(cx: &Cx<'_>, name: &ImageName) -> Result<Option<String>, Failure> {
    let listed = images::find(&cx.node.host, name).await?.map(|listed| listed.path);
    Ok(listed.or_else(|| own::read(cx.node, name).map(|own| own.path)))
}

pub fn missing(name: &ImageName) -> Failure {
    let message = format!(
        "BCM has no software image {name}; see cmsh -c \"softwareimage; list\", then podlift retry or plan again"
    );
    Failure::operator(codes::BCM_MISSING, message)
}

/// The failure for a change that did not happen. `said` is what the tool printed.
pub fn no_effect(what: &str, said: &str) -> Failure {
    let message = format!(
        "{what}, although BCM's tool ended; its own words are below: mend what they name, then podlift retry"
    );
    Failure::operator(codes::BCM_NO_EFFECT, message).with_detail(said)
}

/// Fails if a node or a category has the image. BCM that lists nothing at all has only begun to answer.
pub async fn is_unused(cx: &Cx<'_>, name: &ImageName) -> Result<(), Failure> {
    let host = &cx.node.host;
    let (nodes, categories) = (nodes::look(host).await?, categories::look(host).await?);
    if categories.is_empty() {
        let message =
            format!("{name} was not removed: BCM lists no category at all, so who uses it is not known");
        return Err(Failure::transient(codes::BCM_IMAGE_IN_USE, message));
    }
    let of_nodes = nodes.iter().filter(|n| n.image.as_ref() == Some(name)).map(|n| n.name.as_str());
    let of_categories = categories.iter().filter(|(_, i)| i.as_ref() == Some(name)).map(|(n, _)| n.as_str());
    match (some(of_nodes), some(of_categories)) {
        (Some(users), _) => Err(in_use(name, &format!("nodes use it ({users})"))),
        (_, Some(users)) => Err(in_use(name, &format!("categories use it ({users})"))),
        (None, None) => Ok(()),
    }
}

fn in_use(name: &ImageName, by: &str) -> Failure {
    let message = format!(
        "{name} was not removed: {by}; give them another image first (podlift status shows which run did that), then podlift retry"
    );
    Failure::operator(codes::BCM_IMAGE_IN_USE, message)
}

/// The first ten names, and how many more there are; `None` for none.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    const SHOWN: usize = 10;
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        n if n > SHOWN => Some(format!("{shown} and {} more", n - SHOWN)),
        _ => Some(shown),
    }
}

/// The image, if it may be changed: it is podlift's own, it is locked, and nothing is mounted or runs in it.
pub async fn changeable(cx: &Cx<'_>, name: &ImageName, what: &str) -> Result<BcmImage, Failure> {
    let found = image(cx, name).await?;
    match own::read(cx.node, name) {
        None => return Err(own::not_ours(name, what)),
        Some(own) if !own.whole => {
            let message = format!(
                "{name} was not {what}: its copy from {} was interrupted and is not complete; podlift retry makes it again",
                own.from
            );
            return Err(Failure::operator(codes::BCM_MISSING, message));
        }
        Some(_) => {}
    }
    // In the list an unknown lock counts as one; here it has to be a real one.
    if !lock::look(&cx.node.host, name).await? {
        let message = format!(
            "{name} was not {what}: it is not locked, so that a node that reboots now would get half of the change; cmsh -c \"softwareimage lock {name}\", then podlift retry"
        );
        return Err(Failure::operator(codes::BCM_IMAGE_UNLOCKED, message));
    }
    match found.inside.is_empty() {
        true => Ok(found),
        false => Err(image::left(&found.path, &found.inside)),
    }
}

pub fn place(image: &BcmImage) -> Place {
    Place { path: image.path.clone(), arch: image.arch.clone() }
}
