//! The examples are valid, defaults are as documented, and bad values are refused by name.

#![allow(clippy::disallowed_methods)] // a test writes the file that it reads

use super::*;
use podlift_common::config::parse;
use std::path::Path;

#[test]
fn the_examples_are_configurations() {
    let example = Path::new("example.toml");
    let text = include_str!("../../../deploy/config/coordinator.toml");
    parse::<Config>(text, example).unwrap();
    let settings = [
        "journal",
        "poll",
        "probe_interval",
        "read_interval",
        "heartbeat",
        "max_unavailable",
        "canary",
        "canary_soak",
        "drain",
        "soak",
        "aside",
        "guard",
        "wait",
        "survey",
        "site_gates",
        "reflection",
        "listen",
        "otlp_endpoint",
        "directory",
        "keep",
        "runai_namespaces",
        "default_certificate",
        "mode",
        "interval",
        "expires-within-days",
        "image",
    ];
    let all =
        settings.iter().fold(text.to_string(), |t, s| t.replace(&format!("# {s} ="), &format!("{s} =")));
    let shown = parse::<Config>(&all, example).unwrap();
    assert_eq!(
        format!("{:?}", shown.plan),
        format!("{:?}", Plan::default()),
        "the example shows other defaults"
    );
    assert_eq!(shown.metrics.listen, Metrics::default().listen, "the example shows another default");
    let (of, own) = (&shown.backup, BackupSettings::default());
    assert_eq!(
        (&of.directory, of.keep, &of.runai_namespaces),
        (&own.directory, own.keep, &own.runai_namespaces),
        "the example shows other defaults"
    );
    assert_eq!(shown.sentinel, SentinelSettings::default(), "the example shows other defaults");
    assert_eq!(shown.validate.soak, ValidateSettings::default().soak, "the example shows another default");
    assert!(shown.validate.image.is_some());
    assert!(of.recipients.is_empty() && of.default_certificate.is_some());
    assert!(
        !shown.server.reflection && shown.telemetry.otlp_endpoint.is_some(),
        "the example shows the options"
    );
}

const SMALL: &str = r#"
cluster = "runaicluster"
name = "head-1"
listen = "10.141.255.254:7443"
[kubernetes]
kubeconfig = "/etc/podlift/kubeconfig"
ca = "/etc/podlift/kubernetes-ca.crt"
vip = "10.141.255.254:10443"
"#;

#[test]
fn bcm_is_asked_only_where_it_is_configured() {
    let read = |extra: &str| parse::<Config>(&format!("{SMALL}{extra}"), Path::new("x.toml")).unwrap().bcm;
    assert!(read("").is_none());
    assert_eq!(read("[bcm]\nhead = \"head-01\"").unwrap().head.as_str(), "head-01");
}

#[test]
fn images_are_the_way_of_an_upgrade_unless_the_site_says_otherwise() {
    for (extra, images) in [
        ("", true),
        ("[bcm]\nhead = \"head-01\"", true),
        ("[bcm]\nhead = \"head-01\"\nimages = true", true),
        ("[bcm]\nhead = \"head-01\"\nimages = false", false),
    ] {
        let config: Config = parse(&format!("{SMALL}{extra}"), Path::new("x.toml")).unwrap();
        assert_eq!(config.settings(None).options.images, images, "{extra}");
    }
}

/// The text with each line `# key = …` and `# [table]` as a setting.
fn uncommented(text: &str) -> String {
    let setting = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let key = rest.split(' ').next()?;
        (rest.starts_with('[') || rest[key.len()..].starts_with(" = ")).then(|| rest.to_string())
    };
    text.lines().map(|line| setting(line).unwrap_or_else(|| line.into()) + "\n").collect()
}

#[test]
fn what_the_site_decides_comes_before_what_the_plan_section_says() {
    let text = include_str!("../../../deploy/config/policy.toml");
    let policy: SitePolicy = parse(&uncommented(text), Path::new("policy.toml")).unwrap();
    policy.validate().unwrap();
    let rollout = &policy.rollout;
    assert!(rollout.max_unavailable.is_some() && rollout.topology.is_some(), "the example shows the options");
    assert_eq!((rollout.groups.len(), rollout.windows.len()), (1, 1), "the example shows the options");
    assert_eq!(parse::<SitePolicy>(text, Path::new("policy.toml")).unwrap(), SitePolicy::default());
    let own = SitePolicy::default();
    assert_eq!(
        (&policy.site_gates, &policy.never_interrupt, policy.soft_taint, policy.checkpoints, &rollout.gangs),
        (&own.site_gates, &own.never_interrupt, own.soft_taint, own.checkpoints, &own.rollout.gangs),
        "the example shows other defaults"
    );
    assert_eq!(
        (policy.skew, policy.image_order, policy.interactive_warning_seconds),
        (own.skew, own.image_order, own.interactive_warning_seconds),
        "the example shows other defaults"
    );
    let config: Config =
        parse(&format!("{SMALL}[plan]\nsite_gates = [\"Other\"]"), Path::new("x.toml")).unwrap();
    assert_eq!(config.settings(None).options.site_gates, ["Other"]);
    let options = config.settings(Some(&policy)).options;
    assert_eq!(options.site_gates, SitePolicy::default().site_gates);
    assert_eq!(options.required_attestations, policy.required_attestations);
    assert_eq!(options.ask_items, ["service-restore"]);
    assert_eq!(options.batches, Some(policy.rollout));
}

