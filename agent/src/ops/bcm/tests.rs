//! Ops of a head node in memory, each through its own `observe`, `apply`, `conclude` and `settle`, with a BCM that answers as the test says.

mod api;
mod books;
mod fake;
mod images;
mod packages;
mod provisioning;
mod removal;
mod syncs;

use super::super::{Applied, Cx, implementation};
use crate::ledger::Accepted;
use crate::node::Node;
use crate::testing::BOOT;
use crate::units::Exit;
use fake::Fake;
use podlift_host::paths;
use podlift_model::bcm::BcmOp;
use podlift_model::{Failure, HostOp, OpId, OpOutput};
use podlift_tools::UnitSpec;

fn op_id() -> OpId {
    "op-1".parse().unwrap()
}

fn accepted(node: &Node, op: BcmOp) -> Accepted {
    Accepted {
        op: HostOp::Bcm(op),
        epoch: podlift_model::Epoch { number: 1, instance: "a".parse().unwrap() },
        boot: BOOT.parse().unwrap(),
        at: node.host.clock.now(),
        since_boot: node.host.clock.since_boot(),
    }
}

/// Runs an op as the executor does. `unit` is what the op's unit does: it gets the spec and returns its exit code and what it prints.
async fn run(fake: &Fake, op: BcmOp, unit: impl Fn(&UnitSpec) -> (i32, String)) -> Result<OpOutput, Failure> {
    let node = fake.node();
    let accepted = accepted(&node, op);
    let op_id = op_id();
    let cx = Cx { node: &node, op_id: &op_id, accepted: &accepted };
    let op = implementation(&accepted.op);
    let effect = async {
        if let Some(output) = op.observe(&cx).await? {
            return Ok(output);
        }
        match op.apply(&cx).await? {
            Applied::Done(output) => Ok(output),
            Applied::Unit(spec) => {
                assert!(op.is_unit(), "{spec:?}");
                let (code, text) = unit(&spec);
                fake.files.put(paths::op_log(&op_id), text.as_bytes());
                op.conclude(&cx, &exit(&node, code)).await
            }
        }
    };
    let effect = effect.await;
    let settled = op.settle(&cx).await;
    effect.and_then(|output| settled.map(|()| output))
}

fn exit(node: &Node, code: i32) -> Exit {
    let result = if code == 0 { "success" } else { "exit-code" };
    Exit {
        boot: BOOT.parse().unwrap(),
        at: node.host.clock.now(),
        result: result.into(),
        code: "exited".into(),
        status: code.to_string(),
    }
}

/// A unit that must not run.
fn no_unit(spec: &UnitSpec) -> (i32, String) {
    panic!("{spec:?}")
}

fn line(spec: &UnitSpec) -> String {
    format!("{} {}", spec.program, spec.args.join(" "))
}

async fn code(fake: &Fake, op: BcmOp, unit: impl Fn(&UnitSpec) -> (i32, String)) -> String {
    match run(fake, op, unit).await {
        Ok(output) => panic!("{output:?}"),
        Err(failure) => failure.code,
    }
}
