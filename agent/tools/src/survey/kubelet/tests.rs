//! Units, drop-ins and environment files as systemd reads them, and the resulting flags of the kubelet.

use super::super::tests::Bench;
use super::environment;
use super::unit::Unit;
use super::words::{Variable, expand, split};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

macro_rules! case {
    ($file:literal) => {
        include_str!(concat!("../../../../../tests/fixtures/cases/", $file))
    };
}

/// The drop-in of the package kubeadm.
const KUBEADM: &str = r#"# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"#;
const UNIT: &str = "[Unit]\nDescription=kubelet\n\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n";
const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const LIB: &str = "/usr/lib/systemd/system";
const ETC: &str = "/etc/systemd/system";

/// A node as the packages set it up.
fn node() -> Bench {
    Bench::new(|_| podlift_host::testing::said("0\n"))
        .put(&format!("{LIB}/kubelet.service"), UNIT)
        .put(&format!("{LIB}/kubelet.service.d/10-kubeadm.conf"), KUBEADM)
        .put("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--node-ip=10.77.0.11\"\n")
        .put(CONFIG, "kind: KubeletConfiguration\n")
}

/// Flags of the site, `name=value`, with the source of each.
fn own(bench: &Bench) -> Vec<String> {
    let started = start::look(&bench.site()).unwrap();
    let ours = ["bootstrap-kubeconfig", "kubeconfig", "config"];
    let own = started.flags.0.keys().filter(|name| !ours.contains(&name.as_str()));
    own.map(|name| format!("{name}={} {}", started.flags.joined(name).unwrap(), started.origins[name]))
        .collect()
}

#[test]
fn flags_of_unit_drop_ins_and_environment_files() {
    let kubeadms = "node-ip=10.77.0.11 /var/lib/kubelet/kubeadm-flags.env";
    assert_eq!(own(&node()), [kubeadms]);
    let extra = |file: &str| node().put(file, "KUBELET_EXTRA_ARGS=--v=2\n");
    assert_eq!(own(&extra("/etc/default/kubelet")), [kubeadms, "v=2 /etc/default/kubelet"]);
    assert_eq!(own(&extra("/etc/sysconfig/kubelet")), [kubeadms], "nobody reads it");
    let reset = node().put(&format!("{ETC}/kubelet.service.d/20-site.conf"), "[Service]\nExecStart=\nExecStart=-/usr/bin/kubelet --v=${LEVEL} \\\n  # a comment\n  --node-labels='a=b c'\nEnvironment=LEVEL=4 \"OTHER=x y\"\n");
    let site = format!("{ETC}/kubelet.service.d/20-site.conf");
    assert_eq!(own(&reset), [format!("node-labels=a=b c {site}"), format!("v=4 {site}")]);
    let same_name = node().put(
        &format!("{ETC}/kubelet.service.d/10-kubeadm.conf"),
        "[Service]\nExecStart=\nExecStart=kubelet --v=6\n",
    );
    assert_eq!(own(&same_name), [format!("v=6 {ETC}/kubelet.service.d/10-kubeadm.conf")]);
    let other_unit = node().put(
        &format!("{ETC}/kubelet.service"),
        "[Service]\nExecStart=/usr/bin/kubelet\nExecStartPre=/bin/false --v=9\n[X]\nExecStart=--v=9\n",
    );
    assert_eq!(own(&other_unit), [kubeadms]);
}

/// The site's flags are in a file that a drop-in names after that of the packages.
#[test]
fn the_last_environment_file_counts() {
    let site = "/etc/systemd/system/kubelet.service.d/10-site.conf";
    let default = case!("56-kubelet-extra-args-reset/default-kubelet");
    let with = |sysconfig: Option<&str>| {
        let bench = node()
            .put(site, case!("56-kubelet-extra-args-reset/10-site.conf"))
            .put("/etc/default/kubelet", default);
        match sysconfig {
            Some(text) => bench.put("/etc/sysconfig/kubelet", text),
            None => bench,
        }
    };
    let kept = own(&with(None));
    assert!(kept.contains(&"cloud-provider=external /etc/default/kubelet".to_string()), "{kept:?}");
    assert!(kept.contains(&"node-ip=10.77.0.11,10.77.0.31 /etc/default/kubelet".to_string()), "{kept:?}");
    let emptied = own(&with(Some("KUBELET_EXTRA_ARGS=\n")));
    assert_eq!(emptied, ["node-ip=10.77.0.11 /var/lib/kubelet/kubeadm-flags.env"]);
}

