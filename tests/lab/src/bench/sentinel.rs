//! How long a LoadBalancer service and a TLS secret are away in mode `repair`, outside of any run: from the deletion in the API to the
//! service with its old address, and to the old certificate at the wire. An object is made again at most three times in an hour, so the
//! rounds go over many.

use super::stats::Samples;
use crate::objects::Key;
use crate::supervisor::{Before, HealMode, Lab, Options, Tuning};
use crate::world::ingress::Answer;
use crate::world::site::{self, DOMAIN};
use crate::world::{Shape, State, Trace, World, balancers, cast, certificates};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often a service and a secret are taken away
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Seconds at the 99th percentile.
const SERVICE_BAR: f64 = 2.0;
const TLS_BAR: f64 = 3.0;
/// Times that each object is taken away.
const EACH: u32 = 3;
/// Longer than any round that ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// Last octet of the first service's address.
const FIRST: u32 = 150;
const NAMESPACE: &str = "runai";

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(run(args))?;
    let seconds = |name: &str| figures[name].as_f64().unwrap_or(f64::MAX);
    match args.json {
        true => anstream::println!("{figures}"),
        false => anstream::println!(
            "p99 of {} rounds: a service is back after {} s (at most {SERVICE_BAR}), a certificate after {} s (at most {TLS_BAR})",
            figures["rounds"],
            figures["service_restored_s"],
            figures["tls_restored_s"]
        ),
    }
    let met = seconds("service_restored_s") < SERVICE_BAR && seconds("tls_restored_s") < TLS_BAR;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(args: &Args) -> anyhow::Result<Value> {
    let count = args.rounds.div_ceil(EACH);
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let shape = Shape {
        control_planes: names(&["runai-01"]),
        workers: names(&["dgx030"]),
        runbook: true,
        factor: crate::size::FACTOR,
        inference: (0, 0),
        ..Shape::default()
    };
    let seed = move |world: &World| {
        world.update(|s| (0..count).for_each(|i| object_pair(s, world, i)));
        Ok(())
    };
    let before = Before { seed: Some(Box::new(seed)), ..Before::default() };
    let tuning = Tuning { sentinel: Some("repair".into()), soak: "0s".into(), ..Tuning::default() };
    let exe = std::env::current_exe().context("this program's own path")?;
    let options = Options { shape, heal: HealMode::Enforce, exe, coordinator: true };
    let lab = Lab::start_tuned(options, tuning, before).await?;
    let measured = match lab.ready().await {
        Ok(()) => measure(&lab, args.rounds, count).await,
        Err(error) => Err(error),
    };
    if measured.is_err() {
        anstream::eprintln!("{}", lab.log_tails());
    }
    lab.stop().await;
    measured
}

fn service(i: u32) -> Key {
    Key::new("", "services", NAMESPACE, &format!("bench-{i:02}"))
}

fn secret(i: u32) -> Key {
    Key::new("", "secrets", NAMESPACE, &format!("bench-tls-{i:02}"))
}

fn host(i: u32) -> String {
    format!("bench-{i:02}.{DOMAIN}")
}

fn address(world: &World, i: u32) -> String {
    format!("{}.{}", world.shape.network, FIRST + i)
}

/// A service with an address of its own, and an ingress with a secret of its own.
fn object_pair(s: &mut State, world: &World, i: u32) {
    let now = world.clock.now();
    s.balancers.hosts = 100..=250;
    let mut v = cast::object("v1", "Service", NAMESPACE, &service(i).name, json!({}), now);
    let ip = format!("10.96.50.{}", i + 1);
    v["spec"] = json!({"type": "LoadBalancer", "clusterIP": ip, "clusterIPs": [ip], "selector": {"app": "bench"},
        "ports": [{"name": "https", "port": 8445, "targetPort": 8445, "nodePort": 32_000 + i, "protocol": "TCP"}]});
    v["metadata"]["annotations"] = json!({"metallb.io/ip-allocated-from-pool": "default"});
    v["status"] = json!({"loadBalancer": {"ingress": [{"ip": address(world, i)}]}});
    site::object(&mut s.api, "", "services", v);
    let pair = certificates::site_for_years(&host(i));
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let mut v = cast::object("v1", "Secret", NAMESPACE, &secret(i).name, json!({}), now);
    v["type"] = json!("kubernetes.io/tls");
    v["data"] = json!({"tls.crt": encoded(&pair.certificate), "tls.key": encoded(&pair.key)});
    site::object(&mut s.api, "", "secrets", v);
    let name = format!("bench-{i:02}");
    let mut v = cast::object("networking.k8s.io/v1", "Ingress", NAMESPACE, &name, json!({}), now);
    v["spec"] = json!({"ingressClassName": "nginx", "tls": [{"hosts": [host(i)], "secretName": secret(i).name}],
        "rules": [{"host": host(i)}]});
    v["status"] = json!({"loadBalancer": {"ingress": [{"ip": world.shape.ingress_address()}]}});
    site::object(&mut s.api, "networking.k8s.io", "ingresses", v);
}

async fn measure(lab: &Lab, rounds: u32, count: u32) -> anyhow::Result<Value> {
    // The sentinel compares with the record of a run that succeeded; this one repairs kubeadm-config.
    let repair = lab.podlift(&["repair", "--yes"], false).await?;
    succeeded(&repair)?;
    let world = &lab.world;
    let (mut services, mut secrets) = (Samples::default(), Samples::default());
    for round in 0..rounds {
        let i = round % count;
        let here = || {
            let s = world.lock();
            s.api.get(&service(i)).is_some_and(|v| balancers::addresses(v).eq([address(world, i).as_str()]))
        };
        services.push(gone_and_back(world, &service(i), here).await?);
        let good = certificates::site_for_years(&host(i)).key;
        let wire = world.shape.ingress_address();
        let here =
            || matches!(world.ingress_answers(&wire, &host(i)), Answer::Serves(pair, _) if pair.key == good);
        secrets.push(gone_and_back(world, &secret(i), here).await?);
    }
    let seconds = |samples: &Samples, p: u64| samples.percentile(p) as f64 / 1000.0;
    Ok(json!({
        "rounds": services.len(), "objects": count,
        "service_restored_s": seconds(&services, 99), "service_restored_p50_s": seconds(&services, 50),
        "tls_restored_s": seconds(&secrets, 99), "tls_restored_p50_s": seconds(&secrets, 50),
        "bars": {"service_restored_s": SERVICE_BAR, "tls_restored_s": TLS_BAR},
    }))
}

fn succeeded(called: &crate::supervisor::Called) -> anyhow::Result<()> {
    ensure!(called.code == 0, "podlift repair exited {}\n{}{}", called.code, called.stdout, called.stderr);
    Ok(())
}

/// Milliseconds from the deletion until it is so again.
async fn gone_and_back(world: &World, key: &Key, here: impl Fn() -> bool) -> anyhow::Result<u64> {
    ensure!(here(), "{} {} is not as it should be before the round", key.resource, key.name);
    let (lost, mut changes) = (Instant::now(), world.changes());
    ensure!(world.lose(key, &Trace::default()), "there is no {} {}", key.resource, key.name);
    let back = async {
        while !here() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    let late = || format!("{} {} was not back within {} s", key.resource, key.name, PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, back).await.with_context(late)?;
    Ok(u64::try_from(lost.elapsed().as_millis())?)
}
