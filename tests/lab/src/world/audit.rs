//! What was done twice or never in a run from one version to another, read from the effects. It knows what a run must do, not how.

use super::core::World;
use super::effects::{Effect, What};
use podlift_model::KubeVersion;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    pub doubled: Vec<String>,
    pub missing: Vec<String>,
    /// API servers that an agent sent to a wrong store.
    pub wrong_stores: Vec<String>,
}

impl Audit {
    pub fn ok(&self) -> bool {
        self.doubled.is_empty() && self.missing.is_empty() && self.wrong_stores.is_empty()
    }

    fn exactly_once(&mut self, what: String, times: usize) {
        match times {
            0 => self.missing.push(what),
            1 => {}
            n => self.doubled.push(format!("{what}: {n} times")),
        }
    }
}

impl World {
    /// For a run that upgraded every node.
    pub fn audit(&self, to: KubeVersion) -> Audit {
        self.audit_without(to, &[])
    }

    /// For a run that left these nodes out.
    pub fn audit_without(&self, to: KubeVersion, out: &[String]) -> Audit {
        let effects = self.effects();
        let mut audit = Audit { wrong_stores: self.wrong_stores(), ..Audit::default() };
        for node in self.shape.nodes().filter(|n| !out.contains(n)) {
            let mine: Vec<&Effect> = effects.iter().filter(|e| &e.node == node).collect();
            let control_plane = self.shape.control_planes.contains(node);
            if !self.shape.machines {
                packages(&mut audit, node, &mine, to);
            }
            kubeadm(&mut audit, node, control_plane, &mine, to);
            kubelet(&mut audit, node, &mine, to);
            cordons(&mut audit, node, &mine);
        }
        addons(&mut audit, &effects, to);
        if !self.shape.machines {
            // Packages and etcd of machines are real: their own records count.
            backup(&mut audit, &effects);
        }
        units(&mut audit, &effects);
        audit
    }
}

fn count(effects: &[&Effect], is: impl Fn(&What) -> bool) -> usize {
    effects.iter().filter(|e| is(&e.what)).count()
}

fn packages(audit: &mut Audit, node: &str, mine: &[&Effect], to: KubeVersion) {
    let wanted = format!("{}.{}.{}-", to.major, to.minor, to.patch);
    for name in ["kubeadm", "kubelet", "kubectl"] {
        let is = |w: &What| matches!(w, What::PackageInstall { package, version } if package == name && version.starts_with(&wanted));
        audit.exactly_once(format!("{node}: {name} installed at {to}"), count(mine, is));
    }
}

fn kubeadm(audit: &mut Audit, node: &str, control_plane: bool, mine: &[&Effect], to: KubeVersion) {
    let wanted = to.to_string();
    let is = |w: &What| matches!(w, What::KubeadmApply { to } | What::KubeadmNode { to } if *to == wanted);
    let what = if control_plane { "kubeadm upgraded its static pods" } else { "kubeadm upgrade node" };
    audit.exactly_once(format!("{node}: {what} to {to}"), count(mine, is));
    if control_plane {
        let times = count(mine, |w| matches!(w, What::KubeletConfig));
        if times == 0 {
            audit.missing.push(format!("{node}: kubelet configuration upgraded"));
        }
    }
}

/// A boot with the new package starts the new kubelet as well as a restart does.
fn kubelet(audit: &mut Audit, node: &str, mine: &[&Effect], to: KubeVersion) {
    let wanted = to.to_string();
    let restarts = count(mine, |w| matches!(w, What::KubeletRestart { version } if *version == wanted));
    let boots = count(mine, |w| matches!(w, What::KubeletBoot { version } if *version == wanted));
    if restarts == 0 && boots > 0 {
        return;
    }
    audit.exactly_once(format!("{node}: kubelet restarted at {to}"), restarts);
}

fn cordons(audit: &mut Audit, node: &str, mine: &[&Effect]) {
    let (on, off) = (
        count(mine, |w| matches!(w, What::Cordon { .. })),
        count(mine, |w| matches!(w, What::Uncordon { .. })),
    );
    if on > off {
        audit.missing.push(format!("{node}: cordoned {on} times, uncordoned {off} times"));
    }
    if on > 1 || off > 1 {
        audit.doubled.push(format!("{node}: cordoned {on} times, uncordoned {off} times"));
    }
}

fn addons(audit: &mut Audit, effects: &[Effect], to: KubeVersion) {
    let all: Vec<&Effect> = effects.iter().collect();
    let wanted = to.to_string();
    for addon in ["coredns", "kube-proxy"] {
        let is = |w: &What| matches!(w, What::Addon { name, to } if name == addon && *to == wanted);
        audit.exactly_once(format!("addon {addon} at {to}"), count(&all, is));
    }
}

fn backup(audit: &mut Audit, effects: &[Effect]) {
    let all: Vec<&Effect> = effects.iter().collect();
    if count(&all, |w| matches!(w, What::EtcdSnapshot { .. })) == 0 {
        audit.missing.push("etcd snapshot".into());
    }
    let first_install = effects.iter().position(|e| matches!(e.what, What::PackageInstall { .. }));
    let snapshot = effects.iter().position(|e| matches!(e.what, What::EtcdSnapshot { .. }));
    if first_install.zip(snapshot).is_some_and(|(install, snapshot)| install < snapshot) {
        audit.missing.push("etcd snapshot before the first package was installed".into());
    }
}

/// Whatever else happened, an op id starts one unit at most.
pub fn units(audit: &mut Audit, effects: &[Effect]) {
    let mut starts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for e in effects {
        if let What::UnitStarted { unit } = &e.what {
            *starts.entry((&e.node, unit)).or_default() += 1;
        }
    }
    for ((node, unit), times) in starts.into_iter().filter(|(_, n)| *n > 1) {
        audit.doubled.push(format!("{node}: unit {unit} started {times} times"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Shape;

    #[tokio::test(start_paused = true)]
    async fn a_doubled_effect_and_a_missing_one_are_named() {
        let world =
            World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
        let to: KubeVersion = "v1.32.9".parse().unwrap();
        let version = || "1.32.9-1.1".to_string();
        world.record("cp", What::EtcdSnapshot { path: "/s".into() }, None);
        for package in ["kubeadm", "kubelet", "kubectl", "kubeadm"] {
            world.record("cp", What::PackageInstall { package: package.into(), version: version() }, None);
        }
        world.record("cp", What::KubeadmApply { to: to.to_string() }, None);
        world.record("cp", What::KubeletConfig, None);
        world.record("cp", What::KubeletBoot { version: to.to_string() }, None);
        world.record("cp", What::Cordon { by: "podlift".into() }, None);
        world.record("cp", What::Addon { name: "coredns".into(), to: to.to_string() }, None);
        for _ in 0..2 {
            world.record("cp", What::UnitStarted { unit: "podlift-a.service".into() }, None);
        }
        let audit = world.audit(to);
        let doubled =
            ["cp: kubeadm installed at v1.32.9: 2 times", "cp: unit podlift-a.service started 2 times"];
        assert_eq!(audit.doubled, doubled);
        let missing = ["cp: cordoned 1 times, uncordoned 0 times", "addon kube-proxy at v1.32.9"];
        assert_eq!(audit.missing, missing);
        assert!(!audit.ok());
    }
}
