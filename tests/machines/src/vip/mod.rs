//! Real proxies in front of the API servers, on the head node as BCM has them: Debian's nginx (stream) and haproxy. Both are configured as
//! sites configure them, and know nothing of an upgrade.

mod figures;
mod probe;

pub use figures::{Away, away, figures};
pub use probe::{Counts, Probes};

use crate::configs::HEAD;
use crate::fleet::Fleet;
use crate::machine;

/// Name and port of each proxy.
pub const PROXIES: [(&str, u16); 2] = [("nginx", 6443), ("haproxy", 8443)];

/// Writes their configuration, and the coordinator's: it reaches the API through nginx. The fleet is not booted yet.
pub fn install(fleet: &Fleet) -> anyhow::Result<()> {
    let (head, shape) = (fleet.machine(HEAD), &fleet.world().shape);
    let servers: Vec<(String, String)> =
        shape.control_planes.iter().map(|n| (n.clone(), shape.address(n))).collect();
    head.write("/etc/nginx/nginx.conf", nginx(&servers), 0o644)?;
    head.write("/etc/haproxy/haproxy.cfg", haproxy(&servers), 0o644)?;
    for (name, _) in PROXIES {
        machine::enable_packaged(&head.root(), "multi-user.target", &format!("{name}.service"))?;
    }
    let through = format!("{}:{}", head.address, PROXIES[0].1);
    for file in ["coordinator.toml", "kubeconfig"] {
        let path = format!("/etc/podlift/{file}");
        let text = head.text(&path).replace(&shape.proxy, &through);
        // In place, so that the owner stays.
        std::fs::write(head.path(&path), text)?;
    }
    Ok(())
}

/// The proxy of BCM: TCP, round robin, the next server where one refuses.
fn nginx(servers: &[(String, String)]) -> String {
    let servers: String = servers
        .iter()
        .map(|(_, a)| format!("        server {a}:6443 max_fails=2 fail_timeout=5s;\n"))
        .collect();
    format!(
        "worker_processes 1;\npid /run/nginx.pid;\nerror_log syslog:server=unix:/dev/log;\n\
         include /etc/nginx/modules-enabled/*.conf;\nevents {{ worker_connections 1024; }}\n\
         stream {{\n    upstream kube_apiserver {{\n{servers}    }}\n    server {{\n        listen {};\n        \
         proxy_pass kube_apiserver;\n        proxy_connect_timeout 2s;\n        proxy_timeout 10m;\n    }}\n}}\n",
        PROXIES[0].1
    )
}

/// As kubeadm's guide for a highly available control plane has it (kubeadm `docs/ha-considerations.md`).
fn haproxy(servers: &[(String, String)]) -> String {
    let servers: String =
        servers.iter().map(|(name, a)| format!("    server {name} {a}:6443 check verify none\n")).collect();
    format!(
        "global\n    log /dev/log local0\n    maxconn 1000\n\ndefaults\n    mode tcp\n    log global\n    option redispatch\n    \
         retries 1\n    timeout connect 5s\n    timeout client 10m\n    timeout server 10m\n    timeout check 3s\n\n\
         frontend apiserver\n    bind *:{}\n    default_backend apiserverbackend\n\n\
         backend apiserverbackend\n    option httpchk\n    http-check connect ssl\n    http-check send meth GET uri /healthz\n    \
         http-check expect status 200\n    balance roundrobin\n{servers}",
        PROXIES[1].1
    )
}
