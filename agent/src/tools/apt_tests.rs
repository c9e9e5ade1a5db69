//! Calls, refusals and the source list.

use super::*;
use podlift_model::op::Package;

fn pin() -> PackagePin {
    PackagePin { package: Package::Kubeadm, version: "1.32.9-1.1".parse().unwrap() }
}

#[test]
fn the_call_is_the_one_that_is_known_to_work() {
    let spec = install(&[pin()]);
    assert_eq!(
        spec.args.join(" "),
        "-y -q --no-install-recommends --allow-change-held-packages -o DPkg::Lock::Timeout=300 \
         -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install kubeadm=1.32.9-1.1"
    );
    let env: Vec<String> = spec.env.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(env, ["LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"]);
    assert_eq!(spec.limit, None);
    assert!(download(&[pin()], Duration::from_secs(1)).args.contains(&"--download-only".to_string()));
}

#[test]
fn refusals_have_codes() {
    let cases = [
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)", "apt-lock"),
        ("end of file on stdin at conffile prompt", "apt-conffile"),
        ("E: Version '1.32.99-1.1' for 'kubeadm' was not found", "package-version-missing"),
        ("E: Packages were downgraded and -y was used without --allow-downgrades.", "apt-downgrade"),
        ("dpkg: error: No space left on device", "disk-full"),
        ("E: Failed to fetch http://x  Could not resolve 'x'", "apt-unreachable"),
        ("E: something else", "apt-failed"),
    ];
    for (log, want) in cases {
        assert_eq!(judge(log, "exited 100").code, want, "{log}");
    }
}

const LIST: &str = "# kubernetes v1.31\r\n deb [arch=amd64 signed-by=/etc/apt/keyrings/k.gpg] https://mirror.site/k8s/core:/stable:/v1.31/deb/ /\r\n";

#[test]
fn only_the_minor_changes() {
    let minor: Minor = "v1.32".parse().unwrap();
    let new = with_minor(LIST, minor).unwrap();
    assert_eq!(new, LIST.replace("stable:/v1.31", "stable:/v1.32"));
    assert_eq!((minor_of(&new), with_minor(&new, minor).as_deref()), (Some(minor), Ok(new.as_str())));
}

#[test]
fn other_sources_are_refused() {
    let cases = [
        ("", SourceError::NoLine),
        ("# deb https://x/core:/stable:/v1.31/deb/ /\n", SourceError::NoLine),
        ("deb [trusted=yes] https://x/core:/stable:/v1.31/deb/ /\n", SourceError::Trusted),
        ("deb [ Trusted = yes ] https://x/core:/stable:/v1.31/deb/ /\n", SourceError::Trusted),
        (
            "deb https://apt.kubernetes.io/ kubernetes-xenial main\n",
            SourceError::Strange("deb https://apt.kubernetes.io/ kubernetes-xenial main".into()),
        ),
        (
            "deb https://x/core:/stable:/v1.31/rpm/ /\n",
            SourceError::Strange("deb https://x/core:/stable:/v1.31/rpm/ /".into()),
        ),
        (
            "deb https://x/core:/stable:/latest/deb/ /\n",
            SourceError::Strange("deb https://x/core:/stable:/latest/deb/ /".into()),
        ),
    ];
    for (text, want) in cases {
        assert_eq!(with_minor(text, "v1.32".parse().unwrap()), Err(want), "{text}");
    }
}
