//! The commands by which a person removes the member of a lost node from etcd. Each line can be typed unchanged on the node that it names.

use podlift_model::facts::{EtcdMember, EtcdState};
use podlift_model::op::Component;
use podlift_model::{NodeFacts, NodeName};

/// Flags of the API server and the option of etcdctl that takes the same file, with the file of kubeadm's own etcd.
const FILES: [(&str, &str, &str); 3] = [
    ("etcd-cafile", "--cacert", "/etc/kubernetes/pki/etcd/ca.crt"),
    ("etcd-certfile", "--cert", "/etc/kubernetes/pki/etcd/server.crt"),
    ("etcd-keyfile", "--key", "/etc/kubernetes/pki/etcd/server.key"),
];
const LOCAL: &str = "https://127.0.0.1:2379";

/// The member that has to go.
pub(super) struct Member<'a> {
    pub of: &'a NodeName,
    /// Address of the node; `None` if it is not known, and then only the name decides.
    pub address: Option<&'a str>,
}

/// A control-plane node at which etcdctl works.
pub(super) struct Place {
    pub node: NodeName,
    pub endpoints: Vec<String>,
    /// etcdctl with the certificates of the node's API server.
    etcdctl: String,
}

/// What is known of etcd.
pub(super) struct Seen {
    /// `None` if no control-plane node is known.
    pub from: Option<Place>,
    /// `None` if no agent could be asked.
    pub state: Option<EtcdState>,
}

impl Place {
    pub fn of(facts: &NodeFacts) -> Self {
        let server = facts.manifests.iter().find(|m| m.component == Component::KubeApiserver);
        let etcdctl = etcdctl(|flag| server?.flags.values(flag).last().map(String::as_str));
        Self { node: facts.node.clone(), endpoints: facts.etcd_endpoints.clone(), etcdctl }
    }

    fn at(&self, endpoint: &str) -> String {
        format!("{} --endpoints={endpoint}", self.etcdctl)
    }
}

impl Member<'_> {
    /// The members of the node in all stores of the API server.
    pub fn of_stores<'s>(&'s self, state: &'s EtcdState) -> impl Iterator<Item = &'s EtcdMember> {
        stores(state).flat_map(|store| &store.members).filter(|m| self.is(&m.name, &m.endpoint))
    }

    fn is(&self, name: &str, endpoint: &str) -> bool {
        name == self.of.as_str() || (self.address.is_some() && host(endpoint) == self.address)
    }

    /// The condition of awk for the member's line of `etcdctl member list`: id, status, name, peer addresses, client addresses.
    fn line(&self) -> String {
        let name = format!("$3 == \"{}\"", self.of);
        match self.address {
            Some(address) => format!("{name} || index($5, \"//{address}:\")"),
            None => name,
        }
    }
}

/// The main store, and those of single resources.
fn stores(state: &EtcdState) -> impl Iterator<Item = &EtcdState> {
    [state].into_iter().chain(state.overrides.values().filter_map(|store| store.as_ref().ok()))
}

/// One command for each store of which the node is a member.
pub(super) fn commands(member: &Member<'_>, seen: &Seen) -> Vec<String> {
    let usual = || Place { node: member.of.clone(), endpoints: vec![], etcdctl: etcdctl(|_| None) };
    match (&seen.from, &seen.state) {
        (Some(from), Some(state)) => {
            let commands: Vec<String> =
                stores(state).flat_map(|store| removal(member, store, from)).collect();
            match commands.is_empty() {
                true => vec![format!("  # etcd has no member of {}; seen from {}", member.of, from.node)],
                false => commands,
            }
        }
        (Some(from), None) => {
            let others = from.endpoints.iter().find(|e| host(e) != member.address);
            by_list(member, from, others.map_or(LOCAL, String::as_str), from.node.as_str())
        }
        (None, _) => by_list(member, &usual(), LOCAL, "another control-plane node"),
    }
}

/// etcdctl with the files of these flags, else with those of kubeadm's own etcd.
fn etcdctl<'a>(own: impl Fn(&str) -> Option<&'a str>) -> String {
    let file = |(flag, option, usual)| format!(" {option}={}", own(flag).unwrap_or(usual));
    format!("etcdctl{}", FILES.map(file).concat())
}

