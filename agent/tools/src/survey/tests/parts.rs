//! Single parts of a survey, on nodes in memory.

use super::Bench;
use crate::survey::{certificates, etcd, external_ca, names, other_manifests, patch_folders};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use podlift_host::FileKind;
use podlift_host::testing::{LIVE_API, said};
use podlift_model::FlagSet;
use podlift_model::survey::{KubeletSettings, NodeNames};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

macro_rules! case {
    ($file:literal) => {
        include_str!(concat!("../../../../../tests/fixtures/cases/", $file))
    };
}

fn bench() -> Bench {
    Bench::new(|_| said(""))
}

const PKI: &str = "/etc/kubernetes/pki/runaicluster";

/// A certificate authority that signs certificates.
struct Ca {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

fn params(name: &str, ca: bool, until: i32) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params.is_ca = if ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
    params
}

impl Ca {
    fn new(name: &str, until: i32) -> Self {
        let (params, key) = (params(name, true, until), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        Self { params, key, pem }
    }
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
    fn signs(&self, name: &str) -> String {
        params(name, false, 2040).signed_by(&KeyPair::generate().unwrap(), &self.issuer()).unwrap().pem()
    }
    fn signs_ca(&self, name: &str) -> Self {
        let (params, key) = (params(name, true, 2040), KeyPair::generate().unwrap());
        let pem = params.signed_by(&key, &self.issuer()).unwrap().pem();
        Self { params, key, pem }
    }
}

fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "clusters:\n- name: other\n  cluster: {{}}\n- name: c\n  cluster:\n    {cluster}\nusers:\n- name: u\n  user:\n    {user}\ncontexts:\n- name: x\n  context: {{cluster: c, user: u}}\ncurrent-context: x\n"
    )
}

fn trusting(pem: &str) -> String {
    kubeconfig(&format!("certificate-authority-data: {}", STANDARD.encode(pem)), "{}")
}

fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

/// Whether scheduler.conf with this text trusts an API server with this certificate.
fn trusts(shown: &str, conf: &str) -> Result<bool, String> {
    let bench = bench()
        .control_plane()
        .put(&format!("{PKI}/apiserver.crt"), shown)
        .put("/etc/kubernetes/scheduler.conf", conf)
        .put("/etc/kubernetes/by-file.crt", shown);
    let [seen] = certificates::trust::look(&bench.site(), now()).try_into().unwrap();
    assert_eq!(seen.path, "/etc/kubernetes/scheduler.conf");
    seen.trusts
}

#[test]
fn a_kubeconfig_trusts_the_ca_that_signed_and_no_other() {
    let (old, new) = (Ca::new("kubernetes", 2030), Ca::new("kubernetes", 2040));
    let ended = Ca::new("kubernetes", 2025);
    let between = new.signs_ca("between");
    let api = new.signs("kube-apiserver");
    let chain = format!("{}{}", between.signs("kube-apiserver"), between.pem);
    let both = format!("{}{}", old.pem, new.pem);
    let cases = [
        ("the right one", api.as_str(), trusting(&new.pem), true),
        ("the old one, of the same name", &api, trusting(&old.pem), false),
        ("a bundle", &api, trusting(&both), true),
        ("one that is over", &ended.signs("kube-apiserver"), trusting(&ended.pem), false),
        ("an intermediate that is shown", &chain, trusting(&new.pem), true),
        ("an intermediate that is not", &between.signs("kube-apiserver"), trusting(&new.pem), false),
        ("no CA at all", &new.signs("x"), trusting(&api), false),
        ("a file", &api, kubeconfig(&format!("certificate-authority: {PKI}/ca.crt"), "{}"), false),
    ];
    for (what, shown, conf, want) in cases {
        match what {
            "a file" => assert!(trusts(shown, &conf).unwrap_err().contains(&format!("{PKI}/ca.crt"))),
            _ => assert_eq!(trusts(shown, &conf), Ok(want), "{what}"),
        }
    }
}

#[test]
fn what_can_not_be_decided_is_said() {
    let api = Ca::new("kubernetes", 2040).signs("kube-apiserver");
    let cases = [
        (api.as_str(), kubeconfig("insecure-skip-tls-verify: true", "{}"), "insecure-skip-tls-verify"),
        (&api, kubeconfig("server: https://a", "{}"), "names no CA"),
        (&api, kubeconfig("certificate-authority-data: OLD-CA-ONLY", "{}"), "no base64"),
        (&api, trusting("garbage"), "holds no certificate"),
        (&api, "users: [".into(), "no kubeconfig"),
        (&api, "users: []\n".into(), "names no cluster"),
        ("garbage", trusting(&api), "the API server's certificate: "),
    ];
    for (shown, conf, want) in cases {
        let why = trusts(shown, &conf).unwrap_err();
        assert!(why.contains(want), "{why}");
    }
    assert_eq!(certificates::trust::look(&bench().put("/etc/kubernetes/admin.conf", "").site(), now()), []);
}

