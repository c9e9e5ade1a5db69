//! Converts requests from the wire; each refusal names field, value and expectation.

use super::words;
use crate::core::{BackupAsk, Command, CoordinatorError, PlanAsk};
use jiff::Timestamp;
use podlift_common::wire::WireError;
use podlift_engine::Program;
use podlift_engine::doors::DrainOptions;
use podlift_engine::goals::Wanted;
use podlift_engine::program::{Approve, ContractError, GoalName, Limit, Order, Window};
use podlift_engine::view::{HealAsk, Selector};
use podlift_model::{Digest, NodeName, RunId, StepId};
use podlift_proto::v1;
use podlift_proto::v1::command_request::Verb;
use std::fmt::Display;
use std::str::FromStr;

pub(super) fn field<T: FromStr>(name: &'static str, text: &str) -> Result<T, WireError>
where
    T::Err: Display,
{
    text.parse().map_err(|e: T::Err| WireError::new(name, e))
}

/// Empty means none.
pub(super) fn run(text: &str) -> Result<Option<RunId>, WireError> {
    if text.is_empty() { Ok(None) } else { field("run", text).map(Some) }
}

/// Empty means none.
pub(super) fn backup_name(text: &str) -> Result<Option<RunId>, WireError> {
    if text.is_empty() { Ok(None) } else { field("name", text).map(Some) }
}

pub(super) fn backup(request: &v1::BackupRequest) -> Result<BackupAsk, WireError> {
    let without = request.without.iter().map(|n| field::<NodeName>("without", n));
    Ok(BackupAsk { name: backup_name(&request.name)?, without: without.collect::<Result<_, _>>()? })
}

pub(super) fn node(text: &str) -> Result<NodeName, WireError> {
    field("node", text)
}

pub(super) fn heal(request: &v1::HealRequest) -> Result<HealAsk, WireError> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let node = given(&request.node).map(|n| field("node", &n)).transpose()?;
    Ok(HealAsk { node, last: request.last as usize, id: given(&request.id) })
}

/// The goal of a request; an older client knows only upgrades.
pub(super) fn goal(number: i32) -> Result<GoalName, WireError> {
    Ok(match v1::Goal::try_from(number).map_err(|e| WireError::new("goal", e))? {
        v1::Goal::Unspecified | v1::Goal::Upgrade => GoalName::Upgrade,
        v1::Goal::Repair => GoalName::Repair,
    })
}

fn wanted(request: &v1::PlanRequest) -> Result<Wanted, WireError> {
    match goal(request.goal)? {
        GoalName::Upgrade => Ok(Wanted::Upgrade { to: field("to", &request.to)? }),
        GoalName::Repair if request.to.is_empty() => Ok(Wanted::Repair),
        GoalName::Repair => {
            let why = format!("{:?}, expected no version: a repair keeps the one that runs", request.to);
            Err(WireError::new("to", why))
        }
    }
}

pub(super) fn plan(request: &v1::PlanRequest) -> Result<PlanAsk, WireError> {
    let nodes = request.nodes.iter().map(|n| field::<NodeName>("nodes", n));
    let waivers = request.waivers.iter().map(|w| (w.check.clone(), w.reason.clone()));
    Ok(PlanAsk {
        goal: wanted(request)?,
        max_unavailable: limit(request)?,
        waivers: waivers.collect(),
        nodes: nodes.collect::<Result<_, _>>()?,
        approve: None,
        max_failed: match request.max_failed.as_str() {
            "" => None,
            text => Some(field::<Limit>("max_failed", text)?),
        },
        without: request.without.iter().map(|text| left_out(text)).collect::<Result<_, _>>()?,
        skip_unready: request.skip_unready,
        drain: drain(request.drain.unwrap_or_default()),
        fetch_parallel: (request.fetch_parallel > 0).then_some(request.fetch_parallel),
        no_step_aside: request.no_step_aside,
        resume_deferred: request.resume_deferred,
        canary: request.canary,
        canary_soak_seconds: soak(request)?,
        grow: request.grow,
        order: order(request.order)?,
        windows: request.windows.iter().map(|text| window(text)).collect::<Result<_, _>>()?,
        issues: words::issues(request)?,
    })
}

