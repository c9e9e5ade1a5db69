//! Sends an image to all provisioners and waits until each has it. A node that is served by a provisioner with the old image gets the old
//! image, and nothing says so.

use super::idle::Patience;
use super::memo::Memo;
use super::{Applied, Cx, Op, idle, shared};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::Host;
use podlift_model::bcm::{BcmProvisioning, ImageName};
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::bcm::api::Names;
use podlift_tools::bcm::{Cmdaemon, change};
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

/// Where images are, in the lines about their transfer.
const FOLDER: &str = "/cm/images/";

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

/// The provisioners now. Their names are read once.
async fn seen(daemon: &Cmdaemon, host: &Host, names: &mut Option<Names>) -> Result<BcmProvisioning, Failure> {
    let known = match names.take() {
        Some(known) => known,
        None => daemon.names(host).await?,
    };
    daemon.status(host, names.insert(known)).await
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
        // It sends all images, one after another: the end of another one says nothing of this one.
        let names = |line: &str| line.contains(self.image.as_str());
        let of_another = |line: &str| line.contains(FOLDER) && !names(line);
        let ended = log.lines().any(|line| ENDED.iter().any(|w| line.contains(w)) && !of_another(line));
        let refused = |line: &str| {
            let said = line.to_lowercase();
            let no = said.starts_with("error") || said.contains("deferred") || said.contains("is locked");
            no && (names(line) || !ended)
        };
        if log.lines().any(refused) {
            let why = format!(
                "updateprovisioners did not send it; if the lock holds it back, cmsh -q -c \"softwareimage unlock {}\" first",
                self.image
            );
            return Err(self.stale(&why, &log));
        }
        let (host, daemon, until) = (&cx.node.host, cx.cmdaemon(), Instant::now() + LIMIT);
        let (mut quiet, mut patience, mut names) = (0, Patience::default(), None);
        loop {
            let state = patience.take(seen(&daemon, host, &mut names).await)?;
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
