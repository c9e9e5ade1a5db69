//! `podlift` on the head node, and what coordinator and agents say.

use super::Fleet;
use crate::configs;
use crate::shell::Ended;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::time::{Duration, Instant};

const MEET: Duration = Duration::from_secs(60);

impl Fleet {
    /// `podlift ARGS` on the head node.
    pub async fn podlift(&self, args: &[&str]) -> anyhow::Result<Ended> {
        let all: Vec<&str> = ["podlift"].into_iter().chain(args.iter().copied()).collect();
        self.machine(configs::HEAD).ended(&all).await
    }

    /// One document of it.
    pub async fn document(&self, args: &[&str]) -> anyhow::Result<Value> {
        let all: Vec<&str> = args.iter().copied().chain(["-o", "json"]).collect();
        let ended = self.podlift(&all).await?;
        let text =
            || format!("podlift {} exited {}: {}{}", all.join(" "), ended.code, ended.stdout, ended.stderr);
        serde_json::from_str(&ended.stdout).with_context(text)
    }

    /// Every agent is connected, and the coordinator may command them.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let (since, wanted) = (Instant::now(), self.machines.len() - 1);
        let mut status = Value::Null;
        while since.elapsed() < MEET {
            status = self.document(&["status"]).await.unwrap_or_default();
            let rows = status["nodes"].as_array().into_iter().flatten();
            let met = rows.filter(|r| r["connected"] == true).count();
            let commands = status["read_only"].is_null() && !status["epoch"].is_null();
            if met >= wanted && commands && self.asks_bcm().await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!(
            "coordinator and agents did not meet within {} s: {status}\n{}",
            MEET.as_secs(),
            self.words().await
        )
    }

    /// The agent of the head node is connected, where there is one.
    async fn asks_bcm(&self) -> anyhow::Result<bool> {
        Ok(self.daemon.is_none() || self.podlift(&["clusters"]).await?.success())
    }

    /// The last words of coordinator and agents, for a test that fails.
    pub async fn words(&self) -> String {
        let mut all = String::new();
        for machine in self.machines.values() {
            let unit = if machine.name == configs::HEAD { "podlift-coordinator" } else { "podlift-agent" };
            let said =
                machine.ended(&["journalctl", "-u", unit, "-n", "12", "--no-pager", "-o", "cat"]).await;
            let said = said.map_or_else(|e| e.to_string(), |s| s.stdout);
            all.push_str(&format!("--- {} {unit}\n{said}", machine.name));
        }
        all
    }
}
