//! A real etcd of three members over TLS: its authority, a certificate for each member, one for the API servers, and a unit a machine.

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::net::IpAddr;

/// Where the members' own files are.
const DIR: &str = "/etc/etcd";

/// PEM of one leaf.
pub struct Leaf {
    pub certificate: String,
    pub key: String,
}

pub struct Authority {
    /// PEM.
    pub certificate: String,
    key: String,
}

impl Authority {
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "etcd-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Ok(Self { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
    }

    /// For a server at those addresses, which is a client of its peers, too.
    pub fn issue(&self, name: &str, addresses: &[&str]) -> anyhow::Result<Leaf> {
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, KeyPair::from_pem(&self.key)?)?;
        let mut params = CertificateParams::new(vec![name.to_string()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        for address in addresses {
            let ip: IpAddr = address.parse().with_context(|| format!("{address} is no address"))?;
            params.subject_alt_names.push(SanType::IpAddress(ip));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        Ok(Leaf { certificate: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() })
    }
}

/// What a member needs on its disk: path, text, mode.
pub fn files(
    authority: &Authority,
    name: &str,
    members: &[(String, String)],
) -> anyhow::Result<Vec<(String, String, u32)>> {
    let address = members.iter().find(|(n, _)| n == name).map(|(_, a)| a.as_str());
    let address = address.with_context(|| format!("{name} is no member"))?;
    let leaf = authority.issue(name, &[address, "127.0.0.1"])?;
    Ok(vec![
        (format!("{DIR}/ca.crt"), authority.certificate.clone(), 0o644),
        (format!("{DIR}/member.crt"), leaf.certificate, 0o644),
        // The unit's own user reads it; the machine is the test's.
        (format!("{DIR}/member.key"), leaf.key, 0o644),
        (format!("/etc/systemd/system/{}", FIRST.unit), unit(&FIRST, name, address, members), 0o644),
    ])
}

/// One of the clusters that a machine can have a member of.
pub struct Place {
    /// Not Debian's own, which is masked.
    pub unit: &'static str,
    /// Below /var/lib.
    pub state: &'static str,
    pub token: &'static str,
    pub client: u16,
    pub peer: u16,
    /// Plain HTTP on the loopback, metrics only.
    pub metrics: u16,
}

/// The cluster that the API servers begin with.
pub const FIRST: Place = Place {
    unit: "etcd-member.service",
    state: "etcd-member",
    token: "lab",
    client: 2379,
    peer: 2380,
    metrics: 2381,
};

/// Where a second cluster runs beside it.
pub const SECOND: Place = Place {
    unit: "etcd-second.service",
    state: "etcd-second",
    token: "second",
    client: 2479,
    peer: 2480,
    metrics: 2481,
};

/// The unit that writes where the node's API server would, by its manifest.
pub const LEASES: &str = "etcd-leases.service";

/// Kubelets renew their leases every ten seconds through the API servers, so that no revision of a cluster stands still. The lab's API
/// server stores nothing in etcd, and this unit writes in its place: path, text, mode.
pub fn leases(pki: &str) -> [(&'static str, String, u32); 2] {
    const SCRIPT: &str = "/usr/local/bin/etcd-leases";
    let tls = format!(
        "--cacert={pki}/etcd/ca.crt --cert={pki}/apiserver-etcd-client.crt --key={pki}/apiserver-etcd-client.key"
    );
    let script = format!(
        "#!/bin/sh -e\nat=$(sed -n 's/.*--etcd-servers=//p' /etc/kubernetes/manifests/kube-apiserver.yaml)\n\
         exec etcdctl --endpoints=\"$at\" {tls} put /registry/leases/kube-node-lease/$(hostname) \"$(date +%s)\"\n"
    );
    let unit = format!(
        "[Unit]\nDescription=Leases of kubelets, in etcd\nAfter={}\n\
         [Service]\nRestart=always\nRestartSec=5\nEnvironment=ETCDCTL_API=3\nExecStart={SCRIPT}\n\
         [Install]\nWantedBy=multi-user.target\n",
        FIRST.unit
    );
    [(SCRIPT, script, 0o755), ("/etc/systemd/system/etcd-leases.service", unit, 0o644)]
}

/// The unit of a member in its place.
pub fn unit(place: &Place, name: &str, address: &str, members: &[(String, String)]) -> String {
    let Place { state, token, client, peer, metrics, .. } = place;
    let cluster: Vec<String> = members.iter().map(|(n, a)| format!("{n}=https://{a}:{peer}")).collect();
    let tls = |prefix: &str| {
        format!(
            "--{prefix}cert-file={DIR}/member.crt --{prefix}key-file={DIR}/member.key --{prefix}trusted-ca-file={DIR}/ca.crt --{prefix}client-cert-auth"
        )
    };
    format!(
        "[Unit]\nDescription=etcd member {name} of {token}\nAfter=network.target\n\
         [Service]\nType=notify\nUser=etcd\nStateDirectory={state}\nRestart=always\nRestartSec=1\nTimeoutStartSec=0\n\
         Environment=ETCD_UNSUPPORTED_ARCH=arm64\n\
         ExecStart=/usr/bin/etcd --name={name} --data-dir=/var/lib/{state}/data \
         --listen-client-urls=https://{address}:{client},https://127.0.0.1:{client} --advertise-client-urls=https://{address}:{client} --listen-metrics-urls=http://127.0.0.1:{metrics} \
         --listen-peer-urls=https://{address}:{peer} --initial-advertise-peer-urls=https://{address}:{peer} \
         --initial-cluster={} --initial-cluster-token={token} {} {}\n\
         [Install]\nWantedBy=multi-user.target\n",
        cluster.join(","),
        tls(""),
        tls("peer-")
    )
}
