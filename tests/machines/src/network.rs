//! The network of a fleet: one bridge in a network of its own (`apart`), with the supervisor at .1.

use crate::shell;

pub const BRIDGE: &str = "podlift0";
/// First three octets of every address.
pub const NETWORK: &str = "10.77.0";

/// Where the supervisor is: repositories and BCM's proxy.
pub fn supervisor() -> String {
    format!("{NETWORK}.1")
}

pub async fn make() -> anyhow::Result<()> {
    let address = format!("{NETWORK}.1/24");
    let steps: [&[&str]; 4] = [
        &["ip", "link", "set", "lo", "up"],
        &["ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0"],
        &["ip", "addr", "add", &address, "dev", BRIDGE],
        &["ip", "link", "set", BRIDGE, "up"],
    ];
    for step in steps {
        shell::run(step).await?;
    }
    Ok(())
}

/// Takes a machine's cable out, or puts it in.
pub async fn cable(machine: &str, plugged: bool) -> anyhow::Result<()> {
    let state = if plugged { "up" } else { "down" };
    shell::run(&["ip", "link", "set", &link(machine), state]).await.map(drop)
}

/// The bridge's end of a machine's cable, as nspawn names it.
fn link(machine: &str) -> String {
    let name = format!("vb-{machine}");
    name.chars().take(15).collect()
}

/// A unit that gives a machine its address at boot: networkd would wait for udev, which does not run in a container.
pub fn unit(address: &str) -> String {
    format!(
        "[Unit]\nDescription=Address of this machine\nDefaultDependencies=no\nBefore=network-pre.target network.target network-online.target\n\
         Wants=network-pre.target\n\
         [Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=ip addr add {address}/24 dev host0\nExecStart=ip link set host0 up\n\
         [Install]\nWantedBy=sysinit.target\n"
    )
}
