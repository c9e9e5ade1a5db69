//! `softwareimage provisioningstatus`: who serves images, and who waits. It has two layouts, of which only the second says which images are
//! up to date on a provisioner.

use super::cmsh;
use super::{lines, odd, printed, short};
use podlift_host::Host;
use podlift_model::bcm::{BcmProvisioning, Provisioner};
use podlift_model::{Failure, NodeName};

/// Without CMDaemon's tasks.
pub(super) async fn status(host: &Host) -> Result<BcmProvisioning, Failure> {
    parse(&printed(host, cmsh::script("softwareimage provisioningstatus")).await?).map_err(odd)
}

/// Whether the subsystem has something to do for one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// A request of the node waits.
    pub waits: bool,
    /// The node is served now, or some node is and the answer does not name it.
    pub served: bool,
    /// Why a request of it failed. cmsh does not say so here: what imageupdate prints does.
    pub failed: Option<String>,
}

pub(super) async fn turn(host: &Host, node: &NodeName) -> Result<Turn, Failure> {
    let text = printed(host, cmsh::script("softwareimage provisioningstatus")).await?;
    turn_of(&text, node).map_err(odd)
}

fn turn_of(text: &str, node: &NodeName) -> Result<Turn, String> {
    let state = parse(text)?;
    let served: Vec<Vec<String>> = lines::of(text).filter_map(|line| served(line.trim())).collect();
    let in_list = served.iter().any(|nodes| nodes.iter().any(|n| n == node.as_str()));
    // Every provisioner names its nodes.
    let named = served.len() == state.provisioners.len();
    let waits = state.waiting.iter().any(|n| n == node.as_str());
    Ok(Turn { waits, served: if named { in_list } else { !state.idle }, failed: None })
}

/// The nodes that a provisioner serves, if the line is about them.
fn served(line: &str) -> Option<Vec<String>> {
    let (name, value) = line.split_once(':')?;
    let about =
        matches!(name.trim().to_lowercase().as_str(), "nodes currently being provisioned" | "active nodes");
    about.then(|| lines::names(value))
}

/// What both layouts give.
#[derive(Default)]
struct Found {
    /// The line about the subsystem, if there is one.
    idle: Option<bool>,
    /// An update of the provisioners is requested and has not ended.
    updating: bool,
    /// Number of nodes that the subsystem as a whole provisions now.
    all: Option<u32>,
    waiting: Vec<String>,
    provisioners: Vec<Provisioner>,
}

fn parse(text: &str) -> Result<BcmProvisioning, String> {
    let mut found = Found::default();
    for line in lines::of(text) {
        found.take(line.trim());
    }
    let odd = || format!("it printed something else than a status of the provisioning: {}", short(text));
    match found.provisioners.is_empty() {
        true => Err(odd()),
        false => Ok(found.whole()),
    }
}

impl Found {
    fn take(&mut self, line: &str) {
        if let Some(node) = line.strip_prefix("+ ") {
            return self.provisioner(node);
        }
        let Some((name, value)) = line.split_once(':') else { return };
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        if let Some(node) = name.strip_prefix("provisioning node ").filter(|n| *n != "status") {
            return self.provisioner(node);
        }
        match name.as_str() {
            "provisioning subsystem status" if !value.is_empty() => {
                self.idle = Some(value.starts_with("idle"))
            }
            "update of provisioning nodes requested" => self.updating = value != "no",
            "nodes currently provisioning" if self.provisioners.is_empty() => self.all = value.parse().ok(),
            "nodes waiting to be provisioned" | "pending request" | "pending requests" => {
                self.waiting.extend(lines::names(value));
            }
            _ => {
                if let Some(last) = self.provisioners.last_mut() {
                    detail(last, &name, value);
                }
            }
        }
    }

    fn provisioner(&mut self, node: &str) {
        let node = node.trim().to_string();
        self.provisioners.push(Provisioner { node, slots: 0, in_use: 0, drained: false, up_to_date: None });
    }

    fn whole(mut self) -> BcmProvisioning {
        // The first layout may give the number of served nodes for all provisioners together only.
        if let ([one], Some(all)) = (self.provisioners.as_mut_slice(), self.all) {
            one.in_use = one.in_use.max(all);
        }
        let used = self.provisioners.iter().any(|p| p.in_use > 0) || self.all.is_some_and(|n| n > 0);
        let idle = self.idle.unwrap_or(true) && !used && self.waiting.is_empty() && !self.updating;
        let (provisioners, waiting) = (self.provisioners, self.waiting);
        BcmProvisioning { idle, provisioners, waiting, tasks: Vec::new() }
    }
}