#[test]
fn a_wrong_rollout_names_file_field_value_and_expectation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    for (text, wants) in [
        ("[rollout]\nmax-unavailable = 0", ["max-unavailable = 0", "\"0\" is no limit: expected"]),
        (
            "[rollout]\nmax-unavailable = \"200%\"",
            ["max-unavailable = \"200%\"", "\"200%\" is no limit: expected"],
        ),
        ("[rollout]\nmax-unavailable = nan", ["max-unavailable = nan", "expected"]),
        ("[rollout]\nmax-unavailible = 1", ["unknown field", "max-unavailible"]),
        (
            "[[rollout.groups]]\nname = \"a\"\nselector = \"rack\"\nmax-unavailable = 1",
            ["rollout.groups[0].selector", "\"rack\" is no selector: expected"],
        ),
        (
            "[[rollout.windows]]\nfrom = \"22:00\"\nto = \"25:00\"\nzone = \"UTC\"",
            ["rollout.windows[0].to", "\"25:00\" is no time of a day"],
        ),
        ("[rollout.gangs]\ntoo-large = \"kill\"", ["kill", "expected"]),
        ("[issues]\nask = [\"services\"]", ["issues.ask", "expected one of"]),
    ] {
        podlift_common::durable::write(&path, text.as_bytes(), 0o600).unwrap();
        let error = format!("{:#}", crate::server::site_policy(&path).unwrap_err());
        let file = path.display().to_string();
        assert!(wants.iter().all(|want| error.contains(want)) && error.contains(&file), "{text}: {error}");
    }
}

#[test]
fn what_is_not_given_has_a_default() {
    let config: Config = parse(SMALL, Path::new("/etc/podlift/coordinator.toml")).unwrap();
    let mut options = PlanOptions::default();
    SitePolicy::default().roll_out(&mut options);
    assert_eq!(config.settings(None).options, options);
    assert!(options.batches.is_some() && options.soft_taint && options.checkpoints);
    assert_eq!(config.journal, Path::new("/var/lib/podlift/coordinator/journal.db"));
}

#[test]
fn bad_values_are_refused_with_what_was_expected() {
    for (extra, want) in [
        (
            "[metrics]\nlisten = \"everywhere\"",
            "metrics.listen = \"everywhere\" is not valid: expected an address",
        ),
        (
            "[telemetry]\notlp_endpoint = \"https://x:1\"",
            "telemetry.otlp_endpoint = \"https://x:1\" is not valid",
        ),
        ("[server]\nreflection = \"yes\"", "expected a boolean"),
        ("[bcm]", "bcm.head is missing: set [bcm] head"),
        ("[bcm]\nhead = \"head-01\"\nimages = \"yes\"", "expected a boolean"),
        ("[bcm]\nsocket = \"/run/podlift/bcm.sock\"", "bcm.socket is gone"),
        ("[backup]\nrecipients = [\"age1nope\"]", "is not an age recipient: expected age1"),
        ("[backup]\nkeep = 0", "expected a nonzero u32"),
        ("[plan]\nmax_unavailable = 0", "expected a nonzero u32"),
        ("[plan]\nmax_unavailable = \"10%\"", "expected a nonzero u32"),
        ("[backup]\ndefault_certificate = \"tls\"", "names no object: expected NAMESPACE/NAME"),
    ] {
        let text = format!("{SMALL}{extra}");
        let e = parse::<Config>(&text, Path::new("/etc/podlift/coordinator.toml")).unwrap_err().to_string();
        assert!(e.contains(want) && e.contains("/etc/podlift/coordinator.toml"), "{e}");
    }
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for extra in [
        "tiem = 1",
        "[run]\npol = \"1s\"",
        "[plan]\ncanaries = 2",
        "[tls]\ncert = \"x\"",
        "[server]\nreflect = true",
        "[bcm]\ncommand = \"cmsh\"",
        "[backup]\nrecipient = \"age1\"",
    ] {
        let text = format!("{SMALL}{extra}");
        let e = parse::<Config>(&text, Path::new("/etc/podlift/coordinator.toml")).unwrap_err().to_string();
        assert!(e.contains("unknown field") && e.contains("/etc/podlift/coordinator.toml"), "{e}");
    }
}

#[test]
fn the_unit_of_an_instance_differs_from_the_plain_one_in_its_name_alone() {
    let plain = include_str!("../../../deploy/systemd/podlift-coordinator.service");
    let instance = include_str!("../../../deploy/systemd/podlift-coordinator@.service");
    let settings = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(String::from).collect()
    };
    let (plain, instance) = (settings(plain), settings(instance));
    assert_eq!(plain.len(), instance.len());
    let other: Vec<&str> =
        instance.iter().zip(&plain).filter(|(a, b)| a != b).map(|(a, _)| a.as_str()).collect();
    assert_eq!(
        other,
        [
            "Description=podlift coordinator of cluster %i: plans and runs upgrades of Kubernetes",
            "ConditionPathExists=/etc/podlift/coordinator-%i.toml",
            "ExecStart=/usr/bin/podlift-coordinator --config /etc/podlift/coordinator-%i.toml",
            "StateDirectory=podlift/coordinator-%i podlift/backups-%i",
        ]
    );
}
