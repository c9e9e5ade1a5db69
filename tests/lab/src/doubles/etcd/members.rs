//! Members, leader, health, alarms.

use super::json;
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::world::What;
use crate::world::etcd::{Etcd, Member};
use serde_json::{Value, json as value};

/// The cluster and member behind an endpoint as they are now; every API write is a revision of the cluster that the objects are in. Beside
/// them two leaders of kube-system renew their leases every two seconds.
pub fn at(ctx: &Ctx, endpoint: &str) -> Option<(Etcd, Member)> {
    let s = ctx.world.lock();
    let (etcd, member) = s.etcd_at(endpoint, &ctx.node)?;
    let leases = ctx.world.clock.since_boot().as_secs();
    let writes = if etcd.cluster == s.etcd.cluster { s.api.version + leases } else { 0 };
    Some((Etcd { revision: etcd.revision + writes, ..etcd.clone() }, member.clone()))
}

fn header(e: &Etcd, member: &Member, revision: bool) -> Value {
    let mut h = value!({"cluster_id": e.cluster, "member_id": member.id, "raft_term": e.term});
    if revision {
        h["revision"] = value!(e.revision);
    }
    h
}

/// The first endpoint that answers, of whatever cluster it is: that is whom etcdctl's client believes.
async fn first(ctx: &Ctx, endpoints: &[String]) -> Option<(Etcd, Member)> {
    let found = endpoints.iter().filter_map(|p| at(ctx, p)).find(|(e, m)| m.up && e.has_quorum());
    if found.is_none() {
        ctx.seconds(5.0).await;
        ctx.err("{\"level\":\"warn\",\"caller\":\"clientv3/retry_interceptor.go:63\",\"msg\":\"retrying of unary invoker failed\",\"error\":\"rpc error: code = DeadlineExceeded desc = context deadline exceeded\"}");
        ctx.err("Error: context deadline exceeded");
    }
    found
}

pub async fn list(ctx: &Ctx, endpoints: &[String], words: &Words) -> i32 {
    let Some((e, member)) = first(ctx, endpoints).await else { return 1 };
    if json(words) {
        let all: Vec<Value> = e
            .members
            .iter()
            .map(|m| value!({"ID": m.id, "name": m.name, "peerURLs": [m.peer_url()], "clientURLs": [m.client_url()]}))
            .collect();
        ctx.out(&value!({"header": header(&e, &member, false), "members": all}).to_string());
        return 0;
    }
    e.members.iter().for_each(|m| {
        ctx.out(&format!("{:x}, started, {}, {}, {}, false", m.id, m.name, m.peer_url(), m.client_url()))
    });
    0
}

/// `--cluster` asks every member of the member list.
async fn asked(ctx: &Ctx, endpoints: &[String], words: &Words) -> Option<Vec<String>> {
    match words.has(&["--cluster"]) {
        true => first(ctx, endpoints).await.map(|(e, _)| e.endpoints()),
        false => Some(endpoints.to_vec()),
    }
}

pub async fn status(ctx: &Ctx, endpoints: &[String], words: &Words) -> i32 {
    let Some(endpoints) = asked(ctx, endpoints, words).await else { return 1 };
    let (mut all, mut code) = (vec![], 0);
    for endpoint in endpoints {
        match at(ctx, &endpoint).filter(|(_, m)| m.up) {
            Some((e, m)) => {
                let size = 3_276_800 + 4096 * (m.id % 16);
                let index = e.revision + 890;
                let mut status = value!({"header": header(&e, &m, true), "version": e.version, "dbSize": size, "leader": e.leader,
                    "raftIndex": index, "raftTerm": e.term, "raftAppliedIndex": index, "dbSizeInUse": size});
                if !e.has_quorum() {
                    status["leader"] = value!(0);
                    status["errors"] = value!(["etcdserver: no leader"]);
                }
                all.push(value!({"Endpoint": endpoint, "Status": status}));
            }
            None => {
                ctx.seconds(5.0).await;
                ctx.err(&format!(
                    "Failed to get the status of endpoint {endpoint} (context deadline exceeded)"
                ));
                code = 1;
            }
        }
    }
    ctx.out(&Value::from(all).to_string());
    code
}

