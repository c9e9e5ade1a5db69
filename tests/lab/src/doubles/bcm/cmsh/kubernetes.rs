//! The kubernetes mode: clusters, their version in BCM's metadata, and the applications of the group `system`. With one cluster the mode
//! is that cluster's own; with several one has to be used.

use super::session::{Problem, Session, Staged, clusters};
use super::table::{Column, Form};

const CLUSTERS: [Column; 1] = [("name", "Name (key)", 0)];
const APPLICATIONS: [Column; 3] =
    [("name", "Name (key)", 19), ("format", "Format", 6), ("enabled", "Enabled", 7)];

impl Session<'_> {
    pub(super) fn kubernetes(&mut self, words: &[&str]) -> Result<(), Problem> {
        let below: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match (below.as_slice(), words) {
            (_, [mode @ ("appgroups" | "applications")]) => {
                self.path.push((*mode).into());
                Ok(())
            }
            (["appgroups"], ["use", "system"]) => Ok(()),
            (["appgroups", "applications"], ["list"]) => {
                let all = self.ctx.world.lock().bcm.applications.clone();
                let row = |(name, on): &(String, bool)| {
                    vec![name.clone(), "Yaml".into(), if *on { "yes" } else { "no" }.into()]
                };
                let rows: Vec<Vec<String>> = all.iter().map(row).collect();
                self.ctx.out(&Form::default().table(&APPLICATIONS, &rows).map_err(Problem)?);
                Ok(())
            }
            ([], ["list", rest @ ..]) => {
                let form = Form::of(rest).ok_or_else(|| self.unknown(words))?;
                let rows: Vec<Vec<String>> = self.names().into_iter().map(|name| vec![name]).collect();
                self.ctx.out(&form.table(&CLUSTERS, &rows).map_err(Problem)?);
                Ok(())
            }
            ([], ["use", name]) => self
                .use_object("kubernetes cluster", name)
                .map_err(|_| Problem(format!("No kubernetes cluster with name '{name}' could be found"))),
            ([], ["get", "version"]) => {
                let cluster = self.cluster()?;
                let staged = self.staged.iter().rev().find_map(|s| match s {
                    Staged::Version { cluster: of, version } if *of == cluster => Some(version.clone()),
                    _ => None,
                });
                let all = clusters(&self.ctx.world.lock());
                let recorded = all.into_iter().find(|(name, _)| *name == cluster).map(|(_, version)| version);
                self.ctx.out(&self.shown(&staged.or(recorded).unwrap_or_default()));
                Ok(())
            }
            ([], ["set", "version", version]) => {
                let cluster = self.cluster()?;
                self.staged.push(Staged::Version { cluster, version: (*version).into() });
                Ok(())
            }
            _ => Err(self.unknown(words)),
        }
    }

    fn cluster(&self) -> Result<String, Problem> {
        let names = self.names();
        match (&self.object, names.as_slice()) {
            (Some(name), _) => Ok(name.clone()),
            (None, [only]) => Ok(only.clone()),
            _ => Err(Problem("No object in use".into())),
        }
    }
}
