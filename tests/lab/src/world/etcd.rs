//! etcd clusters: members, leaders, revisions, and which endpoint belongs to which. Their keys are the API objects; only the revision
//! counts here. Never answers for an endpoint that no member serves.

/// Where the shape's own members serve clients.
const PORT: u16 = 2379;

#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    /// The machine that it runs on.
    pub node: String,
    pub id: u64,
    pub ip: String,
    pub port: u16,
    pub up: bool,
    pub alarm: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Etcd {
    pub cluster: u64,
    pub version: String,
    pub term: u64,
    pub revision: u64,
    pub leader: u64,
    pub members: Vec<Member>,
}

impl Member {
    pub fn client_url(&self) -> String {
        format!("https://{}:{}", self.ip, self.port)
    }

    pub fn peer_url(&self) -> String {
        format!("https://{}:{}", self.ip, self.port + 1)
    }

    /// Whether this is one of its client URLs, with or without scheme and slash; the loopback is the asking node's own. Members speak
    /// TLS: none answers to plain http.
    fn serves(&self, endpoint: &str, asking: &str) -> bool {
        let Some((host, port)) = host_and_port(endpoint) else { return false };
        let own = matches!(host, "127.0.0.1" | "localhost" | "::1") && self.node == asking;
        port == self.port && (own || host == self.ip)
    }
}

fn host_and_port(endpoint: &str) -> Option<(&str, u16)> {
    let rest = match endpoint.trim().split_once("://") {
        Some(("https", rest)) => rest,
        Some(_) => return None,
        None => endpoint.trim(),
    };
    let rest = rest.trim_end_matches('/');
    if let Some(v6) = rest.strip_prefix('[') {
        let (host, port) = v6.split_once(']')?;
        return Some((host, port.strip_prefix(':').map_or(Some(PORT), |p| p.parse().ok())?));
    }
    match rest.rsplit_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((rest, PORT)),
    }
}

impl Etcd {
    pub fn has_quorum(&self) -> bool {
        let up = self.members.iter().filter(|m| m.up).count();
        up * 2 > self.members.len()
    }

    /// Another one leads where it led.
    pub fn remove(&mut self, id: u64) {
        self.members.retain(|m| m.id != id);
        if self.leader == id {
            let next = self.members.iter().find(|m| m.up).map_or(0, |m| m.id);
            (self.leader, self.term) = (next, self.term + 1);
        }
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }

    pub fn member_at(&self, endpoint: &str, asking: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.serves(endpoint, asking))
    }

    /// In hexadecimal, as its own logs have it.
    pub fn hex(&self) -> String {
        format!("{:x}", self.cluster)
    }

    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(Member::client_url).collect()
    }

    /// What a restore of all members into new data directories makes: the same machines, other ports, another cluster id, and other
    /// members.
    pub fn restored(&self, port: u16) -> Self {
        let cluster = self.cluster ^ u64::from(port).rotate_left(40);
        let member =
            |m: &Member| Member { id: m.id ^ u64::from(port), port, up: true, alarm: None, ..m.clone() };
        let members: Vec<Member> = self.members.iter().map(member).collect();
        let leader = members.first().map_or(0, |m| m.id);
        // `--bump-revision`, as the facts want it.
        Self { cluster, members, leader, term: 2, revision: self.revision + 1_000_000_000, ..self.clone() }
    }

    /// The machine is off: so are its members.
    pub fn down(&mut self, node: &str) {
        self.members.iter_mut().filter(|m| m.node == node).for_each(|m| m.up = false);
        self.elect();
    }

    pub fn up(&mut self, node: &str) {
        self.members.iter_mut().filter(|m| m.node == node).for_each(|m| m.up = true);
        self.elect();
    }

    fn elect(&mut self) {
        let leads = self.members.iter().any(|m| m.id == self.leader && m.up);
        if let Some(next) = self.members.iter().find(|m| m.up).filter(|_| !leads) {
            (self.leader, self.term) = (next.id, self.term + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port_of_tls() {
        let cases = [
            ("https://10.77.0.11:2379", Some(("10.77.0.11", 2379))),
            ("https://10.77.0.11:2379/", Some(("10.77.0.11", 2379))),
            ("10.77.0.11:12379", Some(("10.77.0.11", 12379))),
            ("10.77.0.11", Some(("10.77.0.11", 2379))),
            ("https://[::1]:2379", Some(("::1", 2379))),
            ("http://10.77.0.11:2379", None),
            ("unix:///run/etcd.sock", None),
        ];
        for (endpoint, want) in cases {
            assert_eq!(host_and_port(endpoint), want, "{endpoint}");
        }
    }
}
