//! `[bcm]` of agent.toml.

use super::InvalidSetting;
use podlift_common::config::duration;
use podlift_host::{FileKind, Files};
use podlift_tools::bcm::Cmdaemon;
use podlift_tools::bcm::api::Api;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Work with BCM on a head node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bcm {
    /// Time between two looks at CMDaemon's tasks; two looks in a row without one end a wait. CMDaemon starts its second task some seconds
    /// after the first has ended. "10s"
    #[serde(with = "duration")]
    pub settle: Duration,
    /// CMDaemon's JSON API. With it, provisioning and updates of nodes use the API, and cmsh does the rest. Without it, all use cmsh.
    pub api: Option<BcmApi>,
}

impl Default for Bcm {
    fn default() -> Self {
        Self { settle: Duration::from_secs(10), api: None }
    }
}

impl Bcm {
    pub fn cmdaemon(&self) -> Cmdaemon {
        match &self.api {
            None => Cmdaemon::Cmsh,
            Some(BcmApi(api)) => Cmdaemon::Api(api.clone()),
        }
    }
}

/// `[bcm.api]`: all four settings, of which the files are looked at when the agent starts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct BcmApi(Api);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// "https://127.0.0.1:8081"
    url: Option<String>,
    /// Of a profile that has the calls cmdevice.getNodes, cmpart.getSoftwareImages, cmprov.getProvisioningStatus and cmprov.imageUpdate.
    certificate: Option<PathBuf>,
    /// Readable by root only.
    key: Option<PathBuf>,
    /// The CA of CMDaemon's own certificate.
    ca: Option<PathBuf>,
}

/// A table that names no API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApi {
    #[error(
        "bcm.api.{0} is not set: expected url, certificate, key and ca together, or no [bcm.api] at all, so that cmsh is used"
    )]
    Missing(&'static str),
    #[error(
        "bcm.api.url = {0:?} is not valid: expected https, the name or address of the head node as its certificate has it, and the port, for example \"https://127.0.0.1:8081\""
    )]
    Url(String),
    #[error("bcm.api.{0} = {1:?} is not valid: expected an absolute path of a PEM file")]
    Path(&'static str, PathBuf),
}

impl TryFrom<Table> for BcmApi {
    type Error = InvalidApi;
    fn try_from(table: Table) -> Result<Self, InvalidApi> {
        let url = table.url.ok_or(InvalidApi::Missing("url"))?;
        let file = |field: &'static str, path: Option<PathBuf>| match path {
            None => Err(InvalidApi::Missing(field)),
            Some(path) if path.is_absolute() => Ok(path),
            Some(path) => Err(InvalidApi::Path(field, path)),
        };
        let certificate = file("certificate", table.certificate)?;
        let (key, ca) = (file("key", table.key)?, file("ca", table.ca)?);
        let endpoint = endpoint(&url).ok_or_else(|| InvalidApi::Url(url.clone()))?;
        Ok(Self(Api::new(endpoint, certificate, key, ca)))
    }
}

/// `HOST:PORT` of `https://HOST:PORT`.
fn endpoint(url: &str) -> Option<&str> {
    let endpoint = url.strip_prefix("https://")?;
    let endpoint = endpoint.strip_suffix('/').unwrap_or(endpoint);
    let (host, port) = endpoint.rsplit_once(':')?;
    let name = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (c == ':' && name != host);
    let valid = !name.is_empty() && name.chars().all(plain) && port.parse::<u16>().is_ok_and(|p| p > 0);
    valid.then_some(endpoint)
}