#[test]
fn without_a_unit_the_files_that_kubeadm_knows_are_read() {
    let bench = Bench::new(|_| podlift_host::testing::said("0\n"))
        .put("/var/lib/kubelet/kubeadm-flags.env", case!("01-node-name-fqdn/kubeadm-flags.env"))
        .put(
            "/etc/default/kubelet",
            "# KUBELET_EXTRA_ARGS=--no\nKUBELET_EXTRA_ARGS=\"--v 2 --feature-gates=A=true\"\n",
        );
    let started = start::look(&bench.site()).unwrap();
    assert_eq!(
        started.flags,
        FlagSet::parse([
            "--hostname-override=w1.site.example",
            "--node-ip=10.77.0.31",
            "--v=2",
            "--feature-gates=A=true"
        ])
    );
    assert_eq!(started.origins["v"], "/etc/default/kubelet");
}

#[test]
fn what_can_not_be_known_is_said() {
    let cases = [
        ("[Service]\nExecStart=\n", "kubelet.service has no ExecStart="),
        ("[Service]\nExecStart=\nExecStart=/bin/sh -c \"kubelet --v=2\"\n", "opaque: sh -c"),
        ("[Service]\nEnvironmentFile=/etc/site/kubelet\n", "/etc/site/kubelet is not there"),
    ];
    for (text, want) in cases {
        let bench = node().put(&format!("{ETC}/kubelet.service.d/99.conf"), text);
        let why = start::look(&bench.site()).unwrap_err();
        assert!(why.contains(want), "{why}");
    }
}

#[test]
fn lines_of_an_environment_file() {
    let cases = [
        ("A=--x=1\n# B=2\n; C=3\n", "A=--x=1"),
        ("A=\"--x=1 --y\"  \n", "A=--x=1 --y"),
        ("A='a \"b\" $c' \n", "A=a \"b\" $c"),
        ("A=a\\ b  # c\n", "A=a b  # c"),
        ("A=\"a\\\"b\\$c\\d\"\n", "A=a\"b$c\\d"),
        ("A=a \\\n b\n", "A=a  b"),
        ("A=\"a\nb\"\nB=\n", "A=a\nb|B="),
        ("A=1\nA=2", "A=1|A=2"),
        ("export A=1\n1A=2\nnothing\n = 3\n A = 4\n", "A=4"),
        ("A=\"a\"'b'c\n", "A=abc"),
        ("A=\"open\n", "A=open\n"),
    ];
    for (text, want) in cases {
        let shown: Vec<String> = environment::read(text).iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(shown.join("|"), want, "{text:?}");
    }
}

#[test]
fn words_and_variables_of_a_command_line() {
    let variables: BTreeMap<String, Variable> = [("A", "--a --b='c d'"), ("E", ""), ("L", "4")]
        .map(|(name, value)| (name.to_string(), Variable { value: value.into(), origin: "f".into() }))
        .into();
    let cases = [
        ("kubelet $A", "kubelet|--a|--b=c d"),
        ("kubelet ${A}", "kubelet|--a --b='c d'"),
        ("$E $NONE --v=${L}x$L $$L $", "--v=4x$L|$L|$"),
        ("'a b' \"c\\\"d\" e\\sf g\\x41 \\q ''", "a b|c\"d|e f|gA|\\q|"),
        ("", ""),
    ];
    for (line, want) in cases {
        let words: Vec<String> = expand(line, "u", &variables).into_iter().map(|w| w.text).collect();
        assert_eq!(words.join("|"), want, "{line}");
    }
    let origins: Vec<String> =
        expand("kubelet $A --v=${L}", "u", &variables).into_iter().map(|w| w.origin).collect();
    assert_eq!(origins, ["u", "f", "f", "f"]);
}

#[tokio::test]
async fn the_configuration_that_counts() {
    let other_folder = case!("37-m17-other-folder/config.yaml");
    let exec = |flags: &str| format!("[Service]\nExecStart=\nExecStart=kubelet {flags}\n");
    let drop_in = format!("{ETC}/kubelet.service.d/99.conf");
    let cases = [
        (node().put(CONFIG, other_folder), Some("/etc/kubelet.d")),
        (
            node().put(&drop_in, &exec("--config /etc/k.yaml")).put("/etc/k.yaml", other_folder),
            Some("/etc/kubelet.d"),
        ),
        (
            node().put(&drop_in, &exec("--pod-manifest-path=/etc/pods")).put(CONFIG, other_folder),
            Some("/etc/pods"),
        ),
        (node().put(CONFIG, "staticPodPath: /a\nstaticPodPath: /b\n---\nkind: [\n"), Some("/b")),
        (
            node()
                .put(&drop_in, &exec("--config-dir=/etc/k.d"))
                .put("/etc/k.d/1.conf", "staticPodPath: /c\n")
                .put("/etc/k.d/2.txt", "staticPodPath: /d\n"),
            Some("/c"),
        ),
        (node(), None),
    ];
    for (bench, want) in cases {
        let (settings, why) = look(&bench.site()).await;
        assert_eq!((settings.unwrap().config["staticPodPath"].as_str(), why), (want, None));
    }
    let (missing, _) = look(&node().put(&drop_in, &exec("--config=/etc/none.yaml")).site()).await;
    assert_eq!(missing.unwrap_err(), "/etc/none.yaml is not there");
}

