use super::*;
use jiff::Timestamp;
use podlift_backup::{About, Content, Writer};
use podlift_engine::issues::raw::cleaned_secret as clean;
use std::path::PathBuf;

const SECRETS: &str = r#"{"kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
   "metadata": {"namespace": "runai", "name": "runai-tls", "uid": "1", "resourceVersion": "7"},
   "data": {"tls.crt": "Y2VydA==", "tls.key": "a2V5"}},
  {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
   "metadata": {"namespace": "ingress-nginx", "name": "ingress-server-default-tls"}, "data": {"tls.crt": "eA=="}}
]}"#;
const PATH: &str = "cluster/tls-secrets.json";

struct Site {
    dir: tempfile::TempDir,
    identity: PathBuf,
}

impl Site {
    fn set(&self) -> PathBuf {
        self.dir.path().join("sets/run-1")
    }
    fn read(&self, of: &str, secret: (&str, &str)) -> Result<Unsealed, Error> {
        unsealed(&self.set(), &self.identity, &of.parse().unwrap(), secret)
    }
    fn refused(&self, of: &str, secret: (&str, &str)) -> Error {
        self.read(of, secret).err().expect("it is refused")
    }
}

/// A set with these secrets, and an identity file with a comment and a foreign key before the right one.
fn site(with_recipient: bool) -> Site {
    use age::secrecy::ExposeSecret as _;
    let dir = tempfile::tempdir().unwrap();
    let (own, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let to = with_recipient.then(|| own.to_public().to_string().parse().unwrap());
    let writer = Writer::create(&dir.path().join("sets"), "run-1", to.into_iter().collect()).unwrap();
    let add = |kind, path, text: &str| {
        writer.add(Content { kind, node: None, path, secret: false }, text.as_bytes()).unwrap();
    };
    add(Kind::Nodes, "cluster/nodes.json", "{}");
    add(Kind::TlsSecrets, PATH, SECRETS);
    let about = About {
        cluster: "runaicluster".parse().unwrap(),
        by: "ada".into(),
        version: "v1.31.9".parse().unwrap(),
        revision: 1,
        wanted: vec![],
    };
    writer.seal(about, Timestamp::UNIX_EPOCH).unwrap();
    let identity = dir.path().join("identity.txt");
    let [own, other] = [own, other].map(|key| key.to_string().expose_secret().to_string());
    let text = format!("# created: 2026-11-22\n{other}\n{own}\n");
    podlift_common::durable::write(&identity, text.as_bytes(), 0o600).unwrap();
    Site { dir, identity }
}

#[test]
fn one_secret_is_read_without_what_a_cluster_gives_it() {
    let secret = site(true).read("runaicluster", ("runai", "runai-tls")).unwrap();
    let object: Value = serde_json::from_slice(&secret.object).unwrap();
    assert_eq!((secret.namespace.as_str(), secret.name.as_str()), ("runai", "runai-tls"));
    assert_eq!(object["data"]["tls.key"], "a2V5");
    let metadata = object["metadata"].as_object().unwrap();
    assert!(!metadata.contains_key("uid") && !metadata.contains_key("resourceVersion"), "{metadata:?}");
    let list: Value = serde_json::from_str(SECRETS).unwrap();
    assert_eq!(object, clean(&list["items"][0]).unwrap());
}

#[test]
fn each_refusal_names_the_cause_and_no_secret() {
    let whole = site(true);
    let changed = site(true);
    let at = changed.set().join(format!("{PATH}.age"));
    let mut bytes = std::fs::read(&at).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&at, bytes).unwrap();
    let reworked = site(true);
    let manifest = reworked.set().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("runaicluster", "othercluster")).unwrap();
    let (other_key, stranger) = (site(true), site(true));
    std::fs::copy(&stranger.identity, &other_key.identity).unwrap();
    let no_key = site(true);
    std::fs::write(&no_key.identity, "# nothing\n").unwrap();
    let gone = site(true);
    std::fs::remove_file(&gone.identity).unwrap();
    let secret = ("runai", "runai-tls");
    for (seen, what, why) in [
        (
            whole.refused("k8s-user", secret),
            "is not used",
            "it is of cluster runaicluster, and the coordinator serves k8s-user",
        ),
        (
            whole.refused("runaicluster", ("runai", "none")),
            "is not in set",
            "runai/runai-tls, ingress-nginx/ingress-server-default-tls",
        ),
        (changed.refused("runaicluster", secret), "is not used", "was changed"),
        (reworked.refused("runaicluster", secret), "is not used", "SEAL does not fit"),
        (site(false).refused("runaicluster", secret), "has no TLS secrets", "backup.recipients"),
        (other_key.refused("runaicluster", secret), "can't be decrypted", "recipients of [backup]"),
        (no_key.refused("runaicluster", secret), "is no identity", "AGE-SECRET-KEY-1"),
        (gone.refused("runaicluster", secret), "can't be read", "No such file"),
    ] {
        assert!(seen.what.contains(what) && seen.why.contains(why), "{seen:?}");
        let text = format!("{seen:?}");
        assert!(!text.contains("a2V5") && !text.contains("AGE-SECRET-KEY-1Q"), "{text}");
    }
}
