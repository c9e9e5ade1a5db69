//! Snapshots: a database of whole pages with the SHA-256 of itself behind it, so that size mod 512 is 32. The lab's database is one JSON
//! line that says what it was taken from, then zeros.

use crate::doubles::ctx::Ctx;
use crate::world::What;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::Path;

const SIZE: usize = 65_536;

/// Exactly one endpoint; an existing file is replaced.
pub async fn save(ctx: &Ctx, endpoints: &[String], path: &str) -> i32 {
    let [endpoint] = endpoints else {
        ctx.err(&format!(
            "Error: snapshot must be requested to one selected node, not multiple {endpoints:?}"
        ));
        return 1;
    };
    let Some((etcd, _)) = super::members::at(ctx, endpoint).filter(|(_, m)| m.up) else {
        ctx.seconds(5.0).await;
        ctx.err("Error: context deadline exceeded");
        return 1;
    };
    let at = ctx.world.clock.now();
    let line = |caller: &str, msg: &str| {
        ctx.err(&format!("{{\"level\":\"info\",\"ts\":\"{at}\",\"caller\":\"{caller}\",\"msg\":\"{msg}\"}}"))
    };
    line("snapshot/v3_snapshot.go:119", "created temporary db file");
    ctx.seconds(2.0).await;
    let mut bytes = format!("{}\n", json!({"cluster": etcd.cluster, "revision": etcd.revision, "hash": 2_823_357_401_u32, "totalKey": 2158})).into_bytes();
    bytes.resize(SIZE, 0);
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    if let Err(e) = ctx.disk().put_synced(Path::new(path), &bytes, 0o600) {
        ctx.err(&format!("Error: could not open {path}.part ({e})"));
        return 1;
    }
    line("snapshot/v3_snapshot.go:152", "saved");
    ctx.out(&format!("Snapshot saved at {path}"));
    ctx.effect(What::EtcdSnapshot { path: path.into() }).await;
    0
}

/// Into a folder that is not there yet: the database without the SHA-256 behind it, which must fit.
pub async fn restore(ctx: &Ctx, path: &str, data_dir: &str) -> i32 {
    ctx.seconds(1.0).await;
    if ctx.disk().exists(&format!("{data_dir}/member/snap/db")) {
        ctx.err(&format!("Error: data-dir \"{data_dir}\" not empty or could not be read"));
        return 1;
    }
    let bytes = ctx.disk().read(Path::new(path)).unwrap_or_default();
    let (body, sum) = bytes.split_at(bytes.len().saturating_sub(32));
    if Sha256::digest(body).as_slice() != sum {
        ctx.err("Error: expected sha256 does not fit");
        return 1;
    }
    match ctx.disk().put_synced(&Path::new(data_dir).join("member/snap/db"), body, 0o600) {
        Ok(()) => 0,
        Err(e) => {
            ctx.err(&format!("Error: {e}"));
            1
        }
    }
}

/// Checks the database, not the SHA-256 behind it.
pub fn status(ctx: &Ctx, path: &str, as_json: bool) -> i32 {
    let Ok(bytes) = ctx.disk().read(Path::new(path)) else {
        ctx.err(&format!("Error: stat {path}: no such file or directory"));
        return 1;
    };
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let Some(v) = serde_json::from_slice::<Value>(first).ok().filter(|_| bytes.len() >= SIZE) else {
        ctx.err("Error: snapshot file integrity check failed. 1 errors found.");
        return 1;
    };
    let shown =
        json!({"hash": v["hash"], "revision": v["revision"], "totalKey": v["totalKey"], "totalSize": SIZE});
    match as_json {
        true => ctx.out(&shown.to_string()),
        false => ctx.out(&format!("{:x}, {}, {}, 3.3 MB", 2_823_357_401_u32, v["revision"], v["totalKey"])),
    }
    0
}