#[tokio::test]
async fn the_process_that_runs() {
    let with = |pid: &'static str, cmdline: &str| {
        Bench::new(move |call| match call.args[0].as_str() {
            "show" => podlift_host::testing::said(pid),
            _ => podlift_host::testing::exited(1, ""),
        })
        .put(CONFIG, "{}")
        .put("/proc/4242/cmdline", cmdline)
    };
    let running = async |bench: &Bench| look(&bench.site()).await.0.unwrap().running.unwrap();
    let bench = with("4242\n", "/usr/bin/kubelet\0--node-ip=10.77.0.31\0--cloud-provider\0external\0--x=\0");
    assert_eq!(
        running(&bench).await,
        Ok(FlagSet::parse(["--node-ip=10.77.0.31", "--cloud-provider=external", "--x="]))
    );
    assert_eq!(running(&with("0\n", "")).await, Err("the kubelet does not run".into()));
    assert!(running(&with("4242\n", "")).await.unwrap_err().contains("the process is ending"));
    assert!(running(&with("4242\n", "/bin/sh\0/start\0")).await.unwrap_err().contains("opaque: sh"));
    assert!(running(&with("none\n", "")).await.unwrap_err().contains("expected a number"));
    assert!(running(&with("7\n", "")).await.unwrap_err().contains("/proc/7/cmdline"));
}

/// Case 56: the flags of a site are in a file that its drop-in names, and the process was started before that file was emptied.
#[tokio::test]
async fn running_and_next_start_are_compared_flag_by_flag() {
    let cmdline = "/usr/bin/kubelet\0--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf\0--kubeconfig=/etc/kubernetes/kubelet.conf\0--config=/var/lib/kubelet/config.yaml\0--node-ip=10.77.0.11\0--v=4\0--cloud-provider=external\0";
    let with = |pid: &'static str, extra: &str| {
        let node = Bench::new(move |_| podlift_host::testing::said(pid))
            .put(&format!("{LIB}/kubelet.service"), UNIT)
            .put(&format!("{LIB}/kubelet.service.d/10-kubeadm.conf"), KUBEADM)
            .put("/var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=--node-ip=10.77.0.11\n");
        node.put("/etc/default/kubelet", extra).put("/proc/42/cmdline", cmdline)
    };
    let told = async |pid: &'static str, extra: &str| -> Result<String, String> {
        let all = drift::look(&with(pid, extra).site()).await?;
        Ok(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    let same = "KUBELET_EXTRA_ARGS=--cloud-provider=external --v=4\n";
    assert_eq!(told("42\n", same).await, Ok(String::new()));
    assert_eq!(
        told("42\n", "KUBELET_EXTRA_ARGS=--v=2 --max-pods=250\n").await,
        Ok("it runs with --cloud-provider=external, and no unit, drop-in or environment file says it; \
            it runs without --max-pods, and /etc/default/kubelet says --max-pods=250; \
            it runs with --v=4, and /etc/default/kubelet says --v=2"
            .into())
    );
    assert_eq!(told("0\n", same).await, Err("the kubelet does not run".into()));
}

proptest! {
    #[test]
    fn nothing_panics(text in "(\\[Service\\]\n)?(ExecStart=|Environment=|EnvironmentFile=|[-$\"'\\\\ \n={}#;a-cA-C]|\\\\x[0-9a-g]|\\PC){0,40}") {
        let mut unit = Unit::default();
        unit.read("u", &text);
        let set: BTreeMap<String, Variable> = environment::read(&text)
            .into_iter()
            .map(|(name, value)| (name, Variable { value, origin: String::new() }))
            .collect();
        let _ = expand(&text, "u", &set);
    }

    /// A text quoted for systemd is parsed back unchanged.
    #[test]
    fn quoted_values_come_back(value in "[ -~\t\n]{0,20}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        prop_assert_eq!(split(&format!("\"{escaped}\"")), [value.clone()]);
        let shell = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`");
        prop_assert_eq!(environment::read(&format!("A=\"{shell}\"\n")), [("A".to_string(), value)]);
    }
}
