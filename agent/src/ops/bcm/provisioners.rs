//! Sends an image to all provisioners and waits until each has it. A node that is served by a provisioner with the old image gets the old
//! image, and nothing says so.

use super::idle::Patience;
use super::memo::Memo;
use super::{Applied, Cx, Op, idle, shared};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::bcm::{BcmProvisioning, ImageName};
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::bcm::{change, provisioning};
use std::time::Duration;
use tokio::time::Instant;

pub struct Provisioners {
    pub image: ImageName,
}

const LIMIT: Duration = Duration::from_secs(6 * 3600);
/// Looks in a row at an idle subsystem after which a provisioner that lacks the image will not get it.
const LOOKS: u32 = 5;
/// What `updateprovisioners` prints at its end, by release.
const ENDED: [&str; 2] = ["Finished updating software image", "Provisioning completed"];

/// What a look at the provisioners says.
enum Verdict {
    UpToDate,
    /// These lack the image.
    Stale(Vec<String>),
    /// The layout does not say.
    Unsaid,
}

impl Provisioners {
    fn judge(&self, state: &BcmProvisioning) -> Verdict {
        let serving = state.provisioners.iter().filter(|p| !p.drained);
        if state.provisioners.iter().all(|p| p.up_to_date.is_none()) {
            return Verdict::Unsaid;
        }
        let has = |images: &Vec<ImageName>| images.contains(&self.image);
        let stale = serving.filter(|p| !p.up_to_date.as_ref().is_some_and(has));
        match stale.map(|p| p.node.clone()).collect::<Vec<_>>() {
            stale if stale.is_empty() => Verdict::UpToDate,
            stale => Verdict::Stale(stale),
        }
    }

    fn stale(&self, why: &str, log: &str) -> Failure {
        let message = format!(
            "a provisioner may still have another state of {}: {why}; cmsh -c \"softwareimage; updateprovisioners\" and look at cmsh -c \"softwareimage provisioningstatus\", then podlift retry",
            self.image
        );
        Failure::operator(codes::BCM_PROVISIONER_STALE, message).with_detail(log)
    }
}

#[async_trait]
impl Op for Provisioners {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    /// Never done before `apply`: a provisioner counts as up to date after a change that CMDaemon did not make.
    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        shared::image(cx, &self.image).await.map(|_| None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let memo = Memo::now(cx).await?;
        idle::tasks(cx, &memo.failed).await?;
        Ok(Applied::Unit(change::update_provisioners()))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let log = cx.log();
        if !exit.success() {
            return Err(self.stale(&format!("updateprovisioners {}", exit.describe()), &log));
        }
        let ended = ENDED.iter().any(|words| log.contains(words));
        let refused = |line: &str| {
            let line = line.to_lowercase();
            line.starts_with("error") || line.contains("deferred") || line.contains("is locked")
        };
        if !ended && log.lines().any(refused) {
            let why = format!(
                "updateprovisioners did not send it; if the lock holds it back, cmsh -q -c \"softwareimage unlock {}\" first",
                self.image
            );
            return Err(self.stale(&why, &log));
        }
        let until = Instant::now() + LIMIT;
        let (mut quiet, mut patience) = (0, Patience::default());
        loop {
            let state = patience.take(provisioning::status(&cx.node.host).await)?;
            quiet = if state.as_ref().is_some_and(|state| state.idle) { quiet + 1 } else { 0 };
            match state.map_or(Verdict::Unsaid, |state| self.judge(&state)) {
                // Its book alone may be older than the change.
                Verdict::UpToDate if ended || quiet >= 2 => {
                    return Ok(OpOutput::Changed(format!("every provisioner has {}", self.image)));
                }
                Verdict::Unsaid if ended && quiet >= 2 => {
                    let line = format!("the provisioners were updated with {}, and are idle", self.image);
                    return Ok(OpOutput::Changed(line));
                }
                Verdict::Unsaid if quiet >= LOOKS => {
                    return Err(self.stale("BCM does not say that it finished updating them", &log));
                }
                Verdict::Stale(nodes) if quiet >= LOOKS => {
                    let why = format!("{} not up to date, and nothing is in progress", nodes.join(", "));
                    return Err(self.stale(&why, &log));
                }
                _ if Instant::now() >= until => {
                    return Err(self.stale("the update has not ended within 6 hours", &log));
                }
                _ => tokio::time::sleep(idle::pause(cx)).await,
            }
        }
    }
}