/// Without a canary there is nothing that others could wait for.
fn soak(request: &v1::PlanRequest) -> Result<Option<u32>, WireError> {
    match (request.canary, request.canary_soak_seconds) {
        (Some(0), Some(seconds)) if seconds > 0 => {
            let why = format!(
                "--canary-soak of {seconds} s with --canary 0: expected --canary 1 or more, or no --canary-soak"
            );
            Err(WireError::new("canary_soak_seconds", why))
        }
        (_, seconds) => Ok(seconds),
    }
}

/// `None` leaves the order to the policy.
fn order(number: i32) -> Result<Option<Order>, WireError> {
    let unknown = |_| {
        format!(
            "{number} is no order of --order that this coordinator knows: expected least-loss or as-planned"
        )
    };
    Ok(match v1::WorkerOrder::try_from(number).map_err(|e| WireError::new("order", unknown(e)))? {
        v1::WorkerOrder::Unspecified => None,
        v1::WorkerOrder::LeastLoss => Some(Order::LeastLoss),
        v1::WorkerOrder::AsPlanned => Some(Order::AsPlanned),
    })
}

/// The error of the text names the text and what was expected.
fn window(text: &str) -> Result<Window, WireError> {
    text.parse::<Window>().map_err(|e| WireError::new("windows", format!("--window: {e}")))
}

/// Workers that may be unavailable at once. A client of an older version sends a number only.
fn limit(request: &v1::PlanRequest) -> Result<Option<Limit>, WireError> {
    match (request.max_unavailable_limit.as_str(), request.max_unavailable) {
        ("", 0) => Ok(None),
        ("", number) => Ok(Some(Limit::Number(number))),
        (text, _) => field("max_unavailable_limit", text).map(Some),
    }
}

/// Empty means none.
fn until(text: &str) -> Result<Option<Timestamp>, WireError> {
    if text.is_empty() { Ok(None) } else { field("until", text).map(Some) }
}

/// The name of a node, or a selector of labels.
fn left_out(text: &str) -> Result<String, WireError> {
    if text.trim().is_empty() {
        return Err(WireError::new("without", "empty, expected the name of a node or a selector of labels"));
    }
    if NodeName::new(text).is_err() {
        field::<Selector>("without", text)?;
    }
    Ok(text.into())
}

/// A negative grace period means each pod's own, as in kubectl.
fn drain(options: v1::DrainOptions) -> DrainOptions {
    DrainOptions {
        grace_period_seconds: options.grace_period_seconds.filter(|seconds| *seconds >= 0),
        skip_wait_for_delete_seconds: options.skip_wait_for_delete_seconds,
        disable_eviction: options.disable_eviction,
        force: options.force,
    }
}

/// `None` leaves the value to the plan or the configuration.
pub(super) fn approve(request: &v1::StartRunRequest) -> Result<Option<Approve>, WireError> {
    Ok(match v1::Approve::try_from(request.approve).map_err(|e| WireError::new("approve", e))? {
        v1::Approve::Unspecified => None,
        v1::Approve::All => Some(Approve::All),
        v1::Approve::Phase => Some(Approve::Phase),
        v1::Approve::Batch => Some(Approve::Batch),
    })
}

/// A plan as a document; `None` if the request has none.
pub(super) fn kept(request: &v1::StartRunRequest) -> Result<Option<Program>, CoordinatorError> {
    if request.plan_json.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(&request.plan_json).map_err(|e| ContractError::NotAPlan(e.to_string()))?;
    Ok(Some(Program::from_json(text)?))
}

/// A name in the folder of archives; empty means none.
fn archive_file(text: &str) -> Result<Option<String>, WireError> {
    let plain = std::path::Path::new(text).file_name().is_some_and(|name| name == text);
    match (text.is_empty(), plain) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(text.into())),
        (false, false) => Err(WireError::new("target", format!("{text:?}, expected the name of a file"))),
    }
}

fn release(request: &v1::CommandRequest) -> Result<Command, WireError> {
    let (reason, force) = (request.reason.clone(), request.force);
    if force && reason.trim().is_empty() {
        return Err(WireError::new(
            "reason",
            "empty, expected why the node gets work although it is not whole",
        ));
    }
    Ok(Command::NodeRelease { node: field("target", &request.target)?, reason, force })
}

/// Most bytes of the reason of an override, as on the wire to the agent.
const REASON_BYTES: usize = 200;

