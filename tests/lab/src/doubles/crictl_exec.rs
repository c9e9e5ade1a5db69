//! `crictl exec --sync`: a command in a container of an ordinary pod. Any program is there and succeeds; a scenario's faults make it fail.

use super::ctx::Ctx;
use crate::world::What;

/// `crictl exec --sync --timeout N CONTAINER COMMAND…`; `args` begin with the verb.
pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let mut words = args.iter().skip(1);
    let mut container = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--timeout" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            id => {
                container = Some(id.to_string());
                break;
            }
        }
    }
    let command: Vec<String> = words.cloned().collect();
    let id = container.unwrap_or_default();
    let found = ctx.world.lock().ordinary_containers(&ctx.node).into_iter().find(|c| c.id == id);
    let Some(found) = found.filter(|_| !command.is_empty()) else {
        ctx.err(&format!("time=\"{}\" level=fatal msg=\"execing command in container {id} synchronously: rpc error: code = NotFound desc = container \\\"{id}\\\" in namespace \\\"k8s.io\\\": not found\"", ctx.world.clock.now()));
        return 1;
    };
    ctx.world.record(&ctx.node, What::Exec { pod: found.pod, command: command.join(" ") }, None);
    ctx.out("saved");
    0
}
