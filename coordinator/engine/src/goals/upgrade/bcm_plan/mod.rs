//! Which nodes go through which software image, from BCM's view alone. An image that nodes share is never changed in place: the nodes of the
//! run get a clone, one for each image and role, and all other nodes keep what they have.

mod groups;
mod names;
mod refuse;
#[cfg(test)]
mod tests;

use crate::goals::{BcmView, PlanInput};
use crate::inventory::{Inventory, NodeEntry, NodeRole};
use crate::program::{BCM_IMAGES, BcmPlan, GoalName, LeftOut};
use groups::Group;
use podlift_model::bcm::{BcmImage, BcmNode, CategoryName, ImageName};
use podlift_model::op::Package;
use podlift_model::{NodeName, PackageVersion};
use std::collections::{BTreeMap, BTreeSet};

pub use names::clone_names;
pub(in crate::goals) use refuse::{Problem, Weight};

/// BCM's part of a plan, with what the steps and the checks need besides.
#[derive(Debug, Clone, Default)]
pub(in crate::goals) struct Drawn {
    /// `None` if BCM is not asked.
    pub plan: Option<BcmPlan>,
    /// Clones that exist and have the target's packages already.
    pub there: BTreeSet<ImageName>,
    /// Images of another architecture than the usual head node's, in which every command is emulated.
    pub slow: BTreeSet<ImageName>,
    pub problems: Vec<Problem>,
}

/// What the run changes besides images.
pub(in crate::goals) struct Books<'a> {
    pub packages: &'a BTreeMap<Package, PackageVersion>,
    /// The run repairs kubeadm-config.
    pub repairs_config: bool,
}

pub(in crate::goals) fn draw(
    input: &PlanInput,
    chosen: &Inventory,
    left_out: &[LeftOut],
    books: &Books,
) -> Drawn {
    let Some(bcm) = &input.bcm else { return Drawn::default() };
    let mut out = Drawn {
        plan: Some(BcmPlan {
            head: bcm.head.clone(),
            images: vec![],
            nodes: BTreeMap::new(),
            version: version(input, books),
            categories: categories(input),
            learn_config: books.repairs_config
                && bcm.state.as_ref().is_ok_and(|s| s.kubeadm_manage && s.mode.acts()),
        }),
        ..Drawn::default()
    };
    let (true, Ok(nodes)) = (goes_by_images(input), &bcm.nodes) else { return out };
    let is_out = |node: &NodeName| left_out.iter().any(|out| out.node == *node);
    // Those that are left out may be included later, and their disks come from images as well.
    let members: Vec<&NodeEntry> = chosen.nodes.iter().collect();
    let groups = groups::of(&members, nodes, &mut out.problems);
    if groups.is_empty() {
        return out;
    }
    match &bcm.images {
        Ok(images) => {
            let needed = |group: &&Group| group.members.iter().any(|(entry, _)| !is_out(&entry.name));
            let (groups, later): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(needed);
            prepare(input, bcm, nodes, images, &groups, books, &mut out);
            give_later(input, &later, &mut out);
        }
        Err(why) => out.problems.push(refuse::unknown_images(&groups, why)),
    }
    let of_out = out.problems.iter_mut().filter(|problem| problem.node.as_ref().is_some_and(is_out));
    of_out.for_each(|problem| problem.weight = Weight::Warn);
    out
}

/// The categories of the workers, as far as the site's groups need them.
fn categories(input: &PlanInput) -> BTreeMap<NodeName, CategoryName> {
    let named = input.options.batches.iter().flat_map(|policy| &policy.groups).any(|g| g.category.is_some());
    let rows = input.bcm.iter().filter(|_| named).filter_map(|bcm| bcm.nodes.as_ref().ok()).flatten();
    let is_worker =
        |row: &&BcmNode| input.inventory.get(&row.name).is_some_and(|node| node.role == NodeRole::Worker);
    rows.filter(is_worker).filter_map(|row| Some((row.name.clone(), row.category.clone()?))).collect()
}