/// An override without a reason is refused: the reason is all that a later reader has.
fn override_devices(request: &v1::CommandRequest) -> Result<Command, WireError> {
    let reason = request.reason.trim();
    if !(1..=REASON_BYTES).contains(&reason.len()) || reason.chars().any(char::is_control) {
        let text = format!("{:?}, expected 1 to {REASON_BYTES} bytes of printable text", request.reason);
        return Err(WireError::new("reason", text));
    }
    Ok(Command::OverrideDevices {
        node: field("override_devices", &request.override_devices)?,
        reason: reason.into(),
        step: if request.target.is_empty() { None } else { Some(field("target", &request.target)?) },
        repair_dpkg: request.repair_dpkg,
    })
}

pub(super) fn command(request: &v1::CommandRequest) -> Result<Command, WireError> {
    let reason = request.reason.clone();
    let (target, repair_dpkg) = (&request.target, request.repair_dpkg);
    Ok(match Verb::try_from(request.verb).map_err(|e| WireError::new("verb", e))? {
        Verb::Unspecified => return Err(WireError::missing("verb")),
        Verb::Pause => Command::Pause { reason, now: request.now },
        Verb::Resume => Command::Resume,
        Verb::Retry if !request.override_devices.is_empty() => override_devices(request)?,
        Verb::Retry if target.is_empty() => Command::Retry { step: None, repair_dpkg },
        Verb::Retry => Command::Retry { step: Some(field::<StepId>("target", target)?), repair_dpkg },
        Verb::Abort => Command::Abort { reason },
        Verb::Defer => {
            Command::Defer { node: field("target", target)?, reason, until: until(&request.until)? }
        }
        Verb::Include => Command::Include { node: field("target", target)? },
        Verb::Takeover => Command::Takeover,
        Verb::Adopt => Command::Adopt,
        Verb::Unwaive if target.is_empty() => {
            return Err(WireError::new("target", "empty, expected a check's name"));
        }
        Verb::Unwaive => Command::Unwaive { check: target.clone() },
        Verb::HealAccept => Command::HealAccept {
            node: field("target", target)?,
            component: field("component", &request.component)?,
            sha256: match request.sha256.as_str() {
                "" => None,
                text => Some(Digest::try_from(text.to_string()).map_err(|e| WireError::new("sha256", e))?),
            },
        },
        Verb::NodeLost => Command::NodeLost { node: field("target", target)? },
        Verb::NodeRelease => release(request)?,
        Verb::Set if target.is_empty() => {
            return Err(WireError::new("target", "empty, expected the name of an option: max-unavailable"));
        }
        Verb::Set => Command::Set { option: target.clone(), value: request.value.clone() },
        Verb::Attest => Command::Attest { name: target.clone(), note: reason },
        Verb::Approve => words::approval(request)?,
        Verb::Note => words::note(request)?,
        Verb::Archive => Command::Archive { before: field("target", target)? },
        Verb::VerifyArchive => Command::VerifyArchive { file: archive_file(target)? },
        Verb::HealApply => {
            let component = field("component", &request.component)?;
            Command::HealApply { node: field("target", target)?, component }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(change: impl FnOnce(&mut v1::PlanRequest)) -> Result<PlanAsk, WireError> {
        let mut request = v1::PlanRequest { to: "v1.32.9".into(), ..v1::PlanRequest::default() };
        change(&mut request);
        plan(&request)
    }

    #[test]
    fn a_request_of_an_older_client_has_the_options_of_the_configuration() {
        let plain = ask(|_| ()).unwrap();
        assert_eq!(plain, PlanAsk::to("v1.32.9".parse().unwrap()));
    }

    #[test]
    fn options_of_a_run_are_read_and_bad_ones_name_field_and_value() {
        let options = v1::DrainOptions {
            grace_period_seconds: Some(0),
            skip_wait_for_delete_seconds: 60,
            disable_eviction: true,
            force: true,
        };
        let full = ask(|r| {
            (r.max_failed, r.skip_unready, r.fetch_parallel) = ("5%".into(), true, 8);
            (r.drain, r.no_step_aside) = (Some(options), true);
            r.without = vec!["dgx031".into(), "rack=r7,!gpu".into()];
            (r.max_unavailable, r.max_unavailable_limit, r.resume_deferred) = (1, "10%".into(), true);
            (r.canary, r.canary_soak_seconds, r.grow) = (Some(2), Some(1800), Some(true));
            r.order = v1::WorkerOrder::AsPlanned as i32;
            r.windows = vec!["fri,sat 22:00-06:00 Europe/Berlin".into(), "22:00-06:00 UTC".into()];
        });
        let full = full.unwrap();
        assert_eq!((full.canary, full.canary_soak_seconds, full.grow), (Some(2), Some(1800), Some(true)));
        let windows: Vec<String> = full.windows.iter().map(ToString::to_string).collect();
        assert_eq!(full.order, Some(Order::AsPlanned));
        assert_eq!(windows, ["fri,sat 22:00-06:00 Europe/Berlin", "22:00-06:00 UTC"]);
        assert_eq!((full.max_failed, full.fetch_parallel), (Some(Limit::Percent(5)), Some(8)));
        assert_eq!((full.drain.grace_period_seconds, full.drain.skip_wait_for_delete_seconds), (Some(0), 60));
        assert!(full.drain.force && full.drain.disable_eviction && full.no_step_aside && full.skip_unready);
        assert_eq!(full.without.len(), 2);
        assert_eq!((full.max_unavailable, full.resume_deferred), (Some(Limit::Percent(10)), true));
        let older = ask(|r| r.max_unavailable = 3).unwrap();
        assert_eq!(older.max_unavailable, Some(Limit::Number(3)));
        let own = v1::DrainOptions { grace_period_seconds: Some(-1), ..v1::DrainOptions::default() };
        assert_eq!(ask(|r| r.drain = Some(own)).unwrap().drain, DrainOptions::default());
        for (change, field) in [
            ((|r| r.max_failed = "some".into()) as fn(&mut v1::PlanRequest), "max_failed"),
            (|r| r.max_failed = "0".into(), "max_failed"),
            (|r| r.max_unavailable_limit = "200%".into(), "max_unavailable_limit"),
            (|r| r.without = vec!["rack in (".into()], "without"),
            (|r| r.without = vec![String::new()], "without"),
            (|r| r.windows = vec!["friday night".into()], "--window"),
            (|r| r.windows = vec!["22:00-06:00 UTC".into(), String::new()], "--window"),
            (|r| r.order = 9, "--order"),
            (
                |r| (r.canary, r.canary_soak_seconds) = (Some(0), Some(60)),
                "--canary-soak of 60 s with --canary 0",
            ),
        ] {
            let error = ask(change).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn commands_on_nodes_need_their_words() {
        let of = |verb: Verb, target: &str| v1::CommandRequest {
            verb: verb as i32,
            target: target.into(),
            ..v1::CommandRequest::default()
        };
        let lost = command(&of(Verb::NodeLost, "runai-02")).unwrap();
        assert_eq!(lost, Command::NodeLost { node: "runai-02".parse().unwrap() });
        let dated = v1::CommandRequest { until: "2026-12-24T06:00:00Z".into(), ..of(Verb::Defer, "dgx030") };
        let until = "2026-12-24T06:00:00Z".parse().ok();
        assert!(matches!(command(&dated), Ok(Command::Defer { until: read, .. }) if read == until));
        let vague = v1::CommandRequest { until: "tomorrow".into(), ..dated };
        assert!(command(&vague).unwrap_err().to_string().contains("until"));
        let overridden = |node: &str, reason: &str| {
            let (override_devices, reason) = (node.into(), reason.into());
            command(&v1::CommandRequest { override_devices, reason, ..of(Verb::Retry, "") })
        };
        let held = overridden("dgx030", " a hung exporter ").unwrap();
        assert!(
            matches!(&held, Command::OverrideDevices { reason, step: None, .. } if reason == "a hung exporter")
        );
        for (node, reason, wrong) in [
            ("dgx030", " ", "reason"),
            ("dgx030", &"x".repeat(201), "reason"),
            ("a b", "x", "override_devices"),
        ] {
            let error = overridden(node, reason).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
        let forced = v1::CommandRequest { force: true, ..of(Verb::NodeRelease, "dgx030") };
        assert!(command(&forced).unwrap_err().to_string().contains("reason"));
        let said = v1::CommandRequest { reason: "mended".into(), ..forced };
        assert!(matches!(command(&said), Ok(Command::NodeRelease { force: true, .. })));
        assert!(command(&of(Verb::Set, "")).unwrap_err().to_string().contains("max-unavailable"));
        let now = v1::CommandRequest { now: true, ..of(Verb::Pause, "") };
        assert_eq!(command(&now).unwrap(), Command::Pause { reason: String::new(), now: true });
    }
}
