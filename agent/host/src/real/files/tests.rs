//! The real files, in a scratch folder.

use super::*;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

const TARGET: &str = "/etc/kubernetes/manifests/a.yaml";

struct Scratch {
    root: tempfile::TempDir,
    files: RealFiles,
}

fn scratch(content: &[u8]) -> Scratch {
    let root = tempfile::tempdir().unwrap();
    let files = RealFiles::open(root.path()).unwrap();
    files.write(Path::new(TARGET), content, 0o640).unwrap();
    Scratch { root, files }
}

impl Scratch {
    fn swap(&self, bytes: &[u8], seen: &Stat, of: &[u8]) -> Result<(), ReplaceError> {
        self.files.replace(Path::new(TARGET), bytes, seen, &Digest::of(of), Path::new(paths::SCRATCH))
    }
    fn seen(&self) -> Stat {
        self.files.stat(Path::new(TARGET)).unwrap()
    }
    fn content(&self) -> Vec<u8> {
        self.files.read(Path::new(TARGET)).unwrap()
    }
    fn litter(&self) -> usize {
        let names = |dir: &str| self.files.list(Path::new(dir)).unwrap_or_default().len();
        names(paths::SCRATCH) + names(paths::MANIFESTS) - 1
    }
}

#[test]
fn replaces_what_it_saw_and_keeps_its_mode() {
    let s = scratch(b"old");
    s.swap(b"new", &s.seen(), b"old").unwrap();
    assert_eq!((s.content(), s.seen().mode, s.litter()), (b"new".to_vec(), 0o640, 0));
}

#[test]
fn a_repaired_file_keeps_owner_group_and_mode_and_a_new_one_is_the_owners_alone() {
    let s = scratch(b"old");
    let path = s.root.path().join(&TARGET[1..]);
    // Only root can give a file away; other users check that their own group and mode stay.
    let group = if nix::unistd::geteuid().is_root() { 4242 } else { nix::unistd::getegid().as_raw() };
    std::os::unix::fs::chown(&path, None, Some(group)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o2640)).unwrap();
    s.swap(b"new", &s.seen(), b"old").unwrap();
    let kept = std::fs::metadata(&path).unwrap();
    assert_eq!((kept.uid(), kept.gid()), (nix::unistd::geteuid().as_raw(), group));
    assert_eq!((kept.mode() & 0o7777, s.content()), (0o2640, b"new".to_vec()));
    s.files.remove(Path::new(TARGET)).unwrap();
    let swap =
        Swap { target: Path::new(TARGET), bytes: b"fresh", seen: None, scratch: Path::new(paths::SCRATCH) };
    s.files.swap(&swap, &mut || Ok(())).unwrap();
    let fresh = std::fs::metadata(&path).unwrap();
    assert_eq!((fresh.uid(), fresh.mode() & 0o7777), (nix::unistd::geteuid().as_raw(), 0o600));
}

#[test]
fn never_what_somebody_changed_meanwhile() {
    let rewrite = |s: &Scratch| s.files.write(Path::new(TARGET), b"newer", 0o600).unwrap();
    let gone = |s: &Scratch| s.files.remove(Path::new(TARGET)).unwrap();
    let in_place = |s: &Scratch| std::fs::write(s.root.path().join(&TARGET[1..]), b"olD").unwrap();
    let linked = |s: &Scratch| {
        let path = s.root.path().join(&TARGET[1..]);
        std::fs::remove_file(&path).unwrap();
        symlink("/etc/passwd", path).unwrap();
    };
    type Change<'a> = (&'a str, &'a dyn Fn(&Scratch));
    let cases: [Change<'_>; 4] =
        [("rewritten", &rewrite), ("gone", &gone), ("in place", &in_place), ("a symlink", &linked)];
    for (case, change) in cases {
        let s = scratch(b"old");
        let seen = s.seen();
        change(&s);
        assert!(matches!(s.swap(b"new", &seen, b"old"), Err(ReplaceError::Changed)), "{case}");
        assert_eq!(s.files.list(Path::new(paths::SCRATCH)).unwrap().len(), 0, "{case}");
    }
}

#[test]
fn strange_files_are_refused_by_name() {
    let s = scratch(b"old");
    std::fs::hard_link(s.root.path().join(&TARGET[1..]), s.root.path().join("other")).unwrap();
    let e = s.swap(b"new", &s.seen(), b"old").unwrap_err();
    assert_eq!(e.to_string(), "a.yaml has 2 names; not replaced");
    let foreign = Stat { uid: 4_000_000, links: 1, ..s.seen() };
    assert!(s.swap(b"new", &foreign, b"old").unwrap_err().to_string().contains("belongs to uid 4000000"));
}

#[test]
fn beside_a_racing_writer_a_reader_sees_whole_files_only() {
    let s = scratch(b"w0");
    let path = s.root.path().join(&TARGET[1..]);
    let (mut swaps, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..200 {
                podlift_common::durable::write(&path, format!("w{round}").as_bytes(), 0o600).unwrap();
            }
        });
        while !writer.is_finished() || swaps == 0 {
            let (seen, content) = (s.seen(), s.content());
            let text = String::from_utf8(content.clone()).unwrap();
            assert!(
                text.trim_start_matches('h').strip_prefix('w').is_some_and(|n| n.parse::<u32>().is_ok()),
                "{text:?}"
            );
            match s.swap(&[b"h", content.as_slice()].concat(), &seen, &content) {
                Ok(()) => swaps += 1,
                Err(ReplaceError::Changed) => refused += 1,
                Err(e) => panic!("{e}"),
            }
        }
    });
    assert!(swaps > 0, "{swaps} swaps, {refused} refused");
    assert_eq!(s.files.list(Path::new(paths::SCRATCH)).unwrap().len(), 0);
}

