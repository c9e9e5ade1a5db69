//! The lab's doubles in packages of the real names, versions, dependencies and files (facts of pkgs.k8s.io): a program is a script that
//! hands its call, and the version of its own package, to the supervisor.

mod kubelet;

use crate::deb::Deb;
use crate::machine::SHARED;

/// What one repository offers: newest patch of a minor and one older, each with what they depend on.
pub fn of(minor: u16, patches: [u16; 2]) -> Vec<Deb> {
    let mut all: Vec<Deb> = vec![cni(minor), cri_tools(minor)];
    for patch in patches {
        let version = format!("1.{minor}.{patch}-1.1");
        all.extend([kubeadm(minor, &version), kubelet::package(minor, &version), kubectl(&version)]);
    }
    all
}

fn program(tool: &str, version: &str) -> String {
    let kube = version.split('-').next().unwrap_or(version);
    format!("#!/bin/sh\nexec {SHARED}/machine-tool {tool} v{kube} \"$@\"\n")
}

fn kubeadm(minor: u16, version: &str) -> Deb {
    let deb = Deb::new("kubeadm", version).file("/usr/bin/kubeadm", program("kubeadm", version), 0o755).file(
        "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
        kubelet::DROP_IN,
        0o644,
    );
    // Since 1.32 none.
    if minor < 32 { deb.depends("cri-tools (>= 1.30.0)") } else { deb }
}

fn kubectl(version: &str) -> Deb {
    Deb::new("kubectl", version).file("/usr/bin/kubectl", program("kubectl", version), 0o755)
}

fn cri_tools(minor: u16) -> Deb {
    let version = format!("1.{minor}.0-1.1");
    Deb::new("cri-tools", &version).file("/usr/bin/crictl", program("crictl", &version), 0o755)
}

fn cni(minor: u16) -> Deb {
    let version = format!("1.{}.0-1.1", minor - 26);
    let mut deb = Deb::new("kubernetes-cni", &version);
    for plugin in ["bridge", "host-local", "loopback", "portmap"] {
        deb = deb.file(&format!("/opt/cni/bin/{plugin}"), format!("{plugin} {version}\n"), 0o755);
    }
    deb
}
