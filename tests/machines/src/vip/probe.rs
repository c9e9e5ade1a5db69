//! Reads of an object at each proxy, each over a connection of its own, as many clients make them. They are independent of the product: own
//! connections, own counts.

use super::PROXIES;
use crate::configs::HEAD;
use crate::fleet::Fleet;
use anyhow::ensure;
use podlift_host::{ClientPair, Http, HttpTls, real};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Time between two reads at one proxy: twenty a second.
const EVERY: Duration = Duration::from_millis(50);

/// What the reads at one proxy came to.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub proxy: &'static str,
    pub requests: u64,
    pub failed: u64,
    /// Longest time between the ends of two reads that succeeded.
    pub longest_gap: Duration,
    /// The first few failures.
    pub why: Vec<String>,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { proxy, requests, failed, longest_gap, why } = self;
        write!(
            f,
            "{proxy}: {failed} of {requests} reads failed, longest gap {} ms",
            longest_gap.as_millis()
        )?;
        why.iter().try_for_each(|why| write!(f, "; {why}"))
    }
}

/// The reads, until they are ended.
pub struct Probes {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<Counts>>,
}

impl Probes {
    /// Begins to read, once both proxies have answered.
    pub async fn begin(fleet: &Fleet) -> anyhow::Result<Self> {
        let (stop, mut tasks) = (CancellationToken::new(), vec![]);
        for (proxy, port) in PROXIES {
            let reader = Reader::new(fleet, port)?;
            let first = reader.read().await;
            ensure!(first.is_ok(), "{proxy} does not answer before the run: {first:?}");
            tasks.push(tokio::spawn(keep(proxy, reader, stop.clone())));
        }
        Ok(Self { stop, tasks })
    }

    /// Ends them, and returns the counts of each proxy.
    pub async fn end(self) -> anyhow::Result<Vec<Counts>> {
        self.stop.cancel();
        let mut all = vec![];
        for task in self.tasks {
            all.push(task.await?);
        }
        Ok(all)
    }
}

async fn keep(proxy: &'static str, reader: Reader, stop: CancellationToken) -> Counts {
    let mut counts = Counts { proxy, ..Counts::default() };
    let (mut open, mut last) = (JoinSet::new(), Instant::now());
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {
                let reader = reader.clone();
                open.spawn(async move { reader.read().await });
            }
            Some(Ok(read)) = open.join_next() => counts.add(read, &mut last),
        }
    }
    while let Some(Ok(read)) = open.join_next().await {
        counts.add(read, &mut last);
    }
    counts
}

impl Counts {
    fn add(&mut self, read: Result<(), String>, last: &mut Instant) {
        self.requests += 1;
        match read {
            Ok(()) => {
                self.longest_gap = self.longest_gap.max(last.elapsed());
                *last = Instant::now();
            }
            Err(why) => {
                self.failed += 1;
                if self.why.len() < 5 {
                    self.why.push(why);
                }
            }
        }
    }
}

/// One client with the API servers' own client pair, of the first control-plane node.
#[derive(Clone)]
struct Reader {
    http: Arc<dyn Http>,
    endpoint: String,
    path: String,
    tls: HttpTls,
}

impl Reader {
    fn new(fleet: &Fleet, port: u16) -> anyhow::Result<Self> {
        let shape = &fleet.world().shape;
        let node = &shape.control_planes[0];
        let pki = format!("/etc/kubernetes/pki/{}", shape.cluster);
        let pair = ClientPair {
            certificate: format!("{pki}/apiserver-kubelet-client.crt").into(),
            key: format!("{pki}/apiserver-kubelet-client.key").into(),
        };
        Ok(Self {
            http: real::host(&fleet.machine(node).root(), &[])?.http,
            endpoint: format!("{}:{port}", fleet.machine(HEAD).address),
            path: format!("/api/v1/nodes/{node}"),
            tls: HttpTls::ca(format!("{pki}/ca.crt")).with_client(Some(pair)),
        })
    }

    async fn read(&self) -> Result<(), String> {
        match self.http.get(&self.endpoint, &self.path, &self.tls).await {
            Ok((200, _)) => Ok(()),
            Ok((status, body)) => Err(format!("{status} {}", body.lines().next().unwrap_or_default())),
            Err(error) => Err(error.to_string()),
        }
    }
}
