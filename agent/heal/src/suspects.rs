//! Which process undoes repairs. fanotify is armed when the first repair was undone, and stopped when no repair was undone for an hour. Its
//! events are read right after each notice, so that it causes no wakeups.

use crate::budget::HOUR;
use podlift_host::{Process, Watch, Writers, Writing};
use podlift_model::op::Component;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

#[derive(Default)]
pub struct Suspects {
    armed: Option<Armed>,
    /// The last known writer of each file, by the file's name.
    seen: BTreeMap<String, Result<Process, String>>,
}

struct Armed {
    last_undone: Duration,
    /// The fanotify group, or why the kernel gives none.
    kernel: Result<Box<dyn Writers>, String>,
}

impl Suspects {
    /// A repair was undone: arms fanotify.
    pub fn undone(&mut self, watch: &dyn Watch, dir: &Path, now: Duration) {
        match &mut self.armed {
            Some(armed) => armed.last_undone = now,
            None => {
                let kernel = watch.writers(dir).map_err(|e| e.to_string());
                self.armed = Some(Armed { last_undone: now, kernel });
            }
        }
    }

    pub fn is_armed(&self) -> bool {
        self.armed.is_some()
    }

    /// Takes in the kernel's events. Costs nothing while fanotify is not armed.
    pub fn ask(&mut self, now: Duration) {
        let Some(armed) = &mut self.armed else { return };
        let told = armed.kernel.as_mut().map(|kernel| kernel.seen()).unwrap_or_default();
        if now.saturating_sub(armed.last_undone) >= HOUR {
            return *self = Self::default();
        }
        for Writing { name, by } in told {
            self.note(name, by);
        }
    }

    /// Keeps a known process in preference to one that had ended before it was looked up.
    fn note(&mut self, name: String, by: Result<Process, String>) {
        if by.is_ok() || !self.seen.get(&name).is_some_and(Result::is_ok) {
            self.seen.insert(name, by);
        }
    }

    /// The process that writes a component's file, in words.
    pub fn who(&self, component: Component) -> String {
        let file = component.file();
        let none = || "the kernel does not say who".to_string();
        match (self.seen.get(&file), &self.armed) {
            (Some(Ok(process)), _) => describe(process),
            // A process that only renames ends at once, but the writer of the temporary file may be known.
            (Some(Err(why)), _) => {
                let helper = self
                    .seen
                    .iter()
                    .filter(|(name, _)| !name.ends_with(".yaml"))
                    .find_map(|(_, by)| by.as_ref().ok());
                helper.map_or(why.clone(), |p| format!("{why}, beside {}", describe(p)))
            }
            (None, Some(Armed { kernel: Err(why), .. })) => format!("{} ({why})", none()),
            (None, _) => none(),
        }
    }
}

fn describe(process: &Process) -> String {
    let unit = process.unit.as_ref().map(|u| format!(", unit {u}")).unwrap_or_default();
    let parent = process.parent.as_ref().map(|p| format!(", started by `{p}`")).unwrap_or_default();
    format!("pid {} `{}`{unit}{parent}", process.pid, process.command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::FakeWatch;

    const API: Component = Component::KubeApiserver;

    #[test]
    fn names_who_it_can_and_says_why_not() {
        let watch = FakeWatch::default();
        let (dir, now) = (Path::new("/m"), Duration::ZERO);
        let mut suspects = Suspects::default();
        suspects.ask(now);
        assert_eq!(suspects.who(API), "the kernel does not say who");
        suspects.undone(&watch, dir, now);
        assert_eq!(suspects.who(API), "the kernel does not say who (fanotify: Operation not permitted)");
        let mut suspects = Suspects::default();
        let ended = Writing { name: API.file(), by: Err("pid 8, which had ended already".into()) };
        watch.wrote(vec![ended.clone()]);
        suspects.undone(&watch, dir, now);
        suspects.ask(now);
        assert_eq!(suspects.who(API), "pid 8, which had ended already");
        let shell = Process {
            pid: 7,
            command: "bash sync.sh".into(),
            unit: Some("cron.service".into()),
            parent: Some("cron".into()),
        };
        watch.wrote(vec![Writing { name: API.file(), by: Ok(shell) }, ended]);
        suspects.ask(now);
        assert_eq!(suspects.who(API), "pid 7 `bash sync.sh`, unit cron.service, started by `cron`");
        suspects.ask(HOUR);
        assert_eq!(suspects.who(API), "the kernel does not say who", "an hour of peace");
    }
}
