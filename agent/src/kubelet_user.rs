//! The node name in the client certificate of kubelet.conf. It only reads, and trusts nothing else in that file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_host::{FileKind, Files};
use podlift_tools::yaml;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use x509_parser::pem::Pem;

pub const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
const PREFIX: &str = "system:node:";

#[derive(Deserialize)]
struct Kubeconfig {
    #[serde(default, rename = "current-context")]
    current: String,
    #[serde(default)]
    contexts: Vec<NamedContext>,
    #[serde(default)]
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedContext {
    #[serde(default)]
    name: String,
    #[serde(default)]
    context: Context,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
struct NamedUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    user: User,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default, rename = "client-certificate-data")]
    data: Option<String>,
    #[serde(default, rename = "client-certificate")]
    file: Option<PathBuf>,
}

/// NAME of `system:node:NAME`; `None` if this machine has not joined, or if its file contains no name to compare.
pub fn node_name(files: &dyn Files) -> Option<String> {
    let text = files.read(Path::new(KUBELET_CONF)).ok()?;
    let config: Kubeconfig = yaml::first(std::str::from_utf8(&text).ok()?).ok()?;
    let pem = certificate(files, user(config)?)?;
    common_name(&pem)?.strip_prefix(PREFIX).map(String::from)
}

/// The user of the current context, or the first user if the file names no context.
fn user(config: Kubeconfig) -> Option<User> {
    let context = config.contexts.iter().find(|context| context.name == config.current);
    let wanted = context.map(|context| context.context.user.clone());
    let mut users = config.users.into_iter();
    match wanted {
        Some(name) => users.find(|user| user.name == name).map(|user| user.user),
        None => users.next().map(|user| user.user),
    }
}

fn certificate(files: &dyn Files, user: User) -> Option<Vec<u8>> {
    if let Some(data) = user.data {
        return STANDARD.decode(data.trim()).ok();
    }
    let file = user.file?;
    // client-go resolves a relative path relative to the file that names it.
    let file = Path::new(KUBELET_CONF).parent()?.join(file);
    files.read(&newest(files, &file)?).ok()
}

/// The kubelet's `kubelet-client-current.pem` is a link to the newest of its dated files. Links are not followed here, so this finds that
/// file.
fn newest(files: &dyn Files, file: &Path) -> Option<PathBuf> {
    if files.stat(file).ok()?.kind != FileKind::Symlink {
        return Some(file.into());
    }
    let dir = file.parent()?;
    let stem = file.file_name()?.to_str()?.strip_suffix("current.pem")?;
    let dated = |name: &String| {
        name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    files.list(dir).ok()?.into_iter().filter(dated).max().map(|name| dir.join(name))
}

fn common_name(pem: &[u8]) -> Option<String> {
    let first = Pem::iter_from_buffer(pem).flatten().find(|block| block.label == "CERTIFICATE")?;
    let certificate = first.parse_x509().ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::MemFiles;

    const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

    /// A PEM file as the kubelet writes it: certificate and key in one file.
    fn pem(name: &str) -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "system:nodes");
        format!("{}{}", params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn kubeconfig(user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncontexts:\n- context: {{cluster: k, user: me}}\n  name: me@k\ncurrent-context: me@k\nusers:\n\
             - name: other\n  user: {{token: x}}\n- name: me\n  user:\n    {user}\n"
        )
    }

    #[test]
    fn the_name_is_in_the_file_or_in_the_file_that_it_names() {
        let inline =
            format!("client-certificate-data: {}", STANDARD.encode(pem("system:node:w1.site.example")));
        let cases = [
            (inline.as_str(), None, Some("w1.site.example")),
            (&format!("client-certificate: {CURRENT}"), Some("system:node:w2"), Some("w2")),
            ("client-certificate: ../../var/lib/x.pem", None, None),
            (&format!("client-certificate: {CURRENT}"), Some("kubernetes-admin"), None),
            (&format!("client-certificate: {CURRENT}"), None, None),
            ("token: abc", None, None),
        ];
        for (user, named, want) in cases {
            let files = MemFiles::default();
            files.put(KUBELET_CONF, kubeconfig(user).as_bytes());
            if let Some(name) = named {
                files.put(CURRENT, pem(name).as_bytes());
            }
            assert_eq!(node_name(&files).as_deref(), want, "{user}");
        }
        assert_eq!(node_name(&MemFiles::default()), None, "not joined");
    }

    #[test]
    fn the_kubelets_link_leads_to_its_newest_file() {
        let root = tempfile::tempdir().unwrap();
        let files = podlift_host::real::RealFiles::open(root.path()).unwrap();
        let user = format!("client-certificate: {CURRENT}");
        files.write(Path::new(KUBELET_CONF), kubeconfig(&user).as_bytes(), 0o600).unwrap();
        let pki = Path::new(CURRENT).parent().unwrap();
        for (day, name) in [("2026-01-01-00-00-00", "old"), ("2026-11-02-00-00-00", "w1")] {
            let path = pki.join(format!("kubelet-client-{day}.pem"));
            files.write(&path, pem(&format!("system:node:{name}")).as_bytes(), 0o600).unwrap();
        }
        std::os::unix::fs::symlink("kubelet-client-2026-11-02-00-00-00.pem", root.path().join(&CURRENT[1..]))
            .unwrap();
        assert_eq!(node_name(&files).as_deref(), Some("w1"));
    }
}
