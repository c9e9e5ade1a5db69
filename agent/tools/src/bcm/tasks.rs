//! `task; list`: background tasks of CMDaemon. After a clone and after each change of packages it makes the image's ramdisks anew, twice.

use super::cmsh;
use super::{lines, odd, printed, short};
use podlift_host::Host;
use podlift_model::Failure;
use podlift_model::bcm::{BcmTask, TaskState};

pub async fn look(host: &Host) -> Result<Vec<BcmTask>, Failure> {
    let text = printed(host, cmsh::script("task; list")).await?;
    // Without a row it may be an error with exit code 0, and an error does not say that nothing is in progress.
    let says = |line: &str| {
        ["error", "connection", "not found"].iter().any(|word| line.to_lowercase().contains(word))
    };
    match parse(&text) {
        rows if rows.is_empty() && !is_table(&text) && lines::of(&text).any(says) => Err(odd(short(&text))),
        rows => Ok(rows),
    }
}

fn is_table(text: &str) -> bool {
    lines::of(text).any(|line| line.trim_start().starts_with("--"))
}

/// Rows that begin with a task's UUID. Without a word that ends a task, it is open.
fn parse(text: &str) -> Vec<BcmTask> {
    let task = |line: &str| {
        let (id, what) = line.trim().split_once([' ', '|'])?;
        let what = what.trim_matches([' ', '|']).to_string();
        is_uuid(id).then(|| Some(BcmTask { id: id.parse().ok()?, state: state(&what), what }))?
    };
    lines::of(text).filter_map(task).collect()
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn state(what: &str) -> TaskState {
    let what = what.to_lowercase();
    let words: Vec<&str> = what.split(|c: char| !c.is_alphabetic()).collect();
    let has = |any: &[&str]| words.iter().any(|w| any.contains(w));
    match () {
        () if has(&["failed", "failure"]) => TaskState::Failed,
        () if has(&["cancelled", "canceled"]) => TaskState::Cancelled,
        () if has(&["done", "completed", "finished"]) => TaskState::Done,
        () => TaskState::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_their_states() {
        let id = |n: u32| format!("0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e{n:02}");
        let text = format!(
            "UUID  Name  Status\n-----  ----  -----\n{}  Create ramdisk for dgx-image  running\n{} Create ramdisk Done\nFri Nov 27 13:00:00 2026 [notice] h: x\n{}|Clone image|failed|\n{} Clone image CANCELLED\nbash-1 x\n",
            id(1),
            id(2),
            id(3),
            id(4)
        );
        let states: Vec<TaskState> = parse(&text).iter().map(|t| t.state).collect();
        use TaskState::{Cancelled, Done, Failed, Open};
        assert_eq!(states, [Open, Done, Failed, Cancelled]);
        assert_eq!(parse(&text)[2].what, "Clone image|failed");
        assert_eq!(parse(""), []);
    }
}
