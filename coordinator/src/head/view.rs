//! BCM's part of a plan's input: one question after another, and none that the plan does not need. Each part that is not known has its own
//! reason. If the agent is away, or if BCM takes too long, the rest is not asked, so that a plan waits once and not a dozen times.

use super::{Head, groups};
use crate::dispatch::HEAD_UNREACHABLE;
use crate::exec::Counts;
use podlift_engine::goals::{BcmView, clone_names};
use podlift_engine::inventory::Inventory;
use podlift_model::bcm::{BcmExcludes, BcmImage, BcmNode, ImageName};
use podlift_model::survey::Seen;
use podlift_model::{KubeVersion, Look, NodeName, OpOutput};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Time after which no further question is asked.
const ENOUGH: Duration = Duration::from_secs(600);

const BCM: &str = "BCM";
const IMAGES: &str = "software images";
const FILES: &str = "files of software images";
const EXCLUDES: &str = "exclude lists";

/// What the plan needs to know of BCM.
pub struct Scope<'a> {
    pub inventory: &'a Inventory,
    /// The nodes that the run works on; empty for all.
    pub nodes: &'a [NodeName],
    /// The version after the run.
    pub to: KubeVersion,
    /// Nodes are upgraded through their software images.
    pub images: bool,
}

/// The questions of one view.
struct Asking<'a> {
    head: &'a Head,
    counts: &'a Counts,
    until: Instant,
    /// Why nothing is asked any more.
    stopped: Option<String>,
}

impl Asking<'_> {
    async fn one<T>(
        &mut self,
        what: &'static str,
        look: Look,
        pick: impl FnOnce(OpOutput) -> Option<T>,
    ) -> Seen<T> {
        let seen = match self.why_not() {
            Some(why) => Err(why),
            None => self.head.ask(look, pick).await.map_err(|failure| {
                if failure.code == HEAD_UNREACHABLE {
                    self.stopped = Some(failure.message.clone());
                }
                failure.message
            }),
        };
        self.counts.one(what);
        seen
    }

    fn why_not(&self) -> Option<String> {
        let late = || {
            format!(
                "it was not asked for, because BCM needed more than {} s for the questions before",
                ENOUGH.as_secs()
            )
        };
        self.stopped.clone().or_else(|| (Instant::now() >= self.until).then(late))
    }
}

impl Head {
    /// BCM's part of a plan's input.
    pub(crate) async fn view(&self, scope: &Scope<'_>, counts: &Counts) -> BcmView {
        let mut asking = Asking { head: self, counts, until: Instant::now() + ENOUGH, stopped: None };
        let mut view = self.base(&mut asking).await;
        let listed = view.nodes.as_deref().unwrap_or_default();
        let mine: Vec<&BcmNode> = groups::of_scope(scope, listed);
        if mine.is_empty() || !scope.images {
            let why =
                if scope.images { "no chosen node has a software image" } else { "[bcm] images is false" };
            (view.images, view.provisioning) = (not_asked(why), not_asked(why));
            return view;
        }
        let (images, excludes) = (groups::images(&mine), groups::excludes(scope, &mine));
        view.images = looked_into(&mut asking, &images, scope.to).await;
        view.provisioning = asking
            .one(IMAGES, Look::BcmProvisioning, |output| match output {
                OpOutput::BcmProvisioning(seen) => Some(seen),
                _ => None,
            })
            .await;
        view.excludes = of_groups(&mut asking, excludes).await;
        view
    }

    async fn base(&self, asking: &mut Asking<'_>) -> BcmView {
        asking.counts.begin(BCM, 5);
        let state = |output| match output {
            OpOutput::BcmHead(state) => Some(state),
            _ => None,
        };
        let minors = |output| match output {
            OpOutput::BcmVersions(minors) => Some(minors),
            _ => None,
        };
        let recorded = |output| match output {
            OpOutput::BcmClusterVersion(version) => Some(version),
            _ => None,
        };
        let clusters = |output| match output {
            OpOutput::BcmClusters(all) => Some(all),
            _ => None,
        };
        let nodes = |output| match output {
            OpOutput::BcmNodes(all) => Some(all),
            _ => None,
        };
        BcmView {
            state: asking.one(BCM, Look::BcmHead, state).await,
            minors: asking.one(BCM, Look::BcmVersions, minors).await,
            recorded: asking.one(BCM, Look::BcmClusterVersion, recorded).await,
            clusters: asking.one(BCM, Look::BcmClusters, clusters).await,
            nodes: asking.one(BCM, Look::BcmNodes, nodes).await,
            ..BcmView::of(self.name.clone())
        }
    }
}

fn not_asked<T>(why: &str) -> Seen<T> {
    Err(format!("it was not asked for: {why}"))
}

/// All images of BCM's list. The files of those in use, and of clones of them for the target, are looked at too.
async fn looked_into(
    asking: &mut Asking<'_>,
    used: &BTreeSet<ImageName>,
    to: KubeVersion,
) -> Seen<Vec<BcmImage>> {
    // The list, and the provisioners after it.
    asking.counts.begin(IMAGES, 2);
    let list = |output| match output {
        OpOutput::BcmImages(all) => Some(all),
        _ => None,
    };
    let mut all = asking.one(IMAGES, Look::BcmImages, list).await?;
    let clones: BTreeSet<ImageName> = used.iter().flat_map(|image| clone_names(image, to)).collect();
    let wanted = |name: &ImageName| used.contains(name) || clones.contains(name);
    asking.counts.begin(FILES, all.iter().filter(|image| wanted(&image.name)).count());
    for image in all.iter_mut().filter(|image| wanted(&image.name)) {
        let name = image.name.clone();
        let seen = asking
            .one(FILES, Look::BcmImage { image: name.clone() }, |output| match output {
                OpOutput::BcmImage(seen) if seen.as_ref().is_none_or(|s| s.name == name) => {
                    Some(seen.map(|image| *image))
                }
                _ => None,
            })
            .await;
        let gone = || format!("software image {name} is in BCM's list, and BCM has no image of that name");
        *image = seen.map_err(|why| format!("software image {name}: {why}"))?.ok_or_else(gone)?;
    }
    Ok(all)
}

async fn of_groups(asking: &mut Asking<'_>, nodes: Vec<NodeName>) -> BTreeMap<NodeName, Seen<BcmExcludes>> {
    asking.counts.begin(EXCLUDES, nodes.len());
    let mut out = BTreeMap::new();
    for node in nodes {
        let pick = |output| match output {
            OpOutput::BcmExcludes(lists) if lists.node == node => Some(lists),
            _ => None,
        };
        let seen = asking.one(EXCLUDES, Look::BcmExcludes { node: node.clone() }, pick).await;
        out.insert(node, seen);
    }
    out
}
