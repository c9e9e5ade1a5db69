//! `imageupdate`: a dry run without `-w`. CMDaemon serves the requests, also when the session has ended; `--wait` waits for them.

use super::session::{Problem, Session};
use crate::doubles::ctx::HEAD;
use crate::world::bcm::Ended;
use futures_util::future::join_all;
use tokio::sync::oneshot;

const DRY: &str =
    "Performing dry run (use synclog command to review result, then pass -w to perform real update)...";

impl Session<'_> {
    pub(super) async fn imageupdate(&self, words: &[&str]) -> Result<(), Problem> {
        let devices = self.asked(words)?;
        let write = words.contains(&"-w") || words.contains(&"--write");
        if !write {
            self.ctx.out(DRY);
        }
        let begun: Vec<oneshot::Receiver<Ended>> =
            devices.into_iter().map(|device| self.begin(device, write)).collect();
        self.ctx.pause().await;
        if !words.contains(&"--wait") {
            return Ok(());
        }
        let ended = join_all(begun).await;
        self.ctx.pause().await;
        // Of a request that is gone there is no event, and no failure.
        let quiet = self.ctx.world.lock().bcm.switches.quiet_failures;
        let failed = !quiet && ended.iter().flatten().any(|e| matches!(e, Ended::Failed(_)));
        for end in ended.iter().flatten() {
            match end {
                Ended::Failed(_) if quiet => {}
                Ended::Completed(text) | Ended::Failed(text) => self.event(text),
                Ended::Lost => {}
            }
        }
        self.ctx.out(&self.shown(if failed {
            "imageupdate [ FAILED ]"
        } else {
            "imageupdate [ COMPLETED ]"
        }));
        Ok(())
    }

    fn begin(&self, device: String, write: bool) -> oneshot::Receiver<Ended> {
        let (done, ended) = oneshot::channel();
        let world = self.ctx.world.clone();
        self.ctx.world.spawn(HEAD, async move {
            // The session may be gone.
            done.send(world.provision(&device, write).await).ok();
        });
        ended
    }

    fn asked(&self, words: &[&str]) -> Result<Vec<String>, Problem> {
        let after = |name: &str| words.iter().position(|w| *w == name).and_then(|i| words.get(i + 1));
        let s = self.ctx.world.lock();
        let names: Vec<String> = match (after("-n"), after("-c")) {
            (Some(list), _) => list.split(',').map(String::from).collect(),
            (_, Some(category)) => {
                let of = |d: &crate::world::bcm::Device| d.category.as_deref() == Some(*category);
                s.bcm.devices.iter().filter(|(_, d)| of(d)).map(|(name, _)| name.clone()).collect()
            }
            _ => vec![self.current()?],
        };
        match names.iter().find(|name| !s.bcm.devices.contains_key(*name)) {
            Some(name) => Err(Problem(format!("No such device: {name}"))),
            None => Ok(names),
        }
    }
}
