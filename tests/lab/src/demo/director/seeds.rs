//! What a scenario says of the World alone: files, API objects, packages, faults. Nothing here waits or knows a process, so that it can be
//! so before anything runs.

use super::super::scenario::{Action, Edit, FaultOrder, How, MachineState, Named, PackageState, Patch};
use super::{bcm, site as beside};
use crate::objects::Key;
use crate::world::certificates;
use crate::world::state::Deprecated;
use crate::world::{ApiFault, Fault, FaultAction, World, Writer, site, versions};
use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use podlift_model::KubeVersion;
use serde_json::Value;
use std::path::Path;

/// False: it is none of the World's alone. `to` is the target version.
pub fn sow(world: &World, to: &str, action: &Action) -> anyhow::Result<bool> {
    match action {
        Action::Edit(edit) => edit_file(world, edit)?,
        Action::Write { node, path, text } => write(world, node, path, text)?,
        Action::Copy { node, path, to } => {
            let text = world.disk(node).text(path);
            if text.is_empty() {
                bail!("{node} has no file {path}");
            }
            write(world, node, to, &text)?;
        }
        Action::Remove { node, path } => {
            world.disk(node).remove(Path::new(path)).with_context(|| format!("{path} of {node}"))?;
        }
        Action::Certificate { node, path, name, days } => {
            let end = world.clock.now() + SignedDuration::from_hours(days * 24);
            write(world, node, path, &certificates::until(name, false, end).certificate)?;
        }
        Action::Patch(patch) => patch_object(world, patch)?,
        Action::Put { resource, object } => put(world, resource, object),
        Action::Delete(named) => {
            let gone = world.update(|s| s.api.delete(&key(named)));
            gone.with_context(|| format!("there is no {named:?}"))?;
        }
        Action::Unset { object, field } => unset(world, object, field)?,
        Action::Fault(order) => world.add_fault(fault(world, order, to)),
        Action::Mirror { node, lacks } => {
            let lacks = lacks.iter().map(|l| l.replace("{to}", to.trim_start_matches('v'))).collect();
            world.update(|s| s.node_mut(node).mirror_lacks = lacks);
        }
        Action::TakeLock { node, process } => world.hold_dpkg_lock(node, Some(process)),
        Action::FreeLock(node) => world.hold_dpkg_lock(node, None),
        Action::Train { name, nodes } => {
            world.train(name, &nodes.iter().map(String::as_str).collect::<Vec<_>>());
        }
        Action::HoldGpu { node, pid, command, cgroup } => world.hold_gpu(node, *pid, command, cgroup)?,
        Action::ReleaseGpus(node) => world.release_gpus(node),
        Action::Package(state) => package(world, state)?,
        Action::Machine(state) => machine(world, state),
        Action::ClearFaults => world.clear_faults(),
        Action::Site(order) => beside::sow(world, order)?,
        Action::RegistryAway(_)
        | Action::LoadImages { .. }
        | Action::CollectImages(_)
        | Action::RemoveImage { .. } => images(world, to, action)?,
        other => return Ok(bcm::sow(world, to, other) || cluster(world, other)?),
    }
    Ok(true)
}

/// The nodes' container runtimes and their registry.
fn images(world: &World, to: &str, action: &Action) -> anyhow::Result<()> {
    match action {
        Action::RegistryAway(away) => world.update(|s| s.registry_away = *away),
        Action::LoadImages { version, nodes } => {
            let version: KubeVersion = version.replace("{to}", to).parse()?;
            let all: Vec<&String> =
                if nodes.is_empty() { world.shape.nodes().collect() } else { nodes.iter().collect() };
            let images = versions::images(version);
            all.into_iter().for_each(|node| world.load_images(node, &images));
        }
        Action::CollectImages(node) => world.collect_images(node),
        Action::RemoveImage { node, image } => {
            let image = image.replace("{to}", to);
            anyhow::ensure!(world.remove_image(node, &image), "{node} has no image {image}");
        }
        _ => {}
    }
    Ok(())
}

