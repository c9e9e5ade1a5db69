//! The disk on which a machine keeps downloaded packages is full.

use crate::fleet::Fleet;
use anyhow::bail;

const DIR: &str = "/var/cache/apt/archives";

/// A small disk of its own, by the machine's name.
pub struct DiskFull {
    pub node: &'static str,
}

impl DiskFull {
    /// What nspawn needs to know.
    pub fn disk(&self) -> (&'static str, &'static str) {
        (self.node, "--tmpfs=/var/cache/apt/archives:size=100m,mode=755")
    }

    /// To the last byte.
    pub async fn fill(&self, fleet: &Fleet) -> anyhow::Result<String> {
        let machine = fleet.machine(self.node);
        let ballast = format!("{DIR}/ballast");
        let ended =
            machine.ended(&["dd", "if=/dev/zero", &format!("of={ballast}"), "bs=1M", "count=200"]).await?;
        if !ended.stderr.contains("No space left") {
            bail!("{}: its disk is not full: {}", self.node, ended.stderr);
        }
        Ok(format!("{}: no space left in {DIR}", self.node))
    }

    /// Makes room again.
    pub async fn free(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let ballast = format!("{DIR}/ballast");
        fleet.machine(self.node).run(&["rm", &ballast]).await.map(drop)
    }
}
