//! A folder of checks with one fault each.

use super::*;
use podlift_host::FileKind;
use podlift_host::testing::MemFiles;

const SHELL: &str =
    "interpreter = \"/bin/sh\"\nargs = [\"-v\"]\ntimeout-seconds = 5\nseverity = \"warning\"\n";

/// A node with a shell and one good check.
fn node() -> MemFiles {
    let files = MemFiles::default();
    program(&files, "/bin/sh");
    put(&files, "good.sh", SHELL);
    files
}

fn program(files: &MemFiles, path: &str) {
    files.put(path, b"");
    files.restat(path, |stat| stat.mode = 0o755);
}

fn put(files: &MemFiles, name: &str, settings: &str) {
    files.put(script_of(name), b"echo ok\n");
    files.put(script_of(&format!("{name}.toml")), settings.as_bytes());
}

#[test]
fn a_check_with_its_settings() {
    let files = node();
    put(&files, ".hidden.sh", SHELL);
    files.put(script_of("left-over.toml"), b"interpreter = \"/bin/sh\"\n");
    let want = SiteCheckView {
        name: "good.sh".into(),
        fault: None,
        severity: CheckSeverity::Warning,
        interpreter: "/bin/sh".into(),
        args: vec!["-v".into()],
        timeout_seconds: 5,
    };
    assert_eq!(find(&files), Ok(vec![want]));
    let check = load(&files, &"good.sh".parse().unwrap()).unwrap();
    assert_eq!((check.script.as_slice(), check.settings.timeout_seconds), (b"echo ok\n".as_slice(), 5));
    assert_eq!(find(&MemFiles::default()), Ok(vec![]), "no folder");
}

/// How one file is made bad.
type Spoil = fn(&MemFiles);

#[test]
fn a_bad_file_is_listed_with_its_fault_and_never_run() {
    let script = || script_of("bad.sh");
    let settings = || script_of("bad.sh.toml");
    assert_eq!(script().display().to_string(), "/etc/podlift/checks.d/bad.sh");
    let cases: [(Spoil, &str); 14] = [
        (
            |f| f.restat(script_of("bad.sh"), |s| s.mode = 0o757),
            "checks.d/bad.sh can be written by others (mode 0757)",
        ),
        (
            |f| f.restat(script_of("bad.sh"), |s| s.mode = 0o770),
            "checks.d/bad.sh can be written by others (mode 0770)",
        ),
        (
            |f| f.restat(script_of("bad.sh"), |s| s.kind = FileKind::Symlink),
            "checks.d/bad.sh is a symbolic link",
        ),
        (
            |f| f.restat(script_of("bad.sh"), |s| s.kind = FileKind::Other),
            "checks.d/bad.sh is no regular file",
        ),
        (
            |f| f.restat(script_of("bad.sh"), |s| s.uid = 1000),
            "bad.sh belongs to user 1000: expected root; chown root ",
        ),
        (
            |f| f.put(script_of("bad.sh"), &vec![b'#'; SCRIPT_BYTES + 1]),
            "bad.sh has 1048577 bytes: expected at most 1048576",
        ),
        (
            |f| f.restat(script_of("bad.sh.toml"), |s| s.mode = 0o646),
            "bad.sh.toml can be written by others (mode 0646)",
        ),
        (|f| f.restat(script_of("bad.sh.toml"), |s| s.uid = 1000), "bad.sh.toml belongs to user 1000"),
        (
            |f| f.restat(script_of("bad.sh.toml"), |s| s.kind = FileKind::Symlink),
            "bad.sh.toml is a symbolic link",
        ),
        (
            |f| f.remove(&script_of("bad.sh.toml")).unwrap(),
            "bad.sh.toml is missing: expected a file with the line interpreter = ",
        ),
        (
            |f| f.put(script_of("bad.sh.toml"), b"interpreter = \"/bin/sh\"\nshell = true\n"),
            "bad.sh.toml: shell = true is not known: expected interpreter, args, timeout-seconds, severity",
        ),
        (
            |f| f.put(script_of("bad.sh.toml"), b"interpreter = \"/usr/bin/python9\"\n"),
            "interpreter /usr/bin/python9 is not there: expected a program of this node",
        ),
        (|f| f.restat("/bin/sh", |s| s.mode = 0o644), "interpreter /bin/sh can't be executed (mode 0644)"),
        (
            |f| f.restat("/bin/sh", |s| s.uid = 1000),
            "interpreter /bin/sh is not used: /bin/sh belongs to user 1000",
        ),
    ];
    for (spoil, words) in cases {
        let files = node();
        put(&files, "bad.sh", SHELL);
        assert!(files.stat(&script()).is_ok() && files.stat(&settings()).is_ok());
        spoil(&files);
        let listed = find(&files).unwrap();
        let bad = listed.iter().find(|view| view.name == "bad.sh").unwrap();
        let fault = bad.fault.clone().unwrap_or_default();
        assert!(fault.contains(words), "expected {words:?}: {fault:?}");
        assert_eq!(bad.runnable(), None);
        let refused = load(&files, &"bad.sh".parse().unwrap()).unwrap_err();
        assert_eq!(refused.code, codes::SITE_CHECK_REFUSED);
        assert!(refused.message.contains(words), "expected {words:?}: {}", refused.message);
        assert!(refused.message.ends_with("then podlift validate"), "{}", refused.message);
    }
}

#[test]
fn a_name_that_can_be_no_check_is_listed() {
    let files = node();
    put(&files, "a b.sh", SHELL);
    let listed = find(&files).unwrap();
    assert_eq!(listed.len(), 2);
    let fault = listed[0].fault.clone().unwrap();
    assert!(fault.starts_with("check name \"a b.sh\" is not valid: expected letters"), "{fault}");
}

#[test]
fn a_check_that_is_gone_is_said() {
    let gone = load(&node(), &"gone.sh".parse().unwrap()).unwrap_err();
    assert_eq!(gone.code, codes::SITE_CHECK_MISSING);
    assert!(gone.message.starts_with("/etc/podlift/checks.d/gone.sh is not there"), "{}", gone.message);
}
