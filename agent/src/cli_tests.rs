//! The command line, and which parts of a configured agent stay down for which reason.

use super::*;
use crate::daemon::{configuration, link};
use crate::down::Down;
use crate::keeper::Keeper;
use crate::units::read_exit;
use crate::{Agent, Seams};

#[test]
fn the_command_line_is_sound() {
    Args::command().debug_assert();
}

/// A root folder with a configuration for dgx030 and a certificate for `uri`.
fn rooted(uri: &str, extra: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        podlift_common::durable::write(&root.path().join(path), text.as_bytes(), 0o600).unwrap()
    };
    let now = SystemClock.now();
    let ca = tls::ca::init(&"runaicluster".parse().unwrap(), now).unwrap();
    let leaf = tls::ca::issue(&ca, &uri.parse().unwrap(), &[], 2, now).unwrap();
    put("etc/podlift/tls/ca.crt", &ca.certificate);
    put("etc/podlift/tls/agent.crt", &leaf.certificate);
    put("etc/podlift/tls/agent.key", &leaf.key);
    put(
        "etc/podlift/agent.toml",
        &format!("node = \"dgx030\"\ncluster = \"runaicluster\"\ncoordinator = \"127.0.0.1:1\"\n{extra}"),
    );
    root
}

fn arguments(root: &tempfile::TempDir) -> Args {
    Args::parse_from(["podlift-agent", "--root", &root.path().display().to_string()])
}

/// The reason why session or executor are down.
fn down(root: &tempfile::TempDir) -> Down {
    tls::install_provider();
    let args = arguments(root);
    let config = match configuration(&below(&args.root, &args.config)) {
        Ok(config) => config,
        Err(down) => return down,
    };
    let host = real::host(root.path(), &[]).unwrap();
    let keeper = Keeper::open(host, config.heal.clone(), &config.node, false);
    match link(root.path(), &config) {
        Err(down) => down,
        Ok(_) => Agent::beside(keeper, config, Seams::default()).err().unwrap().into(),
    }
}

#[test]
fn what_can_not_work_is_said_with_a_word_for_the_label() {
    let other = down(&rooted("spiffe://podlift/runaicluster/node/dgx031", ""));
    assert!(
        other.message.contains("speaks for spiffe://podlift/runaicluster/node/dgx031, expected spiffe://podlift/runaicluster/node/dgx030"),
        "{other}"
    );
    let own = "spiffe://podlift/runaicluster/node/dgx030";
    let unknown = down(&rooted(own, "speed = 1\n"));
    assert!(unknown.why == "config" && unknown.message.contains("unknown field `speed`"), "{unknown}");
    let setting = down(&rooted(own, "[ops]\npoll = \"0s\"\n"));
    assert!(setting.message.contains("ops.poll"), "{setting}");
    let keyless = rooted(own, "");
    let foreign = rooted(own, "");
    let key = "etc/podlift/tls/agent.key";
    std::fs::copy(foreign.path().join(key), keyless.path().join(key)).unwrap();
    let keyless = down(&keyless);
    assert!(
        keyless.why == "tls"
            && keyless.message.contains("do not fit each other")
            && keyless.message.contains("podlift cert issue"),
        "{keyless}"
    );
    // No machine-id below this root.
    let machine = down(&rooted(own, ""));
    assert!(
        machine.why == "machine-id" && machine.message.contains("/etc/machine-id can't be read"),
        "{machine}"
    );
    let empty = run(&arguments(&tempfile::tempdir().unwrap())).unwrap_err();
    assert!(format!("{empty:#}").contains("--config"), "{empty:#}");
}

#[test]
fn systemd_can_record_an_exit() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().display().to_string();
    let words = [
        "podlift-agent",
        "--root",
        &dir,
        "record-exit",
        "op-1",
        "--result",
        "exit-code",
        "--code",
        "exited",
        "--status",
        "100",
    ];
    assert_eq!(main(words.map(OsString::from)), ExitCode::SUCCESS);
    let host = real::host(root.path(), &[]).unwrap();
    let exit = read_exit(host.files.as_ref(), &OpId::new("op-1").unwrap()).unwrap().unwrap();
    assert_eq!(
        (exit.exit_code(), exit.success(), exit.describe().as_str()),
        (Some(100), false, "exited 100")
    );
    assert_eq!(main(["podlift-agent", "record-exit", "../x"].map(OsString::from)), ExitCode::from(2));
}
