//! The small fleet's BCM, as the agent of a head node shows and changes it. It is no kinder than the facts: an image that was changed in its
//! folder counts as old on the provisioners, a commit may be lost, and an update may send the wrong image.

use super::fleet::{PLANES, State, name};
use podlift_common::clock::{Clock as _, TokioClock};
use podlift_model::bcm::*;
use podlift_model::op::PackagePin;
use podlift_model::*;
use std::collections::{BTreeMap, BTreeSet};

pub const HEAD: &str = "head-01";
const START: &str = "2026-11-22T02:00:00Z";

/// What BCM has, and the faults that a test may switch on.
pub struct Site {
    pub state: HeadState,
    pub clusters: Vec<BcmCluster>,
    pub minors: Vec<Minor>,
    pub recorded: PackageVersion,
    pub nodes: BTreeMap<NodeName, BcmNode>,
    pub images: BTreeMap<ImageName, BcmImage>,
    pub provisioning: BcmProvisioning,
    pub syncs: BTreeMap<NodeName, BcmSync>,
    /// Patterns of every exclude list.
    pub excludes: Vec<String>,
    /// Looks that were asked, in order.
    pub asked: Vec<Look>,
    /// Questions that are under way, and the most that were at once.
    pub at_once: usize,
    pub most_at_once: usize,
    // Faults.
    /// Its agent is of a version that knows none of the looks and ops of images.
    pub old: bool,
    /// Looks, by verb, that never get an answer.
    pub deaf: BTreeSet<&'static str>,
    /// Ops, by verb, that end well and change nothing.
    pub idle: BTreeSet<&'static str>,
    made: BTreeSet<ImageName>,
    clock: TokioClock,
}

fn image(name: &str) -> ImageName {
    ImageName::new(name).unwrap()
}

/// An image with the packages of 1.31.9.
fn old_image(name: &str) -> BcmImage {
    let version: PackageVersion = "1.31.9-1.1".parse().unwrap();
    let package = |p: &str| (p.to_string(), ImagePackage { version: Some(version.clone()), held: true });
    BcmImage {
        name: image(name),
        path: format!("/cm/images/{name}"),
        kernel: "6.8.0-1041-nvidia".into(),
        locked: false,
        arch: Some("amd64".into()),
        packages: ["kubeadm", "kubelet", "kubectl"].into_iter().map(package).collect(),
        source: Some(version.kube.minor()),
        size_bytes: Some(30 << 30),
        free_bytes: Some(1 << 40),
        inside: vec![],
        agent: true,
        pins: vec![],
    }
}

/// Category of a node, and its image.
fn kind(node: &NodeName) -> (&'static str, &'static str) {
    match PLANES.contains(&node.as_str()) {
        true => ("runai-control-plane", "k8s-image"),
        false => ("dgx-h100", "dgx-image"),
    }
}

impl Site {
    /// Workers and control-plane nodes, each kind with a category and an image of its own.
    fn of(nodes: impl Iterator<Item = NodeName>) -> Self {
        let row = |node: NodeName| {
            let (category, of) = kind(&node);
            let row = BcmNode {
                name: node.clone(),
                kind: "PhysicalNode".into(),
                category: CategoryName::new(category).ok(),
                image: ImageName::new(of).ok(),
                from: ImageFrom::Category,
            };
            (node, row)
        };
        let images = ["dgx-image", "k8s-image", "default-image"].map(|name| (image(name), old_image(name)));
        let provisioner = |node: &str| Provisioner {
            node: node.into(),
            slots: 10,
            in_use: 0,
            drained: false,
            up_to_date: Some(images.iter().map(|(name, _)| name.clone()).collect()),
        };
        let provisioners = vec![provisioner(HEAD), provisioner("head-02")];
        let cluster =
            |name: &str| BcmCluster { name: name.parse().unwrap(), version: "1.31.9-1.1".parse().ok() };
        Self {
            state: HeadState {
                mode: HeadMode::Active,
                text: "running in active master mode".into(),
                cm_setup: Some("10.0-121078".into()),
                bcm: Some("11.0".into()),
                kubeadm_manage: true,
            },
            clusters: vec![cluster("k8s-admin"), cluster("runaicluster")],
            minors: ["1.32", "1.31"].iter().map(|m| m.parse().unwrap()).collect(),
            recorded: "1.31.9-1.1".parse().unwrap(),
            nodes: nodes.map(row).collect(),
            images: images.into(),
            provisioning: BcmProvisioning { idle: true, provisioners, ..BcmProvisioning::default() },
            syncs: BTreeMap::new(),
            excludes: PROTECTED
                .iter()
                .map(|path| format!("{path}/*"))
                .chain(PROTECTED.iter().map(ToString::to_string))
                .collect(),
            asked: vec![],
            at_once: 0,
            most_at_once: 0,
            old: false,
            deaf: BTreeSet::new(),
            idle: BTreeSet::new(),
            made: BTreeSet::new(),
            clock: TokioClock::starting_at(START.parse().unwrap()),
        }
    }