impl BcmApi {
    /// Checks that the files are there, and that nobody but root can read the key.
    pub(crate) fn check(&self, files: &dyn Files) -> Result<(), InvalidSetting> {
        let Self(api) = self;
        let wrong = |field, path: &Path, expected| {
            Err(InvalidSetting { field, value: path.display().to_string(), expected })
        };
        let all = [
            ("bcm.api.certificate", api.certificate()),
            ("bcm.api.key", api.key()),
            ("bcm.api.ca", api.ca()),
        ];
        for (field, path) in all {
            if !files.stat(path).is_ok_and(|stat| stat.kind == FileKind::Regular) {
                return wrong(field, path, "a file that exists and is no symbolic link");
            }
        }
        match files.stat(api.key()) {
            Ok(stat) if stat.mode & 0o077 == 0 && (stat.uid == 0 || stat.uid == files.own_uid()) => Ok(()),
            _ => wrong("bcm.api.key", api.key(), "a file of root that only root can read (chmod 0600)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::MemFiles;

    const FILES: [&str; 3] =
        ["/etc/podlift/bcm/api.crt", "/etc/podlift/bcm/api.key", "/etc/podlift/bcm/ca.crt"];

    fn parse(text: &str) -> Result<Bcm, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_string())
    }

    fn whole(url: &str) -> String {
        let [certificate, key, ca] = FILES;
        format!("[api]\nurl = \"{url}\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nca = \"{ca}\"\n")
    }

    #[test]
    fn without_a_table_cmsh_is_used() {
        assert_eq!(parse("settle = \"1s\"\n").unwrap().cmdaemon(), Cmdaemon::Cmsh);
        let [certificate, key, ca] = FILES.map(PathBuf::from);
        let want = Cmdaemon::Api(Api::new("10.141.255.254:8081", certificate, key, ca));
        assert_eq!(parse(&whole("https://10.141.255.254:8081")).unwrap().cmdaemon(), want);
    }

    #[test]
    fn each_setting_that_is_missing_or_wrong_is_named() {
        let all = whole("https://head-01:8081");
        for field in ["url", "certificate", "key", "ca"] {
            let rest: String = all
                .lines()
                .filter(|l| !l.starts_with(&format!("{field} =")))
                .map(|l| format!("{l}\n"))
                .collect();
            let why = parse(&rest).unwrap_err();
            assert!(
                why.starts_with(&format!("bcm.api.{field} is not set: expected url, certificate")),
                "{why}"
            );
        }
        let relative = parse(&all.replace("/etc/podlift/bcm/api.key", "api.key")).unwrap_err();
        assert!(relative.starts_with("bcm.api.key = \"api.key\" is not valid"), "{relative}");
        assert!(parse(&format!("{all}user = \"x\"\n")).unwrap_err().contains("unknown field `user`"));
        for url in [
            "http://head-01:8081",
            "head-01:8081",
            "https://head-01",
            "https://:8081",
            "https://head-01:0",
            "https://head-01:99999",
            "https://head-01:8081/json",
            "https://user@head-01:8081",
            "https://a b:8081",
        ] {
            let why = parse(&whole(url)).unwrap_err();
            assert!(why.starts_with(&format!("bcm.api.url = {url:?} is not valid: expected https")), "{why}");
        }
        for url in ["https://head-01.cm.cluster:8081", "https://[fe80::1]:8081", "https://127.0.0.1:8081/"] {
            assert!(parse(&whole(url)).is_ok(), "{url}");
        }
    }

    #[test]
    fn files_that_are_missing_or_a_key_that_others_can_read() {
        let api = parse(&whole("https://head-01:8081")).unwrap().api.unwrap();
        for (missing, field) in FILES.into_iter().zip(["bcm.api.certificate", "bcm.api.key", "bcm.api.ca"]) {
            let files = MemFiles::default();
            FILES.iter().filter(|f| **f != missing).for_each(|f| files.put(f, b"x"));
            let error = api.check(&files).unwrap_err();
            assert_eq!((error.field, error.value.as_str()), (field, missing));
        }
        let files = MemFiles::default();
        FILES.iter().for_each(|f| files.put(f, b"x"));
        assert_eq!(api.check(&files), Ok(()));
        for (mode, uid, ok) in [(0o400, 0, true), (0o640, 0, false), (0o604, 0, false), (0o600, 1000, false)]
        {
            files.restat(FILES[1], |stat| (stat.mode, stat.uid) = (mode, uid));
            let error = api.check(&files).err().map(|e| e.field);
            assert_eq!(error.is_none(), ok, "{mode:o} {uid}: {error:?}");
        }
        files.restat(FILES[1], |stat| (stat.mode, stat.uid, stat.kind) = (0o600, 0, FileKind::Symlink));
        assert_eq!(api.check(&files).unwrap_err().field, "bcm.api.key");
    }
}
