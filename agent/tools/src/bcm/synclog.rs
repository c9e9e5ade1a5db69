//! `synclog`: rsync's log of the last update of a node from its image, and what imageupdate itself prints. Neither exit codes nor
//! `COMPLETED` prove an update: the log's trailer does, if the log is a new one.

use super::{cmsh, lines, odd, printed_up_to, short};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use podlift_host::Host;
use podlift_model::bcm::{BcmSync, OF_IMAGE, PROTECTED, SyncMode};
use podlift_model::{Failure, NodeName};

/// Bytes of a log; the first update of a node names several hundred thousand files.
const LIMIT: usize = 256 << 20;
/// Most lines that a person needs.
const TOUCHES: usize = 50;

/// The log as BCM prints it.
pub async fn text(host: &Host, node: &NodeName) -> Result<String, Failure> {
    printed_up_to(host, cmsh::script(&format!("device; synclog {node}")), LIMIT).await
}

/// The log of the node. A node without any log gives one that is not completed.
pub async fn look(host: &Host, node: &NodeName) -> Result<BcmSync, Failure> {
    parse(node, &text(host, node).await?).map_err(odd)
}

/// The first line of a log, which has its time and no other log has. Empty if there is no log.
pub fn header(log: &str) -> &str {
    log.lines().map(str::trim).find(|line| line.contains(MODE) || time(line).is_some()).unwrap_or_default()
}

const MODE: &str = "Mode is ";
const TRAILER: &str = "Rsync completed.";

/// Reads a log, with or without the lines that imageupdate printed.
pub fn parse(node: &NodeName, log: &str) -> Result<BcmSync, String> {
    let mut sync = empty(node);
    let mut listing = false;
    for line in log.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match line {
            _ if line.contains(" to ") && line.contains("sending ") => sent(&mut sync, line),
            _ if line.contains(MODE) => began(&mut sync, line),
            _ if line.contains(TRAILER) => sync.completed = true,
            _ if is_list(line) => listing = true,
            _ if line.starts_with("sent ") && line.contains(" bytes") => listing = false,
            _ if is_rsync_error(line) => sync.rsync_code = code(line).or(sync.rsync_code),
            _ => file(&mut sync, line, listing),
        }
    }
    let unknown =
        sync.mode.is_none() && sync.image.is_none() && !sync.completed && sync.changes + sync.deletes == 0;
    let says = lines::of(log).any(|line| line.to_lowercase().contains("no ") || is_rsync_error(line));
    match unknown && !log.trim().is_empty() && !says {
        true => Err(format!("it printed something else than a log of an update: {}", short(log))),
        false => Ok(sync),
    }
}

/// `sending incremental file list`, or without recursion in parts `building file list ... done`.
fn is_list(line: &str) -> bool {
    let begins = ["sending", "building", "receiving"].iter().any(|word| line.starts_with(word));
    begins && line.contains("file list")
}

fn empty(node: &NodeName) -> BcmSync {
    BcmSync {
        node: node.clone(),
        began: None,
        mode: None,
        image: None,
        dry_run: None,
        completed: false,
        rsync_code: None,
        touches: Vec::new(),
        deletes: 0,
        changes: 0,
        request: None,
    }
}

/// `Tue, 11 Jan 2011 13:27:17 UTC - Starting rsync daemon based provisioning. Mode is SYNC.` A log has one beginning; a later one counts.
fn began(sync: &mut BcmSync, line: &str) {
    let word = line.split(MODE).nth(1).unwrap_or_default();
    let word: String = word.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    *sync = BcmSync { image: sync.image.take(), dry_run: sync.dry_run, ..empty(&sync.node) };
    sync.mode = Some(mode(&word));
    sync.began = time(line);
    let dry = line.to_lowercase();
    if dry.contains("dry run") || dry.contains("dry-run") {
        sync.dry_run = Some(!dry.contains("dry run = no"));
    }
}

fn mode(word: &str) -> SyncMode {
    match word.to_uppercase().as_str() {
        "UPDATE" => SyncMode::Update,
        "SYNC" | "AUTO" => SyncMode::Sync,
        "FULL" => SyncMode::Full,
        _ => SyncMode::Other,
    }
}