    /// The answer to a look; `None` if the double does not play it.
    fn answer(&mut self, look: &Look) -> Option<Result<OpOutput, Failure>> {
        let older = matches!(look, Look::BcmVersions | Look::BcmClusterVersion | Look::BcmApplications);
        if self.old && !older {
            let text = "field observe.what is not valid: unknown enumeration value 17";
            return Some(Err(Failure::permanent(codes::INVALID_REQUEST, text)));
        }
        Some(Ok(match look {
            Look::BcmVersions => OpOutput::BcmVersions(self.minors.clone()),
            Look::BcmClusterVersion => OpOutput::BcmClusterVersion(self.recorded.clone()),
            Look::BcmApplications => OpOutput::BcmApplications(vec![]),
            Look::BcmHead => OpOutput::BcmHead(self.state.clone()),
            Look::BcmClusters => OpOutput::BcmClusters(self.clusters.clone()),
            Look::BcmNodes => OpOutput::BcmNodes(self.nodes.values().cloned().collect()),
            Look::BcmImages => OpOutput::BcmImages(self.images.values().map(listed).collect()),
            Look::BcmImage { image } => OpOutput::BcmImage(self.images.get(image).cloned().map(Box::new)),
            Look::BcmExcludes { node } => OpOutput::BcmExcludes(BcmExcludes {
                node: node.clone(),
                update: self.excludes.clone(),
                sync: self.excludes.clone(),
            }),
            Look::BcmProvisioning => OpOutput::BcmProvisioning(self.provisioning.clone()),
            Look::BcmSync { node } => {
                OpOutput::BcmSync(Box::new(self.syncs.get(node).cloned().unwrap_or_else(|| never(node))))
            }
            _ => return None,
        }))
    }

    fn change(&mut self, op: &BcmOp) -> Result<(), Failure> {
        let refused = |code: &str, text: String| Err(Failure::operator(code, text));
        match op {
            BcmOp::ImageClone { from, image } => {
                if self.images.contains_key(image) && !self.made.contains(image) {
                    return refused("bcm-image-exists", format!("software image {image} is there already"));
                }
                let path = format!("/cm/images/{image}");
                let clone = BcmImage { name: image.clone(), path, ..self.images[from].clone() };
                self.images.insert(image.clone(), clone);
                self.made.insert(image.clone());
            }
            BcmOp::ImageRemove { image } => {
                if !self.made.contains(image) {
                    return refused("bcm-image-not-ours", format!("this agent has not made {image}"));
                }
                if self.nodes.values().any(|row| row.image.as_ref() == Some(image)) {
                    return refused("bcm-image-in-use", format!("a node has {image}"));
                }
                self.images.remove(image);
            }
            BcmOp::ImageLock { image } => self.image(image).locked = true,
            BcmOp::ImageUnlock { image } => self.image(image).locked = false,
            BcmOp::ImageSource { image, minor } => self.image(image).source = Some(*minor),
            BcmOp::ImagePackages { image, packages } => {
                for PackagePin { package, version } in packages {
                    let there = ImagePackage { version: Some(version.clone()), held: true };
                    self.image(image).packages.insert(package.name().into(), there);
                }
                for provisioner in &mut self.provisioning.provisioners {
                    provisioner.up_to_date.iter_mut().for_each(|list| list.retain(|has| has != image));
                }
            }
            BcmOp::Provisioners { image } => {
                for provisioner in &mut self.provisioning.provisioners {
                    provisioner.up_to_date.iter_mut().for_each(|list| list.push(image.clone()));
                }
            }
            BcmOp::AssignImage { node, image } => {
                let row = self.nodes.get_mut(node).unwrap();
                (row.image, row.from) = (Some(image.clone()), ImageFrom::Node);
            }
            BcmOp::FollowCategory { node } => {
                let row = self.nodes.get_mut(node).unwrap();
                (row.image, row.from) = (ImageName::new(kind(node).1).ok(), ImageFrom::Category);
            }
            BcmOp::SyncDryRun { node, image } => {
                drop(self.syncs.insert(node.clone(), self.log(node, image, true)))
            }
            BcmOp::Sync { node, image } => {
                if self.nodes[node].image.as_ref() != Some(image) {
                    return refused("bcm-image-in-use", format!("{node} has another image than {image}"));
                }
                self.syncs.insert(node.clone(), self.log(node, image, false));
            }
            BcmOp::CategoryImage { category, image, nodes } => {
                let of = |row: &&mut BcmNode| row.category.as_ref() == Some(category);
                for row in self.nodes.values_mut().filter(of) {
                    if nodes.contains(&row.name) || row.from == ImageFrom::Category {
                        (row.image, row.from) = (Some(image.clone()), ImageFrom::Category);
                    }
                }
            }
            BcmOp::ClusterVersion { version } => self.recorded = version.clone(),
            BcmOp::LearnKubeadmConfig => {}
        }
        Ok(())
    }

