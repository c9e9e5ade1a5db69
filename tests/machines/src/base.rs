//! The base tree of every machine: Debian bookworm with systemd, apt and etcd, made once by debootstrap and kept in a cache outside the
//! repository. A tree is there whole or not at all.

use crate::shell;
use anyhow::Context as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Another recipe is another tree.
const RECIPE: u32 = 3;
const SUITE: &str = "bookworm";
const INCLUDE: &str = "systemd,systemd-sysv,dbus,apt,ca-certificates,iproute2,procps,gpgv,etcd-server,etcd-client,libfaketime,nftables,nginx,libnginx-mod-stream,haproxy";
/// What would take apt's locks, give a second address, or start before it is configured.
const MASKED: [&str; 6] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "etcd.service",
    "console-getty.service",
];
/// Started only where a test enables it.
const UNASKED: [&str; 3] = ["etcd.service", "nginx.service", "haproxy.service"];
const MIRROR: &str = "http://deb.debian.org/debian";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Its path; made now where it is missing, by one process at a time.
pub async fn ready() -> anyhow::Result<PathBuf> {
    let cache = cache()?;
    let tree = cache.join(format!("{SUITE}-{RECIPE}"));
    let lock = cache.join("base.lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&lock)?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    if !tree.is_dir() {
        anstream::eprintln!("machines: making {} (about a minute, once)", tree.display());
        make(&cache, &tree).await?;
    }
    drop(lock);
    Ok(tree)
}

fn cache() -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| PathBuf::from("/var/cache"), PathBuf::from);
    let dir = base.join("podlift-machines");
    std::fs::create_dir_all(&dir).with_context(|| format!("{} can't be made", dir.display()))?;
    Ok(dir)
}

async fn make(cache: &Path, tree: &Path) -> anyhow::Result<()> {
    let half = cache.join(format!("{SUITE}-{RECIPE}.half"));
    if half.exists() {
        // Its maker was killed in between.
        std::fs::remove_dir_all(&half)?;
    }
    let (keyring, include) = (format!("--keyring={KEYRING}"), format!("--include={INCLUDE}"));
    let (at, mirror) = (half.display().to_string(), mirror());
    let made =
        shell::run(&["debootstrap", "--variant=minbase", &include, &keyring, SUITE, &at, &mirror]).await;
    made.with_context(|| {
        format!(
            "the base tree could not be made from {mirror}; is that mirror reachable, and {KEYRING} there?"
        )
    })?;
    finish(&half)?;
    std::fs::rename(&half, tree).with_context(|| tree.display().to_string())
}

/// No sources (a machine has no way out), no timers that would take apt's locks, nothing started without an order.
fn finish(tree: &Path) -> anyhow::Result<()> {
    std::fs::write(tree.join("etc/apt/sources.list"), "")?;
    std::fs::remove_file(tree.join("etc/machine-id")).ok();
    std::fs::remove_file(tree.join("var/lib/dbus/machine-id")).ok();
    for unit in MASKED {
        let path = tree.join("etc/systemd/system").join(unit);
        std::fs::remove_file(&path).ok();
        std::os::unix::fs::symlink("/dev/null", &path).with_context(|| path.display().to_string())?;
    }
    for unit in UNASKED {
        std::fs::remove_file(tree.join("etc/systemd/system/multi-user.target.wants").join(unit)).ok();
    }
    let archives = tree.join("var/cache/apt/archives");
    for entry in std::fs::read_dir(archives)?.flatten() {
        if entry.path().extension().is_some_and(|e| e == "deb") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The host's own mirror of Debian, as its apt is configured.
fn mirror() -> String {
    let lists = ["/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"];
    let texts = lists.iter().filter_map(|p| std::fs::read_to_string(p).ok());
    let found = texts.flat_map(|t| uris(&t)).find(|u| u.trim_end_matches('/').ends_with("/debian"));
    found.unwrap_or_else(|| MIRROR.into())
}

/// Of a one-line list or of a deb822 file.
fn uris(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|l| l.starts_with("deb ") || l.starts_with("URIs:"));
    let words = lines.flat_map(str::split_whitespace);
    words.filter(|w| w.starts_with("http://") || w.starts_with("https://")).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_sources() {
        let list = "# deb http://no/debian x\ndeb [signed-by=/k] http://m/debian bookworm main\n";
        assert_eq!(uris(list), ["http://m/debian"]);
        assert_eq!(
            uris("Types: deb\nURIs: https://a/debian https://b/debian\n"),
            ["https://a/debian", "https://b/debian"]
        );
    }
}