/// Etcd and the API servers.
fn cluster(world: &World, action: &Action) -> anyhow::Result<bool> {
    match action {
        Action::Alarm { node, alarm } => world.update(|s| {
            let member = s.etcd.members.iter_mut().find(|m| m.name == *node);
            member
                .map(|m| m.alarm = Some(alarm.clone()))
                .with_context(|| format!("{node} is no member of etcd"))
        })?,
        Action::Leader(node) => world.update(|s| {
            let id = s.etcd.members.iter().find(|m| m.name == *node).map(|m| m.id);
            s.etcd.leader = id.with_context(|| format!("{node} is no member of etcd"))?;
            anyhow::Ok(())
        })?,
        Action::RemoveMember(node) => world.update(|s| {
            let id = s.etcd.members.iter().find(|m| m.node == *node).map(|m| m.id);
            s.etcd.remove(id.with_context(|| format!("{node} is no member of etcd"))?);
            anyhow::Ok(())
        })?,
        Action::StopKubelet(node) => world.stop_kubelet(node),
        Action::RestoreEtcd(port) => drop(world.restore_etcd(*port)),
        Action::PointEtcd(node) => {
            let pointed = world.point_by_hand(node, &world.newest_etcd());
            pointed.with_context(|| format!("the manifest of {node} can't be written"))?;
        }
        Action::Deaf(node) => world.update(|s| {
            let containers = s.node_mut(node).containers.iter_mut();
            containers.filter(|c| c.name == "kube-apiserver").for_each(|c| c.listening = false);
        }),
        Action::TakeRight { verb, resource } => {
            world.update(|s| s.rights_taken.push((verb.clone(), resource.clone())));
        }
        Action::GrantRights => world.update(|s| s.rights_taken.clear()),
        Action::Asked { node, group, version, resource, removed } => {
            let [group, version, resource, removed] = [group, version, resource, removed].map(Clone::clone);
            let line = Deprecated { group, version, resource, removed };
            world.update(|s| s.deprecated.entry(node.clone()).or_default().push(line));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn write(world: &World, node: &str, path: &str, text: &str) -> anyhow::Result<()> {
    let mode = if path.starts_with("/usr/") { 0o755 } else { 0o600 };
    let at = Path::new(path);
    let put = || world.disk(node).put_synced(at, text.as_bytes(), mode);
    let written = world.writes(node, at, Writer::Other, put);
    written.with_context(|| format!("{path} of {node} can't be written"))
}

/// As an editor or a configuration tool does it: another file, renamed over the old one.
fn edit_file(world: &World, edit: &Edit) -> anyhow::Result<()> {
    let disk = world.disk(&edit.node);
    let old = disk.text(&edit.path);
    if !old.lines().any(|l| l.contains(&edit.line)) {
        bail!("{} of {} has no line with {:?}", edit.path, edit.node, edit.line);
    }
    let change = |line: &str| match line.contains(&edit.line) {
        true => format!("{}\n", edit.to),
        false => format!("{line}\n"),
    };
    let text: String = old.lines().map(change).collect();
    let new = "/etc/kubernetes/tmp/by-hand";
    let written = disk.put_text(new, &text, 0o600);
    let (new, at) = (Path::new(new), Path::new(&edit.path));
    let renamed = || world.writes(&edit.node, at, Writer::Other, || disk.rename(new, at));
    let written = written.and_then(|()| renamed());
    written.with_context(|| format!("{} of {} can't be edited", edit.path, edit.node))
}

fn key(named: &Named) -> Key {
    Key::new(&named.group, &named.resource, &named.namespace, &named.name)
}

fn patch_object(world: &World, patch: &Patch) -> anyhow::Result<()> {
    let key = Key::new(&patch.group, &patch.resource, &patch.namespace, &patch.name);
    let changed = world.update(|s| s.api.change(&key, |v| json_patch::merge(v, &patch.merge)));
    changed.with_context(|| format!("there is no {} {}/{}", patch.resource, patch.namespace, patch.name))?;
    Ok(())
}

/// With what the API server would have given it.
fn put(world: &World, resource: &str, object: &Value) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let (api, m) = (text(&object["apiVersion"]), &object["metadata"]);
    let group = api.split_once('/').map_or("", |(group, _)| group);
    let (kind, labels) = (text(&object["kind"]), m["labels"].clone());
    let labels = if labels.is_null() { serde_json::json!({}) } else { labels };
    let now = world.clock.now();
    let mut v =
        crate::world::cast::object(&api, &kind, &text(&m["namespace"]), &text(&m["name"]), labels, now);
    json_patch::merge(&mut v, object);
    world.update(|s| site::object(&mut s.api, group, resource, v));
}

fn unset(world: &World, named: &Named, field: &str) -> anyhow::Result<()> {
    let (parent, name) = field.rsplit_once('/').with_context(|| format!("{field:?} is no JSON pointer"))?;
    let name = name.replace("~1", "/").replace("~0", "~");
    let mut gone = None;
    world.update(|s| {
        s.api.change(&key(named), |v| {
            gone = v.pointer_mut(parent).and_then(|p| p.as_object_mut()?.remove(&name));
        })
    });
    gone.with_context(|| format!("{named:?} has no {field}")).map(drop)
}

fn package(world: &World, state: &PackageState) -> anyhow::Result<()> {
    let PackageState { node, name, held, half, needs } = state;
    world.update(|s| {
        let n = s.node_mut(node);
        let package = n.packages.get_mut(name).with_context(|| format!("{node} has no package {name}"))?;
        (package.held, package.half) = (held.unwrap_or(package.held), half.unwrap_or(package.half));
        n.depends.extend(needs.clone().map(|least| (name.clone(), least)));
        Ok(())
    })
}

fn machine(world: &World, state: &MachineState) {
    world.update(|s| {
        let n = s.node_mut(&state.node);
        n.containerd = state.containerd.clone().unwrap_or_else(|| n.containerd.clone());
        n.services.extend(state.active.iter().cloned());
        n.clock_ahead = state.clock_ahead.unwrap_or(n.clock_ahead);
        n.lost_devices.extend(state.lost_gpus.map(|n| ("nvidia.com/gpu".to_string(), n)));
        n.free_bytes = state.free_mib.map(|m| m << 20).or(n.free_bytes);
    });
}

fn lab_seconds(world: &World, seconds: u64) -> SignedDuration {
    SignedDuration::from_millis(
        i64::try_from(seconds * 1000).unwrap_or(i64::MAX) / i64::from(world.shape.factor.max(1)),
    )
}

fn fault(world: &World, order: &FaultOrder, to: &str) -> Fault {
    let (code, stderr) = (order.code, order.stderr.clone());
    let action = match order.how {
        How::Fail => FaultAction::Fail { code, stderr },
        How::FailAfter => FaultAction::FailAfter { code, stderr },
        How::Hang => FaultAction::Hang,
        How::Reset => FaultAction::Api(ApiFault::Reset),
        How::Busy => FaultAction::Api(ApiFault::Busy { retry_after: 1 }),
    };
    let fault = Fault::new(&order.program, &order.contains.replace("{to}", to), action).times(order.times);
    let fault = match order.seconds {
        Some(seconds) => fault.until(world.clock.now() + lab_seconds(world, seconds)),
        None => fault,
    };
    match &order.node {
        Some(node) => fault.on(node),
        None => fault,
    }
}
