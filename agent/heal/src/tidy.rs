//! Stray copies in the folder. The heal finds them when the folder changed, reports them, and moves them to its own folder if hygiene may
//! act. It never deletes them.

use crate::healer::Heal;
use crate::history::How;
use crate::look::{Noticed, Step};
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

/// Larger files can't be copies of a manifest.
const LARGEST: u64 = 1 << 20;

impl Heal {
    /// Another file of the folder changed.
    pub(crate) fn other_changed(&self, name: &str, noticed: Duration) {
        if strays::may_be(name) {
            self.state().strays.stamp = None;
            self.look_at_strays(noticed, None);
        }
    }

    /// Looks for stray copies; with `by_hand` a person allows the heal to move those of this component now.
    pub(crate) fn look_at_strays(&self, noticed: Duration, by_hand: Option<Component>) {
        if self.config.mode == Mode::Off {
            return;
        }
        let found = self.strays_in(&mut self.state());
        for stray in found {
            let armed = self.armed_guard(&self.state()).is_some();
            let of = stray.component.filter(|c| by_hand == Some(*c) || armed);
            let Some(component) = of.filter(|_| self.config.mode != Mode::Observe && stray.why_not.is_none())
            else {
                self.state().notices.log(&stray.name, vec![stray.what()]);
                continue;
            };
            match self
                .allowance
                .spend(&self.host, &self.history, component)
                .map(|()| self.move_stray(&stray, component, noticed))
            {
                Ok(Ok(_)) | Ok(Err(ReplaceError::Changed)) => self.state().strays.stamp = None,
                Ok(Err(ReplaceError::Io(error))) => {
                    self.state().notices.fail(&stray.name, explain(&error));
                }
                Err(spent) => self.held_back(component, &stray.name, &spent),
            }
        }
    }

    /// The present stray copies. The folder is searched only if it changed.
    pub(crate) fn strays_in(&self, state: &mut State) -> Vec<Stray> {
        let folder = self.host.files.stat(Path::new(paths::MANIFESTS)).ok();
        let stamp = folder.map(|s| (s.inode, s.ctime, s.size));
        if stamp.is_none() || stamp != state.strays.stamp {
            state.strays.found = self.search();
            state.strays.stamp = stamp;
        }
        let found = state.strays.found.clone();
        found.into_iter().map(|stray| self.kept_where_only(state, stray)).collect()
    }

    /// Forbids the move of a file that may be the only copy of a component's manifest.
    fn kept_where_only(&self, state: &mut State, stray: Stray) -> Stray {
        let Some(component) = stray.component.filter(|_| stray.why_not.is_none()) else { return stray };
        let own = self.seen_in(state, component);
        let readable = own.is_ok_and(|look| look.is_some_and(|look| look.manifest().is_some()));
        let why =
            || format!("{} can't be read or is missing: this may be the only copy of it", component.file());
        Stray { why_not: (!readable).then(why), ..stray }
    }

    fn search(&self) -> Vec<Stray> {
        let names = self.host.files.list(Path::new(paths::MANIFESTS)).unwrap_or_default();
        let all = names.into_iter().filter(|name| strays::may_be(name)).filter_map(|name| self.stray(name));
        let (mut found, etcd): (Vec<Stray>, Vec<Stray>) = all.partition(|s| s.component.is_some());
        // One file for etcd is right, whatever its name.
        if etcd.len() > 1 {
            found.extend(etcd.into_iter().filter(|s| s.name != strays::ETCD));
        }
        found
    }

    fn stray(&self, name: String) -> Option<Stray> {
        let path = Path::new(paths::MANIFESTS).join(&name);
        let stat = self.host.files.stat(&path).ok()?;
        if stat.kind == FileKind::Symlink {
            return strays::link(name, stat);
        }
        let small = stat.kind == FileKind::Regular && stat.size <= LARGEST;
        let bytes = small.then(|| self.host.files.read(&path).ok())??;
        let component = strays::component_of(&bytes);
        let is_etcd = component.is_none() && strays::is_etcd(&bytes);
        let why_not = is_etcd.then(|| {
            "etcd's files are never moved; find out which of them runs, and move the other away".into()
        });
        let hash = Digest::of(bytes);
        (component.is_some() || is_etcd).then_some(Stray { name, component, stat, hash, why_not })
    }

    fn move_stray(
        &self,
        stray: &Stray,
        component: Component,
        noticed: Duration,
    ) -> Result<Step, ReplaceError> {
        let to = self.kept_place(stray);
        let hashes = (&stray.hash, stray.hash.clone());
        let how = How::Moved(to.display().to_string());
        let at = Noticed { at: noticed, follows: false };
        let intent = self.intent(component, &stray.name, vec!["stray".into()], hashes, at, how);
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