/// A line below a provisioner.
fn detail(of: &mut Provisioner, name: &str, value: &str) {
    match name {
        "slots" => {
            if let Some((used, slots)) = value.split_once('/') {
                of.in_use = used.trim().parse().unwrap_or_default();
                of.slots = slots.trim().parse().unwrap_or_default();
            }
        }
        "max number of provisioning nodes" => of.slots = value.parse().unwrap_or_default(),
        "nodes provisioning" | "nodes currently provisioning" => {
            of.in_use = value.parse().unwrap_or_default()
        }
        "nodes currently being provisioned" | "active nodes" => {
            let nodes = lines::names(value).len();
            of.in_use = of.in_use.max(u32::try_from(nodes).unwrap_or_default());
        }
        "state" => of.drained = matches!(value, "draining" | "drained"),
        "up to date images" => {
            let names = lines::names(value).iter().filter_map(|name| name.parse().ok()).collect();
            of.up_to_date = Some(names);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "Provisioning subsystem status: idle, accepting requests\nUpdate of provisioning nodes requested: no\nMaximum number of nodes provisioning: 10000\nNodes currently provisioning: 0\nNodes waiting to be provisioned: <none>\nProvisioning node basecm11:\n  Max number of provisioning nodes: 10\n  Nodes provisioning: 0\n  Nodes currently being provisioned: <none>\nProvisioning node head-02:\n  Max number of provisioning nodes: 12\n  Nodes currently provisioning: 0\n";
    const SECOND: &str = "Provisioning subsystem status\n  Pending request: dgx030, dgx031\n  Provisioning node status:\n  + basecm11\n    Slots: 1 / 10\n    State: draining\n    Active nodes: dgx032\n    Up to date images: none\n  + head-02\n    Slots: 0 / 10\n    State: active\n    Active nodes: none\n    Up to date images: default-image, dgx-image-k8s-1.32.9\n";

    #[test]
    fn the_first_layout_says_nothing_about_images() {
        let state = parse(FIRST).unwrap();
        assert!(state.idle && state.waiting.is_empty());
        let shown: Vec<_> = state.provisioners.iter().map(|p| (p.node.as_str(), p.slots, p.in_use)).collect();
        assert_eq!(shown, [("basecm11", 10, 0), ("head-02", 12, 0)]);
        assert!(state.provisioners.iter().all(|p| p.up_to_date.is_none() && !p.drained));
        let one = parse(
            &FIRST.replace("12\n  Nodes currently provisioning: 0", "12\n  Nodes currently provisioning: 7"),
        )
        .unwrap();
        assert_eq!(one.provisioners.iter().map(|p| p.in_use).collect::<Vec<_>>(), [0, 7]);
        for (line, other) in [
            ("provisioning: 0", "provisioning: 3"),
            ("requested: no", "requested: yes"),
            ("provisioned: <none>", "provisioned: dgx030"),
            ("idle, accepting", "busy, accepting"),
        ] {
            let busy = FIRST.replacen(line, other, 1);
            assert!(!parse(&busy).unwrap().idle, "{other}");
        }
    }

    #[test]
    fn the_second_layout_names_images_and_who_drains() {
        let state = parse(SECOND).unwrap();
        assert!(!state.idle);
        assert_eq!(state.waiting, ["dgx030", "dgx031"]);
        let [first, second] = state.provisioners.as_slice() else { panic!("{state:?}") };
        assert_eq!((first.slots, first.in_use, first.drained), (10, 1, true));
        assert_eq!((second.slots, second.in_use, second.drained), (10, 0, false));
        assert_eq!(first.up_to_date, Some(vec![]));
        assert_eq!(second.up_to_date.as_ref().unwrap().len(), 2);
    }

    #[test]
    fn whose_turn_it_is() {
        let turn = |text: &str, node: &str| {
            let turn = turn_of(text, &node.parse().unwrap()).unwrap();
            (turn.waits, turn.served)
        };
        assert_eq!(turn(SECOND, "dgx030"), (true, false));
        assert_eq!(turn(SECOND, "dgx032"), (false, true));
        assert_eq!(turn(SECOND, "dgx040"), (false, false), "another node is served");
        // In the first layout not every provisioner names its nodes.
        assert_eq!(turn(FIRST, "dgx030"), (false, false));
        let busy = FIRST.replacen("provisioning: 0", "provisioning: 3", 1);
        assert_eq!(turn(&busy, "dgx030"), (false, true));
    }

    #[test]
    fn what_names_no_provisioner_is_no_status() {
        for text in ["", "Error: not available\n", "Provisioning subsystem status: idle\n"] {
            assert!(parse(text).unwrap_err().contains("something else"), "{text}");
        }
    }
}