#[test]
fn nothing_leads_out_of_the_root() {
    let s = scratch(b"old");
    symlink("/tmp", s.root.path().join("elsewhere")).unwrap();
    for path in ["/elsewhere/x", "/etc/../../x"] {
        let e = s.files.write(Path::new(path), b"x", 0o600).unwrap_err();
        assert!(
            matches!(e.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput),
            "{path}: {e}"
        );
    }
    symlink("/etc/passwd", s.root.path().join("link")).unwrap();
    assert!(s.files.read(Path::new("/link")).is_err());
    assert_eq!(s.files.stat(Path::new("/link")).unwrap().kind, FileKind::Symlink);
}

#[test]
fn appends_reads_parts_and_makes_private_folders() {
    let s = scratch(b"old");
    let log = Path::new("/var/lib/podlift/ops/x.log");
    s.files.append(log, b"one").unwrap();
    s.files.append(log, b"two").unwrap();
    assert_eq!(s.files.read_at(log, 2, 3).unwrap(), b"etw");
    let meta = std::fs::metadata(s.root.path().join("var/lib/podlift")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o700);
    assert_eq!(s.files.stat(log).unwrap().mode, 0o600);
    assert_eq!(
        s.files.stat(log).unwrap().inode,
        std::fs::metadata(s.root.path().join("var/lib/podlift/ops/x.log")).unwrap().ino()
    );
    let space = s.files.space(Path::new("/var/lib/none/such")).unwrap();
    assert!(space.free_bytes > 0 && space.device != 0, "{space:?}");
    assert!(!s.files.read(Path::new(paths::BOOT_ID)).unwrap().is_empty());
    s.files.remove(Path::new("/none/such")).unwrap();
}

/// Another process holds the lock until its stdin is closed.
#[test]
fn who_has_a_lock_is_told() {
    let root = tempfile::tempdir().unwrap();
    let files = RealFiles::open(root.path()).unwrap();
    let lock = Path::new("/lock");
    assert_eq!(files.lock_holder(lock).unwrap(), None, "no such file");
    files.write(lock, b"", 0o600).unwrap();
    assert_eq!(files.lock_holder(lock).unwrap(), None);
    let code = "use Fcntl; open(F, '+<', $ARGV[0]) or die; my $b = pack('s s l! l! i', F_WRLCK, 0, 0, 0, 0); \
                fcntl(F, F_SETLK, $b) or die; $| = 1; print \"locked\\n\"; <STDIN>;";
    let mut perl = std::process::Command::new("perl")
        .args(["-e", code])
        .arg(root.path().join("lock"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 7];
    std::io::Read::read_exact(perl.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert_eq!(files.lock_holder(lock).unwrap(), Some(perl.id()));
    drop(perl.stdin.take());
    perl.wait().unwrap();
    assert_eq!(files.lock_holder(lock).unwrap(), None);
}

#[test]
fn a_folder_goes_with_all_that_is_in_it_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let files = RealFiles::open(root.path()).unwrap();
    files.write(Path::new("/kept/a"), b"", 0o600).unwrap();
    files.write(Path::new("/gone/b/c"), b"", 0o600).unwrap();
    symlink(root.path().join("kept"), root.path().join("gone/link")).unwrap();
    files.remove_tree(Path::new("/gone")).unwrap();
    assert_eq!(files.list(Path::new("/")).unwrap(), ["kept"]);
    assert_eq!(files.list(Path::new("/kept")).unwrap(), ["a"]);
    files.remove_tree(Path::new("/gone")).unwrap();
    files.remove_tree(Path::new("/never/was")).unwrap();
}
