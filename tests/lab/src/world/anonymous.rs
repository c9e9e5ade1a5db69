//! Whether an API server answers a client without credentials: `--anonymous-auth`, and the `anonymous` of its authentication
//! configuration (`pkg/kubeapiserver/authenticator/config.go`).

use crate::disk::Disk;
use podlift_model::command::CommandLine;
use serde_json::Value;

/// By the command line that it runs with, on its node's disk.
pub fn allowed(disk: &dyn Disk, words: &[String], path: &str) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let line = CommandLine::read("kube-apiserver", &words).unwrap_or_default();
    let last = |name: &str| line.uses(name).last().map(|f| f.value.clone());
    if last("anonymous-auth")
        .is_some_and(|v| matches!(v.as_str(), "false" | "False" | "FALSE" | "f" | "F" | "0"))
    {
        return false;
    }
    let config = last("authentication-config").map(|file| disk.text(&file)).unwrap_or_default();
    let config: Value = serde_saphyr::from_str(&config).unwrap_or_default();
    conditions_allow(&config["anonymous"], path.split('?').next().unwrap_or_default())
}

fn conditions_allow(anonymous: &Value, path: &str) -> bool {
    let paths = anonymous["conditions"].as_array();
    let named = |paths: &Vec<Value>| paths.is_empty() || paths.iter().any(|c| c["path"] == path);
    anonymous["enabled"] != false && paths.is_none_or(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Shape, World};
    use std::path::Path;

    const CONFIG: &str = "apiVersion: apiserver.config.k8s.io/v1beta1\nkind: AuthenticationConfiguration\nanonymous:\n  enabled: true\n  conditions:\n  - path: /livez\n";

    #[tokio::test(start_paused = true)]
    async fn by_flag_and_by_configuration() {
        let world =
            World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
        let disk = world.disk("cp");
        disk.put_synced(Path::new("/etc/kubernetes/authentication.yaml"), CONFIG.as_bytes(), 0o600).unwrap();
        let with_config = "--authentication-config=/etc/kubernetes/authentication.yaml";
        let cases = [
            ("--v=2", "/readyz", true),
            ("--anonymous-auth=false", "/livez", false),
            ("--anonymous_auth=false", "/readyz", false),
            (with_config, "/readyz?verbose", false),
            (with_config, "/livez?verbose", true),
        ];
        for (flag, path, want) in cases {
            let words = ["kube-apiserver".to_string(), flag.to_string()];
            assert_eq!(allowed(disk.as_ref(), &words, path), want, "{flag} {path}");
        }
    }
}
