//! Lets BCM write a node's image to it, or only says what it would write. An exit code and `COMPLETED` prove nothing: the node's log has to be
//! a new one that ends with its trailer, and no request of the node may have failed.

use super::idle::Patience;
use super::memo::Memo;
use super::{Applied, Cx, Op, idle, shared};
use crate::units::Exit;
use async_trait::async_trait;
use jiff::Timestamp;
use podlift_model::bcm::{BcmSync, ImageName, SyncMode};
use podlift_model::{Failure, NodeName, OpOutput, codes};
use podlift_tools::bcm::cmdaemon::{LAG, Update};
use podlift_tools::bcm::provisioning::Turn;
use podlift_tools::bcm::{images, nodes, synclog};
use std::time::Duration;
use tokio::time::Instant;

pub struct Sync {
    pub node: NodeName,
    pub image: ImageName,
    /// False for a dry run.
    pub write: bool,
}

/// Without a tool that waits for it, a request may first have to wait for a slot; and the tool may return before the request ends.
const LIMIT: Duration = Duration::from_secs(4 * 3600);
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
            _ if !mode => {
                let seen = sync.mode.map_or("none".into(), |mode| format!("{mode:?}").to_uppercase());
                Some(format!("its log has the mode {seen}, expected UPDATE or FULL"))
            }
            _ => None,
        }
    }

    /// Waits for the end of the update, and judges its log.
    async fn proven(&self, cx: &Cx<'_>, memo: &Memo, printed: &str) -> Result<OpOutput, Failure> {
        let listed = images::find(&cx.node.host, &self.image).await?;
        let path = listed.ok_or_else(|| shared::missing(&self.image))?.path;
        let sync = self.ended(cx, memo, printed).await?;
        match self.wrong(cx, &sync, &path) {
            None => Ok(OpOutput::BcmSync(Box::new(sync))),
            Some(why) => Err(self.failed(&why, printed)),
        }
    }

    /// Waits until the node's log is complete, or nothing is in progress any more.
    async fn ended(&self, cx: &Cx<'_>, memo: &Memo, printed: &str) -> Result<BcmSync, Failure> {
        let (daemon, began) = (cx.cmdaemon(), Instant::now());
        let until = began + LIMIT;
        // One for each question: that the one is answered says nothing about the other.
        let (mut patience, mut turns) = (Patience::default(), Patience::default());
        let (mut quiet, mut failure) = (0, None::<(String, Timestamp)>);
        let look = || daemon.turn(&cx.node.host, &self.node, &memo.requests);
        let asked = !memo.requests.is_empty();
        loop {
            // Before the log, and no log is read while the request is open: what it has by then may be of another request, or of an attempt.
            let before = if asked { turns.take(look().await)? } else { None };
            let busy = asked && (began.elapsed() < LAG || is_open(before.as_ref()));
            let log = match busy {
                true => None,
                false => patience.take(self.log(cx, &memo.header, printed).await)?.flatten(),
            };
            let ended = log.filter(|s| s.completed || s.rsync_code.is_some_and(|c| c != 0));
            if let (Some(log), false) = (&ended, asked) {
                return Ok(log.clone());
            }
            let turn = if asked { before } else { turns.take(look().await)? };
            let open = busy || is_open(turn.as_ref());
            // CMDaemon tries a request several times, so that its last word counts.
            if let Some(turn) = turn.as_ref().filter(|turn| turn.waits || turn.served)
                && turn.failed.as_ref() != failure.as_ref().map(|(why, _)| why)
            {
                failure = turn.failed.clone().map(|why| (why, cx.node.host.clock.now()));
            }
            match (ended, &failure) {
                (Some(log), None) if !open => return Ok(log),
                // An attempt that began after the failure was seen has ended well.
                (Some(log), Some((_, seen)))
                    if !open && log.completed && log.began.is_some_and(|began| began >= *seen) =>
                {
                    return Ok(log);
                }
                (Some(_), Some((why, _))) if !open => {
                    return Err(self.failed(&format!("its request failed: {why}"), printed));
                }
                _ => {}
            }
            quiet = if open { 0 } else { quiet + 1 };
            if quiet >= LOOKS {
                let why = failure.map(|(why, _)| format!(": {why}")).unwrap_or_default();
                let why = format!("BCM has no request of it any more, and no new log{why}");
                return Err(self.failed(&why, printed));
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

/// Whether a request of the node may still be at work. What can't be known may be.
fn is_open(turn: Option<&Turn>) -> bool {
    turn.is_none_or(|turn| turn.waits || turn.served)
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
        let (host, daemon) = (&cx.node.host, cx.cmdaemon());
        let earlier = Memo::read(cx);
        let again = earlier.is_some();
        let mut memo = match earlier {
            Some(memo) => memo,
            None => {
                let log = synclog::text(host, &self.node).await?;
                Memo { header: synclog::header(&log).to_string(), ..Memo::default() }
            }
        };
        if memo.requests.is_empty() {
            memo.write(cx)?;
            match daemon.update(host, &self.node, self.write, again).await? {
                Update::Unit(spec) => return Ok(Applied::Unit(spec)),
                Update::Requests(requests) => memo.requests = requests,
            }
            memo.write(cx)?;
        }
        Ok(Applied::Done(self.proven(cx, &memo, "").await?))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let printed = cx.log();
        let memo = Memo::read(cx).unwrap_or_default();
        let failed = refused(&printed).map(String::from);
        if let Some(why) =
            failed.or_else(|| (!exit.success()).then(|| format!("imageupdate {}", exit.describe())))
        {
            // Why rsync ended is in the node's log only.
            let log = self.log(cx, &memo.header, &printed).await.ok().flatten();
            let code =
                log.and_then(|log| log.rsync_code).map(|code| format!("; rsync ended with code {code}"));
            return Err(self.failed(&format!("{why}{}", code.unwrap_or_default()), &printed));
        }
        self.proven(cx, &memo, &printed).await
    }

    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        Memo::remove(cx);
        Ok(())
    }
}
