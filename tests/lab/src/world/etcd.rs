//! The external etcd cluster: members, leader, revision. Keys are the API objects; only their revision counts here.

#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub id: u64,
    pub ip: String,
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

impl Etcd {
    pub fn has_quorum(&self) -> bool {
        let up = self.members.iter().filter(|m| m.up).count();
        up * 2 > self.members.len()
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }

    /// By any of its client URLs, with or without scheme; 127.0.0.1 is the asking node's own.
    pub fn member_at(&self, endpoint: &str, asking: &str) -> Option<&Member> {
        let host = endpoint.trim_start_matches("https://").split(':').next().unwrap_or_default();
        if matches!(host, "127.0.0.1" | "localhost") {
            return self.member(asking);
        }
        self.members.iter().find(|m| m.ip == host)
    }

    pub fn down(&mut self, node: &str) {
        if let Some(m) = self.members.iter_mut().find(|m| m.name == node) {
            m.up = false;
        }
        self.elect();
    }

    pub fn up(&mut self, node: &str) {
        if let Some(m) = self.members.iter_mut().find(|m| m.name == node) {
            m.up = true;
        }
        self.elect();
    }

    fn elect(&mut self) {
        let leads = self.members.iter().any(|m| m.id == self.leader && m.up);
        if let Some(next) = self.members.iter().find(|m| m.up).filter(|_| !leads) {
            (self.leader, self.term) = (next.id, self.term + 1);
        }
    }
}