/// The first certificate of the bundle has expired, the second is good.
#[test]
fn each_certificate_of_a_bundle_is_told() {
    let (old, new) = (Ca::new("old", 2025), Ca::new("new", 2040));
    let chain = format!("{}{}", new.signs("system:node:a"), new.pem);
    let user = format!("client-certificate-data: {}", STANDARD.encode(&chain));
    let bench = bench()
        .control_plane()
        .put(&format!("{PKI}/ca.crt"), &format!("{}{}", old.pem, new.pem))
        .put("/etc/kubernetes/admin.conf", &kubeconfig("{}", &user));
    let (facts, strange) = certificates::look(&bench.site());
    let shown: Vec<String> = facts
        .iter()
        .map(|c| format!("{} {} {} {}", c.path, c.index, c.subject, c.not_after.strftime("%Y")))
        .collect();
    assert_eq!(
        shown,
        [
            "/etc/kubernetes/admin.conf 0 CN=system:node:a 2040".to_string(),
            "/etc/kubernetes/admin.conf 1 CN=new 2040".into(),
            format!("{PKI}/ca.crt 0 CN=old 2025"),
            format!("{PKI}/ca.crt 1 CN=new 2040"),
        ]
    );
    assert_eq!(strange, []);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let half = bench.put(&format!("{PKI}/ca.crt"), &format!("{broken}{}", new.pem));
    let (facts, strange) = certificates::look(&half.site());
    assert!(facts.iter().any(|c| c.index == 1 && c.subject == "CN=new"), "{facts:?}");
    assert!(strange[0].1.contains("certificate 1: it can't be read"), "{strange:?}");
}

#[test]
fn a_ca_without_its_key_is_kept_elsewhere() {
    let usual = "/etc/kubernetes/pki";
    let stacked = LIVE_API.replace(PKI, usual);
    let cases = [
        (
            "both",
            bench().control_plane().put(&format!("{PKI}/ca.crt"), "").put(&format!("{PKI}/ca.key"), ""),
            Some(false),
        ),
        ("no key", bench().control_plane().put(&format!("{PKI}/ca.crt"), ""), Some(true)),
        (
            "the key of another folder",
            bench().control_plane().put(&format!("{PKI}/ca.crt"), "").put(&format!("{usual}/ca.key"), ""),
            Some(true),
        ),
        (
            "kubeadm's own folder",
            bench()
                .control_plane()
                .put("/etc/kubernetes/manifests/kube-apiserver.yaml", &stacked)
                .put(&format!("{usual}/ca.crt"), ""),
            Some(true),
        ),
        ("no certificate", bench().control_plane(), None),
        ("a worker", bench().put(&format!("{usual}/ca.crt"), ""), None),
    ];
    for (what, bench, want) in cases {
        assert_eq!(external_ca::look(&bench.site()), want, "{what}");
    }
}

fn settings(flags: &[&str], running: &[&str]) -> KubeletSettings {
    let set = |flags: &[&str]| FlagSet::parse(flags.iter().copied());
    KubeletSettings {
        config: serde_json::Value::Null,
        flags: set(flags),
        origins: std::collections::BTreeMap::new(),
        running: Some(Ok(set(running))),
    }
}

#[test]
fn names_of_a_node() {
    let ca = Ca::new("kubernetes", 2040);
    let fqdn = ca.signs("system:node:w1.site.example");
    let inline = kubeconfig("{}", &format!("client-certificate-data: {}", STANDARD.encode(&fqdn)));
    let pki = "/var/lib/kubelet/pki/kubelet-client";
    let by_file = kubeconfig("{}", &format!("client-certificate: {pki}-current.pem"));
    let conf = "/etc/kubernetes/kubelet.conf";
    let host = || bench().put("/etc/hostname", case!("01-node-name-fqdn/hostname"));
    let linked = host()
        .put(conf, &by_file)
        .put(&format!("{pki}-current.pem"), "")
        .put(&format!("{pki}-2025-01-01-00-00-00.pem"), &ca.signs("system:node:old"))
        .put(&format!("{pki}-2026-01-01-00-00-00.pem"), &fqdn);
    linked.fakes.files.restat(format!("{pki}-current.pem"), |stat| stat.kind = FileKind::Symlink);
    let plain = host().put(conf, &by_file).put(&format!("{pki}-current.pem"), &fqdn);
    let overriding = settings(&["--hostname-override=w1.site.example"], &[]);
    for (what, bench) in [("inline", host().put(conf, &inline)), ("a link", linked), ("a file", plain)] {
        let seen = names::look(&bench.site(), Some(&overriding)).unwrap();
        let want = NodeNames {
            hostname: "w1".into(),
            overridden: Some("w1.site.example".into()),
            kubelet_user: Some("w1.site.example".into()),
        };
        assert_eq!(seen, want, "{what}");
    }
    let foreign = kubeconfig(
        "{}",
        &format!("client-certificate-data: {}", STANDARD.encode(ca.signs("kubernetes-admin"))),
    );
    let seen = names::look(&host().put(conf, &foreign).site(), None).unwrap();
    assert_eq!(seen.kubelet_user.as_deref(), Some("kubernetes-admin"), "kubeadm takes it whole");
    let bare = names::look(&bench().put("/etc/hostname", "# x\n\nW1.Site \n").site(), None).unwrap();
    assert_eq!((bare.hostname.as_str(), bare.kubelet_user), ("w1.site", None));
    let kernel = names::look(&bench().put("/proc/sys/kernel/hostname", "k1\n").site(), None).unwrap();
    assert_eq!(kernel.hostname, "k1");
    let running = names::look(&host().site(), Some(&settings(&[], &["--hostname-override=r"]))).unwrap();
    assert_eq!(running.overridden.as_deref(), Some("r"), "the files are not known");
    let reset = names::look(&host().site(), Some(&settings(&["--v=2"], &["--hostname-override=r"]))).unwrap();
    assert_eq!(reset.overridden, None, "the next start will not have it");
}

