//! The pair's own CA, server and administrator certificates, and the key that signs service account tokens.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::path::{Path, PathBuf};

pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// Written into a folder.
    pub fn make(dir: &Path) -> Self {
        let files = Self { dir: dir.to_path_buf() };
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::from_ca_cert_pem(&ca, key).unwrap();
        files.write("ca.crt", &ca);
        let mut server = named("kube-apiserver", None, ExtendedKeyUsagePurpose::ServerAuth);
        server.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        files.signed("server", server, &issuer);
        let admin = named("podlift-test", Some("system:masters"), ExtendedKeyUsagePurpose::ClientAuth);
        files.signed("admin", admin, &issuer);
        files.write("accounts.key", &KeyPair::generate().unwrap().serialize_pem());
        files
    }

    fn signed(&self, name: &str, params: CertificateParams, issuer: &Issuer<'_, KeyPair>) {
        let key = KeyPair::generate().unwrap();
        self.write(&format!("{name}.crt"), &params.signed_by(&key, issuer).unwrap().pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.join(name), text).unwrap();
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// A kubeconfig for a server: the administrator's, or a stranger's.
    pub fn kubeconfig(&self, server: &str, name: &str, admin: bool) -> PathBuf {
        let user = match admin {
            true => format!(
                "{{client-certificate: '{}', client-key: '{}'}}",
                self.path("admin.crt"),
                self.path("admin.key")
            ),
            false => "{}".into(),
        };
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: t\ncontexts: [{{name: t, context: {{cluster: t, user: t}}}}]\n\
             clusters: [{{name: t, cluster: {{server: 'https://{server}', certificate-authority: '{}'}}}}]\nusers: [{{name: t, user: {user}}}]\n",
            self.path("ca.crt")
        );
        self.write(name, &text);
        self.dir.join(name)
    }
}

fn named(name: &str, group: Option<&str>, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![usage];
    params
}