pub async fn health(ctx: &Ctx, endpoints: &[String], words: &Words) -> i32 {
    let Some(endpoints) = asked(ctx, endpoints, words).await else { return 1 };
    let (mut all, mut bad) = (vec![], false);
    for endpoint in endpoints {
        let up = at(ctx, &endpoint).is_some_and(|(e, m)| m.up && m.alarm.is_none() && e.has_quorum());
        if up {
            all.push(value!({"endpoint": endpoint, "health": true, "took": "9.184912ms"}));
        } else {
            ctx.seconds(5.0).await;
            bad = true;
            all.push(value!({"endpoint": endpoint, "health": false, "took": "5.000927654s", "error": "context deadline exceeded"}));
        }
    }
    match json(words) {
        true => ctx.out(&Value::from(all).to_string()),
        false => all.iter().for_each(|v| {
            let name = v["endpoint"].as_str().unwrap_or_default();
            match v["health"] == true {
                true => {
                    ctx.out(&format!("{name} is healthy: successfully committed proposal: took = 9.184912ms"))
                }
                false => ctx.err(&format!(
                    "{name} is unhealthy: failed to commit proposal: context deadline exceeded"
                )),
            }
        }),
    }
    if bad {
        ctx.err("Error: unhealthy cluster");
    }
    i32::from(bad)
}

pub async fn alarms(ctx: &Ctx, endpoints: &[String], words: &Words) -> i32 {
    let Some((e, member)) = first(ctx, endpoints).await else { return 1 };
    let raised: Vec<&Member> = e.members.iter().filter(|m| m.alarm.is_some()).collect();
    if !json(words) {
        raised.iter().for_each(|m| {
            ctx.out(&format!("memberID:{} alarm:{} ", m.id, m.alarm.as_deref().unwrap_or_default()))
        });
        return 0;
    }
    let mut v = value!({"header": header(&e, &member, true)});
    if !raised.is_empty() {
        let number = |m: &&Member| value!({"memberID": m.id, "alarm": if m.alarm.as_deref() == Some("CORRUPT") { 2 } else { 1 }});
        v["alarms"] = raised.iter().map(number).collect();
    }
    ctx.out(&v.to_string());
    0
}

/// Only the leader itself can be asked, by the hex id of the other.
pub async fn move_leader(ctx: &Ctx, endpoints: &[String], to: &str) -> i32 {
    let leader = endpoints.iter().filter_map(|p| at(ctx, p)).find(|(e, m)| m.id == e.leader && m.up);
    let Some((e, leader)) = leader else {
        ctx.err(&format!("Error: no leader endpoint given at {endpoints:?}"));
        return 1;
    };
    let wanted = u64::from_str_radix(to, 16)
        .ok()
        .and_then(|id| e.members.iter().find(|m| m.id == id && m.up))
        .cloned();
    let Some(wanted) = wanted else {
        ctx.err("Error: etcdserver: not leader or bad leader transferee");
        return 1;
    };
    ctx.seconds(0.5).await;
    ctx.world.update(|s| {
        let mine = s.etcds_mut().find(|x| x.cluster == e.cluster);
        mine.map(|x| (x.leader, x.term) = (wanted.id, x.term + 1))
    });
    ctx.out(&format!("Leadership transferred from {:x} to {:x}", leader.id, wanted.id));
    ctx.effect(What::EtcdMoveLeader { to: wanted.name }).await;
    0
}

/// By the hex id, as a person does it with a member whose machine is gone.
pub async fn remove(ctx: &Ctx, endpoints: &[String], id: &str) -> i32 {
    let Some((e, _)) = first(ctx, endpoints).await else { return 1 };
    let wanted = u64::from_str_radix(id, 16).ok().filter(|id| e.members.iter().any(|m| m.id == *id));
    let Some(wanted) = wanted else {
        ctx.err("Error: etcdserver: member not found");
        return 1;
    };
    ctx.world.update(|s| s.etcds_mut().filter(|x| x.cluster == e.cluster).for_each(|x| x.remove(wanted)));
    ctx.out(&format!("Member {wanted:x} removed from cluster {:x}", e.cluster));
    0
}