#[test]
fn names_that_can_not_be_read_say_why() {
    let host = || bench().put("/etc/hostname", "w1\n");
    let conf = "/etc/kubernetes/kubelet.conf";
    for (text, want) in [
        ("users: [".to_string(), "/etc/kubernetes/kubelet.conf: it is no kubeconfig"),
        (kubeconfig("{}", "client-certificate: /none.pem"), "/none.pem"),
        (kubeconfig("{}", "client-certificate-data: '!'"), "no base64"),
        (
            kubeconfig("{}", &format!("client-certificate-data: {}", STANDARD.encode("x"))),
            "holds no certificate",
        ),
    ] {
        let why = names::look(&host().put(conf, &text).site(), None).unwrap_err();
        assert!(why.contains(want), "{why}");
    }
    assert!(names::look(&bench().site(), None).unwrap_err().contains("/etc/hostname"));
}

/// Copies of etcd's manifest too; the kubelet ignores folders and names with a dot.
#[test]
fn copies_in_the_manifest_folder() {
    let etcd = case!("36-m16-copies-in-the-folder/etcd.yaml");
    let dir = "/etc/kubernetes/manifests";
    let strays = |bench: &Bench| -> Vec<String> {
        let found = other_manifests::look(&bench.site()).unwrap();
        found.into_iter().filter(|o| o.stray).map(|o| o.file).collect()
    };
    let bench = || {
        bench()
            .control_plane()
            .put(
                &format!("{dir}/.kube-apiserver.yaml.swp"),
                case!("36-m16-copies-in-the-folder/dot-kube-apiserver.yaml.swp"),
            )
            .put(
                &format!("{dir}/kube-apiserver.yaml.backup"),
                case!("36-m16-copies-in-the-folder/kube-apiserver.yaml.backup"),
            )
    };
    let both = bench()
        .put(&format!("{dir}/etcd.yaml"), etcd)
        .put(&format!("{dir}/etcd.yaml.mcdorig"), case!("36-m16-copies-in-the-folder/etcd.yaml.mcdorig"));
    assert_eq!(strays(&both), ["etcd.yaml.mcdorig", "kube-apiserver.yaml.backup"]);
    let link = bench().put(&format!("{dir}/etcd.yaml"), etcd).put(&format!("{dir}/etcd.yaml.old"), "");
    link.fakes.files.restat(format!("{dir}/etcd.yaml.old"), |stat| stat.kind = FileKind::Symlink);
    assert_eq!(strays(&link), ["etcd.yaml.old", "kube-apiserver.yaml.backup"]);
    let alone = bench().put(&format!("{dir}/etcd.yml"), etcd);
    assert_eq!(strays(&alone), ["kube-apiserver.yaml.backup"], "the only file of its pod");
    let two = alone.put(&format!("{dir}/etcd.yml.bak"), etcd);
    assert_eq!(strays(&two), ["etcd.yml.bak", "kube-apiserver.yaml.backup"]);
}

#[test]
fn etcd_and_patches_of_a_stacked_control_plane() {
    let path = "/etc/kubernetes/manifests/etcd.yaml";
    let live = case!("19-patches-forgotten-for-etcd/live-etcd.yaml");
    let stacked = bench().put(path, live).put("/etc/kubernetes/patches/etcd+strategic.yaml", "");
    let seen = etcd::look(&stacked.site()).unwrap().unwrap();
    assert_eq!(seen.flags.joined("listen-metrics-urls").as_deref(), Some("http://0.0.0.0:2381"));
    assert_eq!(patch_folders::look(&stacked.site()).unwrap(), ["/etc/kubernetes/patches"]);
    assert_eq!(etcd::look(&bench().site()), None);
    assert!(etcd::look(&bench().put(path, "spec: {").site()).unwrap().unwrap_err().contains(path));
    let other =
        bench().put("/etc/kubernetes/patches/README", "").put("/var/lib/podlift/patches/etcd.yaml", "");
    assert_eq!(patch_folders::look(&other.site()).unwrap(), [""; 0]);
}
