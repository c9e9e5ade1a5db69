//! Lets BCM write a node's image to it, or only says what it would write. An exit code and `COMPLETED` prove nothing: the node's log has to be
//! a new one that ends with its trailer, and no request of the node may have failed.

use super::idle::Patience;
use super::memo::Memo;
use super::{Applied, Cx, Op, idle, shared};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::bcm::{BcmSync, ImageName, SyncMode};
use podlift_model::{Failure, NodeName, OpOutput, codes};
use podlift_tools::bcm::{change, images, nodes, provisioning, synclog};
use std::time::Duration;
use tokio::time::Instant;

pub struct Sync {
    pub node: NodeName,
    pub image: ImageName,
    /// False for a dry run.
    pub write: bool,
}

/// The tool may return before the request ends.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// Looks in a row without a request of the node after which it has ended, whatever became of it.
const LOOKS: u32 = 3;
/// A log may be a little older than the op only by a clock that was set.
const CLOCK: i64 = 300;

impl Sync {
    fn failed(&self, why: &str, log: &str) -> Failure {
        let what = if self.write { "was not written to it" } else { "could not be compared with it" };
        let message = format!(
            "{}: {} {what}: {why}; look at cmsh -c \"device; synclog {}\" and /var/log/cmdaemon, then podlift retry",
            self.node, self.image, self.node
        );
        Failure::operator(codes::BCM_SYNC_FAILED, message).with_detail(log)
    }

    /// The new log of the node; `None` while there is none.
    async fn log(&self, cx: &Cx<'_>, before: &str, printed: &str) -> Result<Option<BcmSync>, Failure> {
        let text = synclog::text(&cx.node.host, &self.node).await?;
        let header = synclog::header(&text);
        if header.is_empty() || header == before {
            return Ok(None);
        }
        let sync = synclog::parse(&self.node, &format!("{printed}\n{text}"));
        sync.map(Some).map_err(|why| self.failed(&why, printed))
    }

    /// Why the log does not prove what was asked.
    fn wrong(&self, cx: &Cx<'_>, sync: &BcmSync, path: &str) -> Option<String> {
        let old = sync.began.is_some_and(|began| began.as_second() + CLOCK < cx.accepted.at.as_second());
        let mode = sync.mode.is_some_and(|m| matches!(m, SyncMode::Update | SyncMode::Full));
        match sync {
            _ if old => Some("its log is older than this update".into()),
            BcmSync { rsync_code: Some(code), .. } if *code != 0 => {
                Some(format!("rsync ended with code {code}"))
            }
            BcmSync { completed: false, .. } => Some("its log has no end".into()),
            BcmSync { dry_run: Some(dry), .. } if *dry == self.write => {
                Some(format!("the log is of a {} run", if *dry { "dry" } else { "real" }))
            }
            BcmSync { image: Some(sent), .. } if sent.trim_end_matches('/') != path => {
                Some(format!("BCM sent {sent}, expected {path}"))
            }
            _ if !mode => Some(format!("its log has the mode {:?}, expected UPDATE or FULL", sync.mode)),
            _ => None,
        }
    }

    /// Waits until the node's log is complete, or nothing is in progress any more.
    async fn ended(&self, cx: &Cx<'_>, before: &str, printed: &str) -> Result<BcmSync, Failure> {
        let until = Instant::now() + LIMIT;
        let (mut quiet, mut patience) = (0, Patience::default());
        loop {
            let sync = patience.take(self.log(cx, before, printed).await)?.flatten();
            if let Some(done) = sync.filter(|s| s.completed || s.rsync_code.is_some_and(|c| c != 0)) {
                return Ok(done);
            }
            let turn = patience.take(provisioning::turn(&cx.node.host, &self.node).await)?;
            quiet = if turn.as_ref().is_none_or(|turn| turn.waits || turn.served) { 0 } else { quiet + 1 };
            if quiet >= LOOKS {
                return Err(self.failed("BCM has no request of it any more, and no new log", printed));
            }
            if Instant::now() >= until {
                let why = if turn.is_some_and(|turn| turn.waits) {
                    "its request still waits"
                } else {
                    "the update has not ended"
                };
                return Err(self.failed(&format!("{why} after {} hours", LIMIT.as_secs() / 3600), printed));
            }
            tokio::time::sleep(idle::pause(cx)).await;
        }
    }
}

/// A line of imageupdate about a request that failed.
fn refused(printed: &str) -> Option<&str> {
    let lines = printed.lines().map(str::trim);
    lines.rev().find(|line| {
        let line = line.to_lowercase();
        let none = line.contains("0 failed") || line.contains("failed: 0");
        (line.contains("failed") && !none) || line.contains("error:") || line.contains("not found")
    })
}

#[async_trait]
impl Op for Sync {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    /// Never done before `apply`: an older log says nothing about the image as it is now.
    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let (image, _) = nodes::image(&cx.node.host, &self.node).await?;
        match image {
            Some(image) if image == self.image => Ok(None),
            other => {
                let has = other.map_or("no image".into(), |image| format!("the image {image}"));
                Err(self.failed(&format!("in BCM the node has {has}"), ""))
            }
        }
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let log = synclog::text(&cx.node.host, &self.node).await?;
        let memo = Memo { header: synclog::header(&log).to_string(), ..Memo::default() };
        memo.write(cx)?;
        Ok(Applied::Unit(change::imageupdate(&self.node, self.write)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let printed = cx.log();
        let before = Memo::read(cx).unwrap_or_default().header;
        let failed = refused(&printed).map(String::from);
        if let Some(why) =
            failed.or_else(|| (!exit.success()).then(|| format!("imageupdate {}", exit.describe())))
        {
            // Why rsync ended is in the node's log only.
            let log = self.log(cx, &before, &printed).await.ok().flatten();
            let code =
                log.and_then(|log| log.rsync_code).map(|code| format!("; rsync ended with code {code}"));
            return Err(self.failed(&format!("{why}{}", code.unwrap_or_default()), &printed));
        }
        let listed = images::find(&cx.node.host, &self.image).await?;
        let path = listed.ok_or_else(|| shared::missing(&self.image))?.path;
        let sync = self.ended(cx, &before, &printed).await?;
        match self.wrong(cx, &sync, &path) {
            None => Ok(OpOutput::BcmSync(Box::new(sync))),
            Some(why) => Err(self.failed(&why, &printed)),
        }
    }

    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        Memo::remove(cx);
        Ok(())
    }
}