    fn image(&mut self, image: &ImageName) -> &mut BcmImage {
        self.images.get_mut(image).unwrap()
    }

    fn log(&self, node: &NodeName, image: &ImageName, dry_run: bool) -> BcmSync {
        BcmSync {
            began: Some(self.clock.now()),
            mode: Some(SyncMode::Update),
            image: Some(self.images[image].path.clone()),
            dry_run: Some(dry_run),
            completed: true,
            rsync_code: Some(0),
            changes: 40,
            ..never(node)
        }
    }
}

/// A row of the list, which has nothing of the image's files.
fn listed(image: &BcmImage) -> BcmImage {
    BcmImage {
        arch: None,
        packages: BTreeMap::new(),
        source: None,
        size_bytes: None,
        free_bytes: None,
        agent: false,
        ..image.clone()
    }
}

/// A node that was never updated from its image.
fn never(node: &NodeName) -> BcmSync {
    BcmSync {
        node: node.clone(),
        began: None,
        mode: None,
        image: None,
        dry_run: None,
        completed: false,
        rsync_code: None,
        touches: vec![],
        deletes: 0,
        changes: 0,
        request: None,
    }
}

impl State {
    /// Adds a head node with its agent, and a BCM that provisions every node from an image.
    pub fn add_bcm(&mut self) {
        let site = Site::of(self.views.keys().cloned());
        self.site = Some(site);
        self.add_head(HEAD);
        for view in self.views.values_mut() {
            view.labels.insert("kubernetes.io/arch".into(), "amd64".into());
        }
    }

    /// Adds the agent of a head node.
    pub fn add_head(&mut self, head: &str) {
        self.heads.insert(name(head), LedgerId::new(format!("ledger-{head}")).unwrap());
        self.ledgers.insert(name(head), BTreeMap::new());
    }

    /// The site. A test that asks for it has made one.
    pub fn bcm_site(&mut self) -> &mut Site {
        self.site.as_mut().unwrap()
    }

    /// The answer of the agent of a head node; `None` if it never comes.
    pub(super) fn of_head(&mut self, node: &NodeName, look: &Look) -> Option<Result<OpOutput, Failure>> {
        if self.offline.contains(node) {
            return Some(Err(crate::dispatch::unreachable(node, "it is not connected")));
        }
        let site = self.site.as_mut();
        if let Some(site) = &site
            && site.deaf.contains(look.verb())
        {
            return None;
        }
        let answer = site.and_then(|site| {
            site.asked.push(look.clone());
            site.answer(look)
        });
        if let Some(told) = self.bcm.get(look.verb()) {
            return Some(Ok(told.clone()));
        }
        let absent = || Err(Failure::permanent("bcm-answer", "cmsh is in none of /cm"));
        Some(answer.unwrap_or_else(absent))
    }

    /// Carries out an op of a head node.
    pub(super) fn bcm_op(&mut self, op: &BcmOp) -> Result<(), Failure> {
        let site = self.site.as_mut().unwrap();
        if site.idle.contains(op.verb()) {
            return Ok(());
        }
        site.change(op)?;
        if let BcmOp::Sync { node, image } = op {
            let packages = site.images[image].packages.clone();
            let facts = self.facts.get_mut(node).unwrap();
            let kube = |of: &str| packages.get(of).and_then(|p| p.version.as_ref()).map(|v| v.kube);
            (facts.kubeadm, facts.kubelet, facts.kubectl) =
                (kube("kubeadm"), kube("kubelet"), kube("kubectl"));
            for (package, state) in packages {
                let facts::PackageState { version, held } =
                    facts.packages.entry(package).or_insert_with(none);
                (*version, *held) = (state.version, state.held);
            }
        }
        Ok(())
    }
}

fn none() -> facts::PackageState {
    facts::PackageState { version: None, held: false }
}
