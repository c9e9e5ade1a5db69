//! The meaning of a failed apt-get or dpkg. apt-get exits 100 for every failure (and 0 if it could not read a repository), so only its text
//! tells; tests/fixtures/apt holds recorded texts. Pure.

use podlift_model::{Failure, FailureClass, codes};

/// One kind of failure: its texts, of which one is enough, and the message about it.
struct Kind {
    words: &'static [&'static str],
    class: FailureClass,
    code: &'static str,
    /// The meaning and the remedy. `{}` is replaced by apt's own text.
    says: &'static str,
}

const fn kind(
    code: &'static str,
    class: FailureClass,
    words: &'static [&'static str],
    says: &'static str,
) -> Kind {
    Kind { words, class, code, says }
}

use FailureClass::{Operator, Permanent, Transient};

/// The first match wins: an earlier kind may be the cause of a later one.
const KINDS: &[Kind] = &[
    kind(
        codes::APT_INTERRUPTED,
        Operator,
        &["dpkg was interrupted"],
        "an earlier dpkg was interrupted on this node; `podlift retry --repair-dpkg` runs `dpkg --configure -a` there first ({})",
    ),
    kind(
        codes::DISK_FULL,
        Operator,
        &["No space left on device", "enough free space in", "Disk quota exceeded"],
        "the disk is full; free space below /var and /usr and try again ({})",
    ),
    kind(
        codes::APT_LOCK,
        Transient,
        &[
            "E: Could not get lock",
            "E: Unable to acquire the dpkg",
            "E: Unable to lock",
            "lock was locked by another process",
        ],
        "another program holds apt's or dpkg's lock; wait for it to end ({})",
    ),
    kind(
        "file-system-read-only",
        Operator,
        &["Read-only file system"],
        "a file system is read-only; look at `dmesg` and remount it ({})",
    ),
    kind(
        "apt-conffile",
        Operator,
        &["conffile prompt", "end of file on stdin"],
        "a package asked about a changed configuration file; look at the .dpkg-new or .dpkg-dist file beside it ({})",
    ),
    kind(
        "apt-key-missing",
        Operator,
        &["NO_PUBKEY"],
        "the repository is signed with a key that its `signed-by` keyring lacks; put the repository's key there ({})",
    ),
    kind(
        "apt-key-expired",
        Operator,
        &["EXPKEYSIG", "KEYEXPIRED", "REVKEYSIG", "EXPSIG"],
        "the repository's key has expired or was revoked; put its new key into the `signed-by` keyring ({})",
    ),
    kind(
        "apt-signature",
        Operator,
        &["BADSIG", "signatures were invalid", "NODATA"],
        "the repository's index does not fit its signature: it was changed on its way, or a proxy answers in its place; look at the mirror ({})",
    ),
    kind(
        "apt-no-repository",
        Operator,
        &["does not have a Release file", "no longer has a Release file"],
        "there is no repository at the configured address; has the mirror this minor version? ({})",
    ),
    kind(
        "apt-unsigned",
        Operator,
        &["is not signed", "no longer signed"],
        "the repository is not signed; podlift installs signed packages only: look at the mirror ({})",
    ),
    kind(
        "apt-hash",
        Transient,
        &["Hash Sum mismatch", "unexpected size"],
        "a file of the repository is not what its index names; a mirror that is being filled, or a stale proxy: try again when it is done ({})",
    ),
    kind(
        "apt-unreachable",
        Transient,
        &[
            "Failed to fetch",
            "Could not resolve",
            "Could not connect",
            "Connection failed",
            "Unable to fetch",
        ],
        "the package repository could not be read; check network, proxy and mirror ({})",
    ),
    kind(
        "apt-removes",
        Operator,
        &["Packages need to be removed but remove is disabled"],
        "another package would have to be removed for this; podlift removes none: look at `apt-get -s install` of the same versions, and remove or mend that package by hand ({})",
    ),
    kind(
        "apt-downgrade",
        Permanent,
        &["Packages were downgraded"],
        "a newer version is installed than the one asked for; podlift installs forward only ({})",
    ),
    kind(
        codes::PACKAGE_VERSION_MISSING,
        Operator,
        &["was not found", "Unable to locate package", "has no installation candidate"],
        "the repository has not the version asked for; `apt-cache madison` shows what it has ({})",
    ),
    kind(
        "apt-held",
        Operator,
        &["Held packages were changed"],
        "a held package would be changed by a call that may not; look at `apt-mark showhold` ({})",
    ),
    kind(
        "apt-dependencies",
        Operator,
        &["unmet dependencies", "held broken packages", "Unmet dependencies"],
        "apt finds no way to install this beside what is installed and held; look at `apt-mark showhold` ({})",
    ),
    kind(
        "apt-source",
        Operator,
        &["The list of sources could not be read", "Malformed", "Conflicting values set for option"],
        "apt can't read its own sources; mend the file that it names ({})",
    ),
    kind(
        "apt-script",
        Operator,
        &["script subprocess returned", "giving up", "error processing package"],
        "a package's own script failed; its words are below ({})",
    ),
];

/// Lines of apt that begin with `E:` or `W:` and report no failure.
const IDLE: [&str; 2] = ["E: Can not write log", "Waiting for cache lock"];

/// The meaning of a failed apt-get or dpkg; `exit` is how it ended.
pub fn judge(log: &str, exit: &str) -> Failure {
    let told: Vec<&str> = log.lines().filter(|l| !IDLE.iter().any(|i| l.starts_with(i))).collect();
    let hit = |kind: &&Kind| told.iter().any(|l| kind.words.iter().any(|w| l.contains(w)));
    let failure = match KINDS.iter().find(hit) {
        Some(kind) => {
            let own = own_words(kind, &told, log);
            Failure::new(kind.class, kind.code, kind.says.replace("{}", &own))
        }
        None => Failure::operator("apt-failed", format!("apt-get {exit}; its own words are below")),
    };
    failure.with_detail(log)
}

/// Whether apt exited 0 but continues with old lists, because it could not read a repository.
pub fn stale(log: &str) -> bool {
    log.lines().any(|l| l.starts_with("W: Failed to fetch") || l.starts_with("W: Some index files failed"))
}

/// The most telling line: the lock's holder, the dependency, or the first match.
fn own_words(kind: &Kind, told: &[&str], log: &str) -> String {
    let fits = |l: &&&str| kind.words.iter().any(|w| l.contains(w));
    let held = || log.lines().rfind(|l| l.contains("held by process") || l.contains("process with pid"));
    let lacks = || log.lines().find(|l| l.contains(" : Depends:") || l.contains(" : PreDepends:"));
    let line = match kind.code {
        codes::APT_LOCK => held(),
        "apt-dependencies" => lacks(),
        _ => None,
    };
    let summed = |l: &&&str| fits(l) && (l.starts_with("E: ") || l.starts_with("W: "));
    let first = || told.iter().find(summed).or(told.iter().find(fits)).copied().unwrap_or_default();
    let line = line.unwrap_or_else(first).trim();
    let line = ["E: ", "W: ", "Waiting for cache lock: "]
        .iter()
        .fold(line, |line, start| line.strip_prefix(start).unwrap_or(line));
    line.trim_end_matches(['.', ' ']).chars().take(300).collect()
}
