//! CMDaemon's JSON API (bcm.md 7, bcm-2.md 10): one POST a call, from a client with a certificate. It answers as the facts say, and no kinder:
//! a call that it does not know has an empty answer, a null is no object, numbers of enumerations mean nothing, what was just asked is listed
//! some seconds later, and a request that is over is not listed any more, however it ended.

use crate::objects::names;
use crate::world::bcm::{Provisioner, Request};
use crate::world::{State, World};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where CMDaemon listens on its head node.
pub const PORT: u16 = 8081;
pub const PATH: &str = "/json";
/// CMDaemon's word for nothing.
const ZERO: &str = "00000000-0000-0000-0000-000000000000";
/// Reads are so much behind.
const LAG: SignedDuration = SignedDuration::from_secs(2);

const SERVICE_RESTRICTED: i64 = 635;
const CALL_RESTRICTED: i64 = 640;
const LOGIN: i64 = -97;
const JSON: i64 = -98;
const URL: i64 = -99;

/// Status and body. `client`: the connection showed a certificate that CMDaemon knows.
pub fn answer(world: &Arc<World>, client: bool, path: &str, body: &str) -> (u16, String) {
    if path != PATH {
        return error(404, URL, &format!("no such path: {path}"));
    }
    if !client {
        return error(401, LOGIN, "a client certificate or a login is needed");
    }
    let Ok(call) = serde_json::from_str::<Value>(body) else {
        return error(200, JSON, "the body is no JSON");
    };
    let (Some(service), Some(name)) = (call["service"].as_str(), call["call"].as_str()) else {
        return error(200, JSON, "service or call is missing");
    };
    let restricted = world.lock().bcm.switches.restricted.clone();
    if restricted.contains(service) {
        return error(200, SERVICE_RESTRICTED, &format!("service {service} is restricted"));
    }
    if restricted.contains(&format!("{service}.{name}")) {
        return error(200, CALL_RESTRICTED, &format!("call {service}.{name} is restricted"));
    }
    let result = match (service, name) {
        ("cmdevice", "getNodes") => nodes(&world.lock()),
        ("cmpart", "getSoftwareImages") => images(&world.lock()),
        ("cmprov", "getProvisioningStatus") => status(world),
        ("cmprov", "imageUpdate") => match image_update(world, &call["args"]) {
            Some(requests) => requests,
            None => {
                return error(200, JSON, "imageUpdate: expected nodes, dry run, session, paths, selections");
            }
        },
        _ => return (200, String::new()),
    };
    (200, result.to_string())
}

fn error(status: u16, code: i64, text: &str) -> (u16, String) {
    (status, json!({"error": text, "code": code}).to_string())
}

fn device_uuid(name: &str) -> String {
    names::uid(&format!("device {name}"))
}

fn image_uuid(name: &str) -> String {
    names::uid(&format!("software image {name}"))
}

fn nodes(s: &State) -> Value {
    let node = |(name, device): (&String, &crate::world::bcm::Device)| {
        let ip = s.place(name).map(|n| n.ip.clone());
        json!({"baseType": "Device", "childType": device.kind, "uuid": device_uuid(name), "revision": "", "hostname": name,
            "mac": "FA:16:3E:C8:06:D1", "ip": ip, "refCategory": device.category.as_ref().map(|c| names::uid(&format!("category {c}"))),
            "softwareImageProxy": device.image.as_deref().map(image_uuid)})
    };
    s.bcm.devices.iter().map(node).collect()
}

fn images(s: &State) -> Value {
    let image = |(name, i): (&String, &crate::world::bcm::SoftwareImage)| {
        json!({"baseType": "SoftwareImage", "uuid": image_uuid(name), "revision": "", "name": name, "path": i.path,
            "kernelVersion": i.kernel, "locked": i.locked})
    };
    s.bcm.images.iter().map(image).collect()
}

/// Requests and provisioners. Nobody has documented the numbers of `state` and `syncMode`.
fn status(world: &World) -> Value {
    let (now, s) = (world.clock.now(), world.lock());
    let seen = s.bcm.requests.iter().filter(|(_, r)| now.duration_since(r.asked) >= LAG);
    let request = |(id, r): (&String, &Request)| {
        let source = r.source.as_deref().map_or(ZERO.into(), device_uuid);
        json!({"baseType": "ProvisioningRequestStatus", "request_uuids": [id], "sourceNode": source,
            "destinationNode": device_uuid(&r.device), "sourcePath": crate::world::bcm::build::path(&r.image), "destinationPath": "/",
            "dryRun": r.dry_run, "syncMode": 5, "state": 5 + r.failures * 7, "errorMessage": r.error, "errorDetails": "",
            "jobFailureCounter": r.failures, "schedulerInfo": []})
    };
    let serving = |p: &Provisioner| {
        let has = s.up_to_date(p);
        let all: Vec<&String> = s.bcm.images.keys().collect();
        json!({"baseType": "ProvisioningNodeStatus", "ref_node_uuid": device_uuid(&p.node), "slotsCapacity": p.slots,
            "slotsUsed": p.in_use, "drained": p.drained,
            "ref_image_uuids": all.iter().map(|name| image_uuid(name)).collect::<Vec<_>>(),
            "upToDate": all.iter().map(|name| !p.gets.contains(name) && has.contains(name)).collect::<Vec<_>>()})
    };
    json!({"baseType": "ProvisioningStatus", "provisioningRequestStatusList": seen.map(request).collect::<Vec<_>>(),
        "provisioningNodeStatusList": s.bcm.provisioners.iter().map(serving).collect::<Vec<_>>()})
}

/// UUIDs of the requests, the zero UUID for one that was not started. `None`: other arguments than these.
fn image_update(world: &Arc<World>, args: &Value) -> Option<Value> {
    let [nodes, dry_run, _session, paths, selections] = args.as_array()?.as_slice() else { return None };
    (paths.is_array() && selections.is_array()).then_some(())?;
    let (nodes, dry_run) = (nodes.as_array()?, dry_run.as_bool()?);
    let named = |uuid: &Value| {
        let s = world.lock();
        s.bcm.devices.keys().find(|name| uuid.as_str() == Some(&device_uuid(name))).cloned()
    };
    let begin = |uuid: &Value| {
        let id = named(uuid).and_then(|device| world.ask(&device, !dry_run));
        if let Some(id) = id.clone() {
            let served = world.clone();
            world.spawn(super::super::HEAD, async move { drop(served.serve(id).await) });
        }
        id.unwrap_or(ZERO.into())
    };
    Some(nodes.iter().map(begin).map(Value::from).collect())
}
