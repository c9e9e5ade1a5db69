//! Calls, and failures in the real words of apt and dpkg (tests/fixtures/apt describes how each was made).

use super::*;
use crate::sources::Form;
use podlift_model::op::Package;

fn pin() -> PackagePin {
    PackagePin { package: Package::Kubeadm, version: "1.32.9-1.1".parse().unwrap() }
}

fn line(args: &[String]) -> String {
    args.join(" ")
}

#[test]
fn the_call_is_the_one_that_is_known_to_work() {
    let spec = install(&[pin()], false);
    assert_eq!(
        line(&spec.args),
        "-y -q --no-install-recommends --allow-change-held-packages -o DPkg::Lock::Timeout=300 \
         -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold --no-remove install kubeadm=1.32.9-1.1"
    );
    let env: Vec<String> = spec.env.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(env, ["LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"]);
    assert_eq!((spec.limit, spec.first.as_slice()), (None, [].as_slice()));
    let fetched = line(&download(&[pin()], Duration::from_secs(1)).args);
    assert!(fetched.ends_with("--no-remove --download-only install kubeadm=1.32.9-1.1"), "{fetched}");
}

#[test]
fn a_preview_is_the_same_call_in_the_private_root_and_changes_nothing() {
    let call = simulate("sources.list", &[pin()]);
    let own = line(&install(&[pin()], false).args);
    let (options, rest) =
        line(&call.args).split_once(" -y -q ").map(|(a, b)| (a.to_string(), b.to_string())).unwrap();
    assert!(options.ends_with("-o APT::Sandbox::User=root"), "{options}");
    assert_eq!(format!("-y -q {}", rest.replace(" -s install", " --no-remove install")), own);
    assert!(
        line(&uris("sources.list", &[pin()]).args).contains("-qq --print-uris install kubeadm=1.32.9-1.1")
    );
    let fetch = fetch("sources.list", &pin());
    assert!(line(&fetch.args).ends_with("-q download kubeadm=1.32.9-1.1"));
    assert_eq!(fetch.folder, Some("/var/lib/podlift/apt-probe/debs"));
}

#[test]
fn dpkg_is_repaired_only_where_that_is_asked() {
    let spec = install(&[pin()], true);
    assert_eq!(line(&spec.first), "dpkg --force-confdef --force-confold --configure -a");
    assert_eq!(spec.args, install(&[pin()], false).args);
}

#[test]
fn lists_of_one_source_and_no_other() {
    let path = "/etc/apt/sources.list.d/kubernetes.sources".into();
    let source = Source { path, form: Form::Deb822, text: String::new() };
    assert_eq!(
        line(&update(&source, Duration::from_secs(1)).args),
        "-q -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/kubernetes.sources -o Dir::Etc::sourceparts=- \
         -o APT::Get::List-Cleanup=0 update"
    );
}

macro_rules! said {
    ($($name:literal => $code:literal, $own:literal;)*) => {
        [$(($name, include_str!(concat!("../../../../tests/fixtures/apt/", $name, ".txt")), $code, $own)),*]
    };
}

/// Every recorded failure with its code, and apt's own words in the message.
#[test]
fn refusals_have_codes() {
    let cases = said! {
        "conffile-asked" => "apt-conffile", "end of file on stdin at conffile prompt";
        "conflict" => "apt-source", "Conflicting values set for option Signed-By";
        "dependency-held" => "apt-dependencies", "kubelet : Depends: kubernetes-cni (>= 1.6.0-1.1) but 1.5.1-1.1";
        "down-404" => "apt-no-repository", "does not have a Release file";
        "down-deb" => "apt-unreachable", "404  File not found";
        "down-dns" => "apt-unreachable", "Could not resolve 'mirror.invalid'";
        "down-refused" => "apt-unreachable", "Connection refused";
        "downgrade" => "apt-downgrade", "Packages were downgraded";
        "full-archives" => "disk-full", "enough free space in /var/cache/apt/archives/";
        "full-dpkg" => "disk-full", "'/usr/bin/kubectl.bin.dpkg-new': failed to write (No space left on device)";
        "full-lists" => "disk-full", "No space left on device";
        "hash-deb" => "apt-hash", "Hash Sum mismatch";
        "hash-index" => "apt-hash", "Mirror sync in progress?";
        "interrupted" => "apt-interrupted", "you must manually run 'dpkg --configure -a'";
        "interrupted-while-unpacking" => "apt-interrupted", "podlift retry --repair-dpkg";
        "lock" => "apt-lock", "/var/lib/dpkg/lock-frontend. It is held by process 6296 (perl)";
        "lock-archives" => "apt-lock", "/var/cache/apt/archives/lock. It is held by process 7299 (perl)";
        "lock-lists" => "apt-lock", "/var/lib/apt/lists/lock. It is held by process 7012 (perl)";
        "malformed" => "apt-source", "kubernetes.list";
        "mark-locked" => "apt-lock", "process with pid 7477";
        "package-missing" => "package-version-missing", "nosuchpackage";
        "remove-disabled" => "apt-removes", "Packages need to be removed but remove is disabled";
        "readonly" => "file-system-read-only", "Read-only file system";
        "script" => "apt-script", "pre-removal script subprocess returned error exit status 7";
        "simulated-refused" => "apt-dependencies", "kubelet : Depends: nosuch but it is not installable";
        "sig-badsig" => "apt-signature", "BADSIG";
        "sig-expired" => "apt-key-expired", "EXPKEYSIG 19CC7F1362F49ED0";
        "sig-nopubkey" => "apt-key-missing", "NO_PUBKEY B8C030D32D46957F";
        "sig-nopubkey-old" => "apt-key-missing", "core:/stable:/v1.32/deb  InRelease";
        "sig-unsigned" => "apt-unsigned", "is not signed";
        "version-missing" => "package-version-missing", "Version '1.32.99-1.1' for 'kubeadm' was not found";
    };
    for (name, log, code, own) in cases {
        let failure = judge(log, "exited 100");
        assert_eq!(failure.code, code, "{name}");
        assert!(failure.message.contains(own), "{name}: {}", failure.message);
        assert!(
            !failure.message.contains("{}") && !failure.message.contains("()"),
            "{name}: {}",
            failure.message
        );
    }
}

/// apt-get exits 0 over old lists; lists that could not be read are not fresh.
#[test]
fn old_lists_are_seen() {
    let cases = said! {
        "sig-nopubkey-old" => "rc=0", "stale";
        "down-dns" => "rc=0", "stale";
        "down-refused" => "rc=0", "stale";
        "full-lists" => "rc=0", "stale";
        "update-other-repository" => "rc=0", "stale";
        "updated" => "rc=0", "fresh";
    };
    for (name, log, exit, want) in cases {
        assert!(log.ends_with(&format!("{exit}\n")), "{name}");
        assert_eq!(if stale(log) { "stale" } else { "fresh" }, want, "{name}");
    }
}

/// Output of success with lines that a careless parser would take for failures.
#[test]
fn success_has_its_own_noise() {
    let cases = said! {
        "installed" => "E: Can not write log", "rc=0";
        "lock-waited" => "Could not get lock", "rc=0";
        "conffile-kept" => "Keeping old config file as default", "rc=0";
    };
    for (name, log, noise, end) in cases {
        assert!(log.contains(noise) && log.trim_end().ends_with(end), "{name}");
        assert_eq!(judge(log, "was ended by TERM").code, "apt-failed", "{name}");
    }
}
