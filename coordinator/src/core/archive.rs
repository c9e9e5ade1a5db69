//! Ended runs leave the journal: their records go into a file, and the journal keeps their hashes and a mark that names the file. In this
//! order: file written, fsynced and verified; mark durable; records emptied. What a crash leaves is finished the next time.

use super::{Coordinator, CoordinatorError};
use crate::journal::archive::{Archives, Verified};
use crate::journal::{Query, each};
use crate::store::{Archived, Store};
use jiff::Timestamp;
use podlift_engine::machine::{
    ARCHIVE_SCHEMA, ArchiveHeader, ArchivedRun, Event, RunDigest, RunState, RunStatus,
};
use podlift_model::{ClusterName, RunId};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Coordinator {
    /// Archives every run that ended before `before`, but for the newest, on which status and report rest. Answers with a line for people.
    pub(super) async fn archive(&self, before: Timestamp, by: &str) -> Result<String, CoordinatorError> {
        let _one = self.starting.lock().await;
        let (archivist, by) = (self.archivist()?, by.to_string());
        blocking(move || archivist.archive(before, by)).await
    }

    /// Reads every byte of one archive, or of all.
    pub async fn verify_archives(&self, file: Option<String>) -> Result<String, CoordinatorError> {
        let archivist = self.archivist()?;
        blocking(move || archivist.verify(file)).await
    }

    /// Empties what an earlier start archived and did not empty any more.
    pub async fn finish_archives(&self) -> Result<u64, CoordinatorError> {
        let _one = self.starting.lock().await;
        let archivist = self.archivist()?;
        blocking(move || archivist.finish()).await
    }

    fn archivist(&self) -> Result<Archivist, CoordinatorError> {
        let archives = self.settings.archives.clone().ok_or(CoordinatorError::NoArchives)?;
        let (store, cluster, now) = (self.store.clone(), self.cluster_name.clone(), self.clock.now());
        Ok(Archivist { store, archives, cluster, now })
    }
}

/// On a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CoordinatorError> + Send + 'static,
) -> Result<T, CoordinatorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| CoordinatorError::ArchiveNotMade { why: e.to_string() })?
}

struct Archivist {
    store: Arc<Store>,
    archives: Archives,
    cluster: ClusterName,
    now: Timestamp,
}

impl Archivist {
    fn archive(&self, before: Timestamp, by: String) -> Result<String, CoordinatorError> {
        let left = self.finish()?;
        let runs = self.ended(before).iter().map(|s| self.summary(s)).collect::<Result<Vec<_>, _>>()?;
        if runs.is_empty() {
            return Ok(nothing(before, left));
        }
        let header = ArchiveHeader {
            schema: ARCHIVE_SCHEMA.into(),
            cluster: self.cluster.clone(),
            made_at: self.now,
            by: by.clone(),
            before,
            runs: runs.clone(),
        };
        let made = self.archives.write(self.store.reader().as_ref(), &header)?;
        let (file, sha256) = (made.file.clone(), made.sha256.clone());
        self.store.append(None, Event::RunsArchived { file, sha256, before, runs: runs.clone(), by })?;
        runs.iter().try_for_each(|r| self.store.free(&r.run).map(drop))?;
        self.compact()?;
        Ok(self.said(&made))
    }

    /// Oldest first.
    fn ended(&self, before: Timestamp) -> Vec<Arc<RunState>> {
        let newest = self.store.newest().map(|s| s.run.clone());
        let runs = self.store.runs().into_iter().filter(|run| Some(run) != newest.as_ref());
        let mut states: Vec<Arc<RunState>> = runs.filter_map(|run| self.store.run(&run)).collect();
        states.retain(|s| s.ended.is_some_and(|ended| ended < before));
        states.sort_by_key(|s| s.started);
        states
    }

    /// What the journal keeps of a run, from its records as they are stored.
    fn summary(&self, state: &RunState) -> Result<ArchivedRun, CoordinatorError> {
        let (mut digest, mut ended_seq) = (RunDigest::new(&state.run), 0);
        each(self.store.reader().as_ref(), Query::run(Some(&state.run), 0), |row| {
            let record = row.record()?;
            digest.take(record.seq, record.hash.as_str());
            if matches!(record.event, Event::RunSucceeded | Event::RunAborted { .. }) {
                ended_seq = record.seq;
            }
            Ok::<_, CoordinatorError>(())
        })?;
        let status = if state.status == RunStatus::Succeeded { "succeeded" } else { "aborted" };
        Ok(ArchivedRun {
            run: state.run.clone(),
            status: status.into(),
            by: state.by.clone(),
            started: state.started,
            ended: state.ended.unwrap_or(state.last),
            ended_seq,
            records: digest.records,
            chain: digest.digest,
            backup: state.seal.as_ref().map(|s| s.hash.clone()),
        })
    }

    /// Nothing is emptied before its file was verified again.
    fn finish(&self) -> Result<u64, CoordinatorError> {
        let mut freed = 0;
        for (run, archived) in self.store.all_archived() {
            if self.store.reader().count(&Query::run(Some(&run), 0))? > 0 {
                self.verify_marked(&archived)?;
                freed += self.store.free(&run)?;
            }
        }
        if freed > 0 {
            self.compact()?;
        }
        Ok(freed)
    }

    /// While a run is open the room is only used again: its appends shall not wait.
    fn compact(&self) -> Result<(), CoordinatorError> {
        match self.store.open_run() {
            None => Ok(self.store.compact()?),
            Some(_) => Ok(()),
        }
    }

    fn verify_marked(&self, archived: &Archived) -> Result<Verified, CoordinatorError> {
        let found = self.archives.verify(&archived.file)?;
        match found.sha256 == archived.sha256 {
            true => Ok(found),
            false => Err(CoordinatorError::OtherArchive { file: archived.file.clone() }),
        }
    }

    fn verify(&self, file: Option<String>) -> Result<String, CoordinatorError> {
        let marked: BTreeMap<String, Archived> =
            self.store.all_archived().into_values().map(|a| (a.file.clone(), a)).collect();
        let files: Vec<String> = match file {
            Some(file) => vec![file],
            None => {
                let mut all = self.archives.list()?;
                // A file that is gone is a failure, too.
                all.extend(marked.keys().cloned());
                all.sort();
                all.dedup();
                all
            }
        };
        if files.is_empty() {
            return Ok("nothing was archived yet: podlift runs archive --before DATE".into());
        }
        let lines = files.iter().map(|file| self.verified(file, marked.get(file)));
        Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
    }

    fn verified(&self, file: &str, marked: Option<&Archived>) -> Result<String, CoordinatorError> {
        let (found, told) = match marked {
            Some(archived) => (self.verify_marked(archived)?, "as the journal has it"),
            None => (self.archives.verify(file)?, "no mark in the journal names it"),
        };
        let runs: Vec<&str> = found.header.runs.iter().map(|r| r.run.as_str()).collect();
        Ok(format!("{file} is whole, {told}: {} records of {}", found.records, runs.join(", ")))
    }

    fn said(&self, made: &Verified) -> String {
        let path = self.archives.path(&made.file);
        let runs: Vec<&RunId> = made.header.runs.iter().map(|r| &r.run).collect();
        let names = runs.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ");
        format!(
            "archived {} records of {names} in {} ({} bytes, sha256 {})",
            made.records,
            path.display(),
            made.bytes,
            made.sha256
        )
    }
}

fn nothing(before: Timestamp, left: u64) -> String {
    match left {
        0 => format!("nothing to archive: no run but the newest ended before {before}"),
        n => format!("an archive that was interrupted is finished: {n} records were emptied"),
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
