//! Stray copies in the folder: found when the folder changed, reported, and moved to a kept place where hygiene may act. Never deleted.

use crate::healer::Heal;
use crate::history::How;
use crate::look::Step;
use crate::settings::Mode;
use crate::state::State;
use crate::strays::{self, Stray};
use crate::why::explain;
use podlift_host::ReplaceError;
use podlift_host::paths;
use podlift_host::{FileKind, Stat};
use podlift_model::Digest;
use podlift_model::op::Component;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Larger files are no copies of a manifest.
const LARGEST: u64 = 1 << 20;

impl Heal {
    /// Another file of the folder changed.
    pub(crate) fn other_changed(&self, name: &str, noticed: Duration) {
        if strays::may_be(name) {
            self.state().strays.stamp = None;
            self.look_at_strays(noticed, None);
        }
    }

    /// `by_hand`: a person says that those of this component may be moved now.
    pub(crate) fn look_at_strays(&self, noticed: Duration, by_hand: Option<Component>) {
        if self.config.mode == Mode::Off {
            return;
        }
        let found = self.strays_in(&mut self.state());
        for stray in found {
            let may = by_hand == Some(stray.component) || self.armed_guard(&self.state()).is_some();
            if self.config.mode == Mode::Observe || !may || stray.why_not.is_some() {
                self.say(&stray.name, vec![stray.what()]);
                continue;
            }
            match self.may_spend(stray.component).map(|()| self.move_stray(&stray, noticed)) {
                Ok(Ok(_)) | Ok(Err(ReplaceError::Changed)) => self.state().strays.stamp = None,
                Ok(Err(ReplaceError::Io(error))) => self.stuck(&stray.name, explain(&error)),
                Err(spent) => self.held_back(stray.component, &stray.name, &spent),
            }
        }
    }

    /// What is there now; the folder is looked through only if it changed.
    pub(crate) fn strays_in(&self, state: &mut State) -> Vec<Stray> {
        let folder = self.host.files.stat(Path::new(paths::MANIFESTS)).ok();
        let stamp = folder.map(|s| (s.inode, s.ctime, s.size));
        if stamp.is_none() || stamp != state.strays.stamp {
            state.strays.found = self.search();
            state.strays.stamp = stamp;
        }
        state.strays.found.clone()
    }

    fn search(&self) -> Vec<Stray> {
        let names = self.host.files.list(Path::new(paths::MANIFESTS)).unwrap_or_default();
        names.into_iter().filter(|name| strays::may_be(name)).filter_map(|name| self.stray(name)).collect()
    }

    fn stray(&self, name: String) -> Option<Stray> {
        let path = Path::new(paths::MANIFESTS).join(&name);
        let stat = self.host.files.stat(&path).ok()?;
        if stat.kind == FileKind::Symlink {
            return strays::link(name, stat);
        }
        let small = stat.kind == FileKind::Regular && stat.size <= LARGEST;
        let bytes = small.then(|| self.host.files.read(&path).ok())??;
        let component = strays::component_of(&bytes)?;
        Some(Stray { name, component, stat, hash: Digest::of(bytes), why_not: None })
    }

    fn move_stray(&self, stray: &Stray, noticed: Duration) -> Result<Step, ReplaceError> {
        let to = self.kept_place(stray);
        let hashes = (&stray.hash, stray.hash.clone());
        let how = How::Moved(to.display().to_string());
        let intent = self.intent(stray.component, &stray.name, vec!["stray".into()], hashes, noticed, how);
        let state = self.state();
        let _within = self.span(&state, &intent).entered();
        let from = Path::new(paths::MANIFESTS).join(&stray.name);
        let seen: (&Stat, &Digest) = (&stray.stat, &stray.hash);
        self.host.files.move_aside(&from, seen, &to, &mut || self.history.intent(intent.clone()))?;
        let took = self.host.clock.since_boot().saturating_sub(noticed);
        self.done(state, intent, took, || format!("moved to {}\n", to.display()))
    }

    fn kept_place(&self, stray: &Stray) -> PathBuf {
        let at = self.host.clock.now().strftime("%Y%m%dT%H%M%SZ");
        paths::heal("strays").join(format!("{at}-{}-{}", stray.hash.short(), stray.name))
    }
}
