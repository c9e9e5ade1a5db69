//! /etc/default/kubelet was edited by hand, and the new package brings another one.

use crate::fleet::Fleet;
use anyhow::bail;

const FILE: &str = "/etc/default/kubelet";
const EDITED: &str = "# edited on a quiet evening\nKUBELET_EXTRA_ARGS=--v=4\n";

/// Before the machine boots.
pub fn conffile_edited(fleet: &Fleet, node: &str) -> anyhow::Result<()> {
    fleet.machine(node).write(FILE, EDITED, 0o644)
}

/// Afterwards: the edited file is as it was, and the package's own is beside it.
pub fn conffile_kept(fleet: &Fleet, node: &str) -> anyhow::Result<String> {
    let machine = fleet.machine(node);
    let (is, beside) = (machine.text(FILE), machine.text(&format!("{FILE}.dpkg-dist")));
    if is != EDITED || !beside.contains("as of 1.32") {
        bail!("{node}: {FILE} is now {is:?}, and beside it is {beside:?}");
    }
    Ok(format!("{node}: {FILE} is as it was edited, and the new package's is beside it"))
}
