//! The small fleet's BCM, as the agent of a head node shows and changes it. It is no kinder than the facts: an image that was changed in its
//! folder is old on the provisioners until it is sent to them, and a node gets what the provisioners have; a locked image holds updates back;
//! the agent changes no image that is not its own or not locked.

mod change;

use super::fleet::{PLANES, State, name};
use podlift_common::clock::{Clock as _, TokioClock};
use podlift_model::bcm::*;
use podlift_model::*;
use std::collections::{BTreeMap, BTreeSet};

pub const HEAD: &str = "head-01";
const START: &str = "2026-11-22T02:00:00Z";

type Packages = BTreeMap<String, ImagePackage>;

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
    /// The image of each category.
    categories: BTreeMap<CategoryName, ImageName>,
    /// Packages of each image as the provisioners have it.
    sent: BTreeMap<ImageName, Packages>,
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

/// Categories, each with its image.
const KINDS: [(&str, &str); 2] = [("runai-control-plane", "k8s-image"), ("dgx-h100", "dgx-image")];

/// Category of a node, and its image.
fn kind(node: &NodeName) -> (&'static str, &'static str) {
    KINDS[usize::from(!PLANES.contains(&node.as_str()))]
}

impl Site {
    /// Workers and control-plane nodes, each kind with a category and an image of its own, and a node that Kubernetes does not have.
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
            nodes: nodes.map(row).chain([login()]).collect(),
            images: images.clone().into(),
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
            categories: KINDS
                .iter()
                .map(|(category, of)| (CategoryName::new(*category).unwrap(), image(of)))
                .collect(),
            sent: images.iter().map(|(name, own)| (name.clone(), own.packages.clone())).collect(),
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
            Look::BcmProvisioning => OpOutput::BcmProvisioning(self.work_shown()),
            Look::BcmSync { node } => OpOutput::BcmSync(Box::new(
                self.syncs.get(node).cloned().unwrap_or_else(|| self.installed(node)),
            )),
            _ => return None,
        }))
    }

    /// What CMDaemon works on. A task that a look shows as open is over at the next one.
    fn work_shown(&mut self) -> BcmProvisioning {
        let shown = self.provisioning.clone();
        self.provisioning.idle = true;
        self.provisioning
            .tasks
            .iter_mut()
            .filter(|t| t.state == TaskState::Open)
            .for_each(|t| t.state = TaskState::Done);
        shown
    }

    /// The log of a node that no imageupdate has written since its installation: complete, and of another day.
    fn installed(&self, node: &NodeName) -> BcmSync {
        BcmSync {
            began: self.clock.now().checked_sub(jiff::SignedDuration::from_hours(24 * 30)).ok(),
            mode: Some(SyncMode::Full),
            image: Some(format!("/cm/images/{}", kind(node).1)),
            dry_run: Some(false),
            completed: true,
            rsync_code: Some(0),
            changes: 160_000,
            ..log_of(node)
        }
    }
}

/// A node of BCM that is none of Kubernetes'.
fn login() -> (NodeName, BcmNode) {
    let node = name("login-01");
    let row = BcmNode {
        name: node.clone(),
        kind: "PhysicalNode".into(),
        category: CategoryName::new("login").ok(),
        image: ImageName::new("default-image").ok(),
        from: ImageFrom::Category,
    };
    (node, row)
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

/// A log of the node that says nothing.
fn log_of(node: &NodeName) -> BcmSync {
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
            let packages = site.served(image);
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