/// `… sending basecm11:/cm/images/default-image to node001:/, mode UPDATE, dry run = no`.
fn sent(sync: &mut BcmSync, line: &str) {
    let Some((from, to)) = line.split("sending ").nth(1).and_then(|rest| rest.split_once(" to ")) else {
        return;
    };
    if to.split([':', ',']).next().map(str::trim) != Some(sync.node.as_str()) {
        return;
    }
    sync.image = from.split_once(':').map(|(_, path)| path.trim().to_string());
    if let Some(word) = to.split("mode ").nth(1).and_then(|w| w.split([',', ' ']).next()) {
        sync.mode = sync.mode.or(Some(mode(word)));
    }
    if let Some(word) = to.split("dry run = ").nth(1) {
        sync.dry_run = Some(word.starts_with("yes"));
    }
}

fn time(line: &str) -> Option<Timestamp> {
    time_at(line, &TimeZone::system())
}

/// The time at the beginning of a line. The name of a zone counts only if the clock of the head node has it now and then, because a name has
/// several meanings in the world.
fn time_at(line: &str, here: &TimeZone) -> Option<Timestamp> {
    let text = line.split(" - ").next()?.trim();
    let (rest, zone) = text.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" | "UT" | "Z" => "+0000",
        zone if zone.starts_with(['+', '-']) => zone,
        name => return named(rest, name, here),
    };
    Some(jiff::fmt::rfc2822::parse(&format!("{rest} {zone}")).ok()?.timestamp())
}

/// An hour that a change of the clock repeats is told apart by the name.
fn named(rest: &str, name: &str, here: &TimeZone) -> Option<Timestamp> {
    let local = DateTime::strptime("%a, %d %b %Y %H:%M:%S", rest).ok()?;
    let meant = here.to_ambiguous_timestamp(local);
    let both = [meant.earlier(), meant.later()];
    both.into_iter().flatten().find(|at| here.to_offset_info(*at).abbreviation() == name)
}

fn is_rsync_error(line: &str) -> bool {
    line.starts_with("rsync:") || line.starts_with("rsync error:") || line.contains("rsync exit")
}

/// `rsync error: some files could not be transferred (code 23) at main.c(1196)`.
fn code(line: &str) -> Option<i32> {
    let lower = line.to_lowercase();
    let rest = lower.split("code").nth(1)?.trim_start_matches([' ', ':', '=']);
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// A line about one file: `deleting etc/x`, `*deleting   etc/x`, `>f.st...... etc/x`, `etc/x`, `etc/link -> target`.
fn file(sync: &mut BcmSync, line: &str, listing: bool) {
    let deleted = line.strip_prefix("deleting ").or_else(|| line.strip_prefix("*deleting"));
    let Some(path) = deleted.map(str::trim).or_else(|| listing.then(|| written(line))?) else { return };
    let whole = format!("/{}", path.trim_start_matches("./").trim_start_matches('/'));
    let folder = whole.ends_with('/');
    match deleted {
        Some(_) => sync.deletes += 1,
        None if folder => {}
        None => sync.changes += 1,
    }
    if touches(&whole, deleted.is_some()) && sync.touches.len() < TOUCHES {
        sync.touches.push(line.to_string());
    }
}

/// The path of a line of rsync's list; `None` for a remark.
fn written(line: &str) -> Option<&str> {
    const REMARKS: [&str; 5] = ["skipping ", "cannot ", "created ", "total ", "file has vanished"];
    if REMARKS.iter().any(|r| line.starts_with(r)) {
        return None;
    }
    let itemized = line
        .split_once(' ')
        .filter(|(flags, _)| flags.len() == 11 && flags.starts_with(['>', '<', 'c', 'h', '.']));
    let path = itemized.map_or(line, |(_, path)| path.trim_start());
    Some(path.split(" -> ").next().unwrap_or(path))
}

/// Whether the path is protected. The folder itself may get another time without anything in it changing.
fn touches(path: &str, deleted: bool) -> bool {
    let plain = path.trim_end_matches('/');
    let below = |root: &&&str| {
        plain.strip_prefix(**root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match PROTECTED.iter().find(|root| below(root)) {
        Some(_) if deleted => true,
        Some(root) => !OF_IMAGE.contains(root) && (plain != *root || !path.ends_with('/')),
        // Deleting a parent deletes it all.
        None => {
            deleted
                && PROTECTED.iter().any(|root| root.strip_prefix(plain).is_some_and(|r| r.starts_with('/')))
        }
    }
}

#[cfg(test)]
#[path = "synclog_tests.rs"]
mod tests;
