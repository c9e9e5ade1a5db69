//! The mounts of the machine as its init sees them. In the agent's own sandbox (`ProtectSystem=strict`), writable mounts look read-only.

use super::Site;
use std::path::Path;

pub(crate) const INIT: &str = "/proc/1/mountinfo";

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub id: u32,
    pub parent: u32,
    pub point: String,
    pub kind: String,
    pub source: String,
    pub read_only: bool,
}

pub(super) fn read(site: &Site<'_>) -> Result<Vec<Mount>, String> {
    let text = site.text(Path::new(INIT))?.ok_or_else(|| format!("{INIT} is not there"))?;
    Ok(table(&text))
}

pub(crate) fn table(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse).collect()
}

/// Parses `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda1 rw`; the number of fields before the dash varies.
fn parse(line: &str) -> Option<Mount> {
    let (front, back) = line.split_once(" - ")?;
    let mut front = front.split(' ');
    let (id, parent) = (front.next()?.parse().ok()?, front.next()?.parse().ok()?);
    let (point, options) = (front.nth(2)?, front.next()?);
    let mut back = back.split(' ');
    let (kind, source) = (back.next()?, back.next()?);
    let read_only = |options: &str| options.split(',').any(|o| o == "ro");
    Some(Mount {
        id,
        parent,
        point: unescape(point),
        kind: kind.into(),
        source: unescape(source),
        read_only: read_only(options) || back.next().is_some_and(read_only),
    })
}

/// Decodes `\040` and similar escapes.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(code.map_or('\\', char::from));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    out + rest
}

/// The mount that holds a path. The last mount on a point covers the others.
pub fn holding<'a>(table: &'a [Mount], path: &str) -> Option<&'a Mount> {
    let holds = |m: &&Mount| Path::new(path).starts_with(&m.point);
    table.iter().filter(holds).max_by_key(|m| m.point.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:40 / /mnt/a\\040b rw shared:9 master:2 - nfs4 nas:/export/a\\040b rw,vers=4.2\n\
        31 22 8:2 / /var ro,nosuid - xfs /dev/sda2 rw\n\
        32 22 8:3 / /data rw - xfs /dev/sda3 ro\n\
        33 31 8:4 / /var rw - xfs /dev/sda4 rw\n";

    #[test]
    fn lines_of_the_kernel() {
        let table: Vec<Mount> = TABLE.lines().filter_map(parse).collect();
        assert_eq!((table[1].point.as_str(), table[1].source.as_str()), ("/mnt/a b", "nas:/export/a b"));
        assert_eq!(table.iter().map(|m| m.read_only).collect::<Vec<_>>(), [false, false, true, true, false]);
        assert_eq!((table[1].id, table[1].parent, table[1].kind.as_str()), (30, 22, "nfs4"));
        assert_eq!(parse("22 1 8:1 / /"), None);
        assert_eq!(unescape("a\\x"), "a\\x");
    }

    #[test]
    fn the_mount_of_a_path() {
        let table: Vec<Mount> = TABLE.lines().filter_map(parse).collect();
        let id = |path: &str| holding(&table, path).map(|m| m.id);
        assert_eq!((id("/var/lib/x"), id("/variety"), id("/data")), (Some(33), Some(22), Some(32)));
    }
}
