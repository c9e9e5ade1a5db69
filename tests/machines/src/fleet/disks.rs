//! What is on the machines' disks when they boot: configuration, certificates, etcd.

use super::Fleet;
use crate::{bcm, configs, etcd, machine};
use anyhow::Context as _;
use podlift_lab::Shape;
use std::io::Write as _;

impl Fleet {
    /// As an operator would have configured the product.
    pub(super) fn configure(&self) -> anyhow::Result<()> {
        let shape = &self.world().shape;
        let authority = configs::Authority::new(shape)?;
        let head = self.machine(configs::HEAD);
        for node in shape.nodes() {
            configs::node(&authority, shape, &self.machine(node).root(), node, &head.address)?;
            self.boot_id(node)?;
        }
        if self.daemon.is_some() {
            configs::head_agent(&authority, shape, &head.root(), &head.address)?;
            self.boot_id(&head.name)?;
        }
        let user =
            uid(&head.text("/etc/passwd"), "podlift").context("the package podlift made no user podlift")?;
        configs::head(&authority, shape, &head.root(), &head.address, &self.supervisor.ca, user)?;
        if self.daemon.is_some() {
            let file = head.path("/etc/podlift/coordinator.toml");
            std::fs::OpenOptions::new().append(true).open(file)?.write_all(configs::asks_bcm().as_bytes())?;
        }
        Ok(())
    }

    /// Each image has what a grab of its machine brings. The machines have everything that they have before they boot.
    pub(super) fn grab(&self) -> anyhow::Result<()> {
        let Some(daemon) = &self.daemon else { return Ok(()) };
        for of in &self.imaged {
            let machine = self.machine(&of.node);
            daemon.images().grab(self.world(), machine, of.image)?;
            bcm::plant(machine)?;
        }
        Ok(())
    }

    /// A sandbox gets a /proc of its own, and there the boot id is this machine's, not the container's: bound in again.
    fn boot_id(&self, node: &str) -> anyhow::Result<()> {
        let machine = self.machine(node);
        let (real, copy) = ("/proc/sys/kernel/random/boot_id", "/run/boot-id");
        let unit = format!(
            "[Unit]\nDescription=The boot id of this container, for sandboxes\nDefaultDependencies=no\nBefore=basic.target\n\
             [Service]\nType=oneshot\nExecStart=cp {real} {copy}\n"
        );
        machine.write("/etc/systemd/system/lab-boot-id.service", unit, 0o644)?;
        machine::enable(&machine.root(), "sysinit.target", "lab-boot-id.service")?;
        let text = format!("[Service]\nBindReadOnlyPaths={copy}:{real}\n");
        machine.write("/etc/systemd/system/podlift-agent.service.d/container.conf", text, 0o644)?;
        // journald keeps what it has over a boot.
        machine.write("/var/log/journal/.keep", "", 0o644)
    }

    /// A member on each control plane, and the API servers' way to it.
    pub(super) fn etcd(&self, shape: &Shape) -> anyhow::Result<()> {
        let authority = etcd::Authority::new()?;
        let members: Vec<(String, String)> =
            shape.control_planes.iter().map(|n| (n.clone(), shape.address(n))).collect();
        let client = authority.issue("kube-apiserver-etcd-client", &[])?;
        for node in &shape.control_planes {
            let machine = self.machine(node);
            for (path, text, mode) in etcd::files(&authority, node, &members)? {
                machine.write(&path, text, mode)?;
            }
            machine::enable(&machine.root(), "multi-user.target", etcd::FIRST.unit)?;
            let pki = format!("/etc/kubernetes/pki/{}", shape.cluster);
            machine.write(&format!("{pki}/ca.crt"), &self.supervisor.ca, 0o600)?;
            machine.write(&format!("{pki}/etcd/ca.crt"), &authority.certificate, 0o600)?;
            machine.write(&format!("{pki}/apiserver-etcd-client.crt"), &client.certificate, 0o600)?;
            machine.write(&format!("{pki}/apiserver-etcd-client.key"), &client.key, 0o600)?;
            for (path, text, mode) in etcd::leases(&pki) {
                machine.write(path, &text, mode)?;
            }
            machine::enable(&machine.root(), "multi-user.target", etcd::LEASES)?;
        }
        Ok(())
    }

    /// A few keys: a database without any has no revision.
    pub(super) async fn fill_etcd(&self) -> anyhow::Result<()> {
        let pki = format!("/etc/kubernetes/pki/{}", self.world().shape.cluster);
        let script = format!(
            "for i in 1 2 3 4 5; do ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert={pki}/etcd/ca.crt \
             --cert={pki}/apiserver-etcd-client.crt --key={pki}/apiserver-etcd-client.key put /registry/lab/$i $i; done"
        );
        self.machine(&self.world().shape.control_planes[0]).run(&["sh", "-ec", &script]).await.map(drop)
    }
}

fn uid(passwd: &str, user: &str) -> Option<u32> {
    let line = passwd.lines().find(|l| l.split(':').next() == Some(user))?;
    line.split(':').nth(2)?.parse().ok()
}
