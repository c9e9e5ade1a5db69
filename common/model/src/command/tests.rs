//! Command lines as they occur in practice: forms of flags, wrappers, shells.

use super::*;

const API: &str = "kube-apiserver";

/// `name=value` of each flag, or the reason why the flags can't be known.
fn read(words: &[&str]) -> Result<Vec<String>, String> {
    let line = CommandLine::read(API, words).map_err(|why| why.to_string())?;
    Ok(line.flags.into_iter().map(|f| format!("{}={}", f.name, f.value)).collect())
}

#[test]
fn forms_of_flags() {
    let cases: [(&[&str], &[&str]); 14] = [
        (&["--etcd-servers=https://a:2379"], &["etcd-servers=https://a:2379"]),
        (&["--etcd-servers", "https://a:2379"], &["etcd-servers=https://a:2379"]),
        (&["--etcd_servers=https://a:2379"], &["etcd-servers=https://a:2379"]),
        (&["--etcd-servers", "--v=2"], &["etcd-servers=--v=2"]),
        (&["--etcd-servers"], &["etcd-servers="]),
        (&["--etcd-servers="], &["etcd-servers="]),
        (&["--etcd-servers", ""], &["etcd-servers="]),
        (&["--allow-privileged", "--v=2"], &["allow-privileged=true", "v=2"]),
        (&["--profiling", "false"], &["profiling=true"]),
        (&["--site-flag", "--v=2"], &["site-flag=true", "v=2"]),
        (&["--site-flag", "x"], &["site-flag=x"]),
        (&["-v=2", "-v4", "-v", "6"], &["v=2", "v=4", "v=6"]),
        (&["--a=1", "--", "--b=2"], &["a=1"]),
        (&["---x", "--=y", "-x", "", "word", "--a=b=c"], &["a=b=c"]),
    ];
    for (flags, want) in cases {
        let words: Vec<&str> = [API].iter().chain(flags).copied().collect();
        assert_eq!(read(&words).unwrap(), want, "{flags:?}");
    }
}

#[test]
fn what_stands_where() {
    let words = [
        "flock",
        "-x",
        "/l",
        "/usr/bin/kube-apiserver",
        "--profiling",
        "false",
        "--etcd-servers",
        "a",
        "--v=2",
    ];
    let line = CommandLine::read(API, &words).unwrap();
    assert_eq!((line.program, line.extra.as_slice()), (Some(3), [5].as_slice()));
    let places: Vec<_> = line.flags.iter().map(|f| (f.form, f.word, f.last)).collect();
    assert_eq!(places, [(Form::Bare, 4, 4), (Form::Separate, 6, 7), (Form::Joined, 8, 8)]);
    assert_eq!(line.uses("etcd-servers").count(), 1);
}

#[test]
fn wrappers_keep_their_own_flags() {
    let cases: [&[&str]; 9] = [
        &["kube-apiserver", "--a=1"],
        &["/usr/local/bin/kube-apiserver", "--a=1"],
        &[
            "/usr/bin/flock",
            "--exclusive",
            "--timeout=30",
            "/var/lock/api-server.lock",
            "kube-apiserver",
            "--a=1",
        ],
        &["flock", "/var/lock/kube-apiserver", "kube-apiserver", "--a=1"],
        &["/go-runner", "--log-file=/var/log/kube-apiserver.log", "/usr/local/bin/kube-apiserver", "--a=1"],
        &["tini", "--", "kube-apiserver", "--a=1"],
        &["/hyperkube", "kube-apiserver", "--a=1"],
        &["/hyperkube", "apiserver", "--a=1"],
        &["--a=1"],
    ];
    for words in cases {
        assert_eq!(read(words), Ok(vec!["a=1".to_string()]), "{words:?}");
    }
    assert_eq!(read(&["kube-apiserver"]), Ok(vec![]));
    assert_eq!(read(&[]), Ok(vec![]));
    let prefix = ["kube-apiserver", "--etcd-prefix", "/kube-apiserver", "--a=1"];
    assert_eq!(
        read(&prefix).unwrap(),
        ["etcd-prefix=/kube-apiserver", "a=1"],
        "a value with the program's name"
    );
}

#[test]
fn what_can_not_be_known() {
    let cases: [(&[&str], &str); 7] = [
        (&["/bin/sh", "-c", "kube-apiserver --etcd-servers=x"], "opaque: sh -c"),
        (&["/bin/bash", "-ec", "exec kube-apiserver \"$@\""], "opaque: bash -ec"),
        (&["sh", "-c", "exec \"$0\" \"$@\"", "kube-apiserver", "--a=1"], "opaque: sh -c"),
        (&["sh", "/start.sh"], "opaque: sh "),
        (&["kube-apiserver --etcd-servers=x"], "opaque: kube-apiserver --etcd-servers=x"),
        (&["env", "-S", "kube-apiserver --a=1"], "opaque: env "),
        (&["/start"], "opaque: /start "),
    ];
    for (words, want) in cases {
        let why = read(words).unwrap_err();
        assert!(why.starts_with(want), "{words:?}: {why}");
    }
}

#[test]
fn kinds_paths_and_expanded_values() {
    for (flag, want) in [
        ("etcd-prefix", false),
        ("etcd-servers-overrides", false),
        ("etcd-cafile", true),
        ("site-ca-file", true),
        ("service-account-key-file", true),
    ] {
        assert_eq!(is_path(flag), want, "{flag}");
    }
    for (text, want) in [
        ("$(POD_IP)", true),
        ("https://$(POD_IP):2379", true),
        ("$$(POD_IP)", false),
        ("$$$(POD_IP)", true),
        ("$POD_IP", false),
        ("$(", false),
    ] {
        assert_eq!(is_expanded(text), want, "{text}");
    }
    assert_eq!((kind("service-account-issuer"), kind("site-flag")), (Some(Kind::Repeated), None));
}