/// Nodes of the run that nobody needs now: their images are not made. If one is included after all, its assignment finds none and says so.
fn give_later(input: &PlanInput, groups: &[&Group], out: &mut Drawn) {
    let Some(plan) = &mut out.plan else { return };
    for group in groups {
        if let Ok(image) = names::of_clone(&group.old, input.to, group.role) {
            plan.nodes.extend(groups::nodes(group, &image));
        }
    }
}

/// Whether nodes of this plan go through their images.
pub(in crate::goals) fn goes_by_images(input: &PlanInput) -> bool {
    let waived = input.waivers.iter().any(|w| w.check == BCM_IMAGES);
    input.goal == GoalName::Upgrade && input.options.images && !waived
}

/// The exact version for BCM's metadata, if the whole control plane has it after the run.
fn version(input: &PlanInput, books: &Books) -> Option<PackageVersion> {
    let whole = |n: &NodeEntry| {
        input.nodes.is_empty() || input.nodes.contains(&n.name) || n.api_server_version() == Some(input.to)
    };
    let version = books.packages.get(&Package::Kubeadm)?;
    input.inventory.control_planes().all(whole).then(|| version.clone())
}

fn prepare(
    input: &PlanInput,
    bcm: &BcmView,
    nodes: &[BcmNode],
    images: &[BcmImage],
    groups: &[&Group],
    books: &Books,
    out: &mut Drawn,
) {
    let find = |name: &ImageName| images.iter().find(|i| i.name == *name);
    let mine: BTreeSet<NodeName> = groups.iter().flat_map(|group| group.nodes()).collect();
    for group in groups {
        let Some(old) = find(&group.old) else {
            out.problems.push(refuse::unknown_image(group, &bcm.head));
            continue;
        };
        let image = match is_at(old, books.packages) {
            true => Some(old.name.clone()),
            false => names::of_clone(&old.name, input.to, group.role)
                .inspect_err(|why| out.problems.push(refuse::bad_name(group, why)))
                .ok(),
        };
        let Some(image) = image else { continue };
        if image == old.name && !is_at(old, books.packages) {
            out.problems.push(refuse::taken(old, books.packages, true));
            continue;
        }
        let plan = groups::plan(group, &image, nodes, &mine);
        out.problems.extend(refuse::of_image(group, old));
        out.problems.extend(refuse::shared(&plan));
        if !plan.is_as_it_is() {
            if old.arch.as_deref().is_some_and(|arch| arch != USUAL) {
                out.slow.insert(image.clone());
            }
            match find(&image) {
                Some(taken) if is_at(taken, books.packages) && !taken.locked => {
                    out.there.insert(image.clone());
                }
                Some(taken) => {
                    let in_use = nodes.iter().any(|row| row.image.as_ref() == Some(&taken.name));
                    out.problems.push(refuse::taken(taken, books.packages, in_use));
                }
                None => {}
            }
        }
        if let Some(bcm_plan) = &mut out.plan {
            bcm_plan.nodes.extend(groups::nodes(group, &image));
            bcm_plan.images.push(plan);
        }
    }
    if let Some(plan) = &mut out.plan {
        groups::give_categories(plan, nodes, &mut out.problems);
    }
    let plans = out.plan.as_ref().map(|p| p.images.clone()).unwrap_or_default();
    out.problems.extend(refuse::same_clone(&plans));
    let new = plans.iter().filter(|p| !p.is_as_it_is() && !out.there.contains(&p.image));
    out.problems.extend(refuse::space(new.filter_map(|p| find(&p.from))));
}

/// dpkg's architecture of most head nodes.
const USUAL: &str = "amd64";

/// The packages that an image has to have.
const PACKAGES: [Package; 3] = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];

/// Whether the image has the target's packages, held.
fn is_at(image: &BcmImage, packages: &BTreeMap<Package, PackageVersion>) -> bool {
    let is = |p: &Package| {
        let there = image.packages.get(p.name());
        packages
            .get(p)
            .is_some_and(|wanted| there.is_some_and(|t| t.held && t.version.as_ref() == Some(wanted)))
    };
    PACKAGES.iter().all(is)
}