/// Removes the node's member of this store, by an endpoint of a healthy member.
fn removal(lost: &Member<'_>, store: &EtcdState, from: &Place) -> Vec<String> {
    let Some(member) = store.members.iter().find(|m| lost.is(&m.name, &m.endpoint)) else { return vec![] };
    let healthy = store.members.iter().find(|m| m.healthy && m.endpoint != member.endpoint);
    let Some(other) = healthy else {
        return vec![format!(
            "  # no other member of the store of {} is healthy, so {} can't be removed before one is",
            member.name, member.name
        )];
    };
    match &member.id {
        Some(id) => vec![format!("  {} member remove {id}   # on {}", from.at(&other.endpoint), from.node)],
        // An agent of an older podlift reports no ids.
        None => by_list(lost, from, &other.endpoint, from.node.as_str()),
    }
}

/// Where the id is not known, etcdctl's own list gives it. The list comes first, for the eyes of a person.
fn by_list(member: &Member<'_>, from: &Place, endpoint: &str, on: &str) -> Vec<String> {
    let etcdctl = from.at(endpoint);
    let of = member.of;
    vec![
        format!("  {etcdctl} member list   # on {on}: the first column is the id, the third is {of}"),
        format!(
            "  {etcdctl} member remove $({etcdctl} member list | awk -F', ' '{} {{print $1}}')   # on {on}, if the list has it",
            member.line()
        ),
    ]
}

/// The host of `https://10.0.0.1:2379`.
fn host(endpoint: &str) -> Option<&str> {
    endpoint.split("//").last()?.rsplit_once(':').map(|(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> NodeName {
        NodeName::new(text).unwrap()
    }

    fn member(node: u8, id: Option<&str>, healthy: bool) -> EtcdMember {
        EtcdMember {
            name: format!("runai-0{node}"),
            id: id.map(str::to_string),
            endpoint: format!("https://10.0.0.{node}:2379"),
            healthy,
            leader: false,
            local: node == 1,
            revision: 1,
            version: "3.5.26".into(),
            error: None,
            db_size_bytes: None,
            latency_ms: None,
        }
    }

    fn seen(members: Vec<EtcdMember>) -> Seen {
        let state = EtcdState {
            cluster: "1".into(),
            members,
            alarms: vec![],
            overrides: std::collections::BTreeMap::new(),
        };
        let etcdctl = "etcdctl --cacert=/ca --cert=/crt --key=/key".to_string();
        let from = Place { node: name("runai-01"), endpoints: vec![], etcdctl };
        Seen { from: Some(from), state: Some(state) }
    }

    /// What stands before the comment is a command of the shell without a placeholder.
    fn typeable(lines: &[String]) {
        for line in lines {
            let command = line.split("   #").next().unwrap();
            let placeholder = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
            assert!(!command.split_whitespace().any(placeholder), "{line}");
            assert!(line.starts_with("  etcdctl ") || line.starts_with("  # "), "{line}");
        }
    }

    #[test]
    fn every_command_can_be_typed_whether_the_id_is_known_or_not() {
        let (of, address) = (name("runai-03"), Some("10.0.0.3"));
        let lost = Member { of: &of, address };
        let known =
            commands(&lost, &seen(vec![member(1, Some("1"), true), member(3, Some("c0ffee"), false)]));
        assert_eq!(
            known,
            [
                "  etcdctl --cacert=/ca --cert=/crt --key=/key --endpoints=https://10.0.0.1:2379 member remove c0ffee   # on runai-01"
            ]
        );
        let old = commands(&lost, &seen(vec![member(1, None, true), member(3, None, false)]));
        assert!(old[0].contains("member list   # on runai-01: the first column is the id"), "{old:?}");
        assert!(
            old[1].contains("awk -F', ' '$3 == \"runai-03\" || index($5, \"//10.0.0.3:\") {print $1}'"),
            "{old:?}"
        );
        let blind = commands(&lost, &Seen { from: None, state: None });
        assert!(blind[0].contains("/etc/kubernetes/pki/etcd/ca.crt --cert="), "{blind:?}");
        let alone = commands(&lost, &seen(vec![member(1, None, false), member(3, None, false)]));
        let absent = commands(&lost, &seen(vec![member(1, None, true)]));
        assert!(absent[0].starts_with("  # etcd has no member of runai-03"), "{absent:?}");
        [known, old, blind, alone, absent].iter().for_each(|lines| typeable(lines));
    }
}
