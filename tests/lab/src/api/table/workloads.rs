//! What makes pods.

use super::{AGE, Column, NAME, Printer, name, number, pairs, selector, text, wide};
use serde_json::{Value, json};

const CONTAINERS: Column = wide("Containers");
const IMAGES: Column = wide("Images");
const SELECTOR: Column = wide("Selector");

fn count(v: &Value) -> i64 {
    v.as_i64().unwrap_or(0)
}

/// One field of each container of the template.
fn of_containers(v: &Value, field: &str) -> Value {
    let all = v["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    json!(all.filter_map(|c| c[field].as_str()).collect::<Vec<_>>().join(","))
}

pub const DEPLOYMENTS: Printer = Printer {
    columns: &[
        NAME,
        text("Ready"),
        number("Up-to-date"),
        number("Available"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |v, now| {
        let s = &v["status"];
        vec![
            name(v),
            json!(format!("{}/{}", count(&s["readyReplicas"]), count(&v["spec"]["replicas"]))),
            json!(count(&s["updatedReplicas"])),
            json!(count(&s["availableReplicas"])),
            now.age(v),
            of_containers(v, "name"),
            of_containers(v, "image"),
            json!(selector(&v["spec"]["selector"])),
        ]
    },
};

pub const DAEMON_SETS: Printer = Printer {
    columns: &[
        NAME,
        number("Desired"),
        number("Current"),
        number("Ready"),
        number("Up-to-date"),
        number("Available"),
        text("Node Selector"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |v, now| {
        let s = &v["status"];
        let mut cells = vec![name(v)];
        let counts = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ];
        cells.extend(counts.map(|c| json!(count(&s[c]))));
        cells.extend([
            json!(pairs(&v["spec"]["template"]["spec"]["nodeSelector"])),
            now.age(v),
            of_containers(v, "name"),
            of_containers(v, "image"),
            json!(selector(&v["spec"]["selector"])),
        ]);
        cells
    },
};

pub const REPLICA_SETS: Printer = Printer {
    columns: &[
        NAME,
        number("Desired"),
        number("Current"),
        number("Ready"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |v, now| {
        vec![
            name(v),
            json!(count(&v["spec"]["replicas"])),
            json!(count(&v["status"]["replicas"])),
            json!(count(&v["status"]["readyReplicas"])),
            now.age(v),
            of_containers(v, "name"),
            of_containers(v, "image"),
            json!(selector(&v["spec"]["selector"])),
        ]
    },
};

pub const STATEFUL_SETS: Printer = Printer {
    columns: &[NAME, text("Ready"), AGE, CONTAINERS, IMAGES],
    cells: |v, now| {
        let ready = format!("{}/{}", count(&v["status"]["readyReplicas"]), count(&v["spec"]["replicas"]));
        vec![name(v), json!(ready), now.age(v), of_containers(v, "name"), of_containers(v, "image")]
    },
};

pub const JOBS: Printer = Printer {
    columns: &[
        NAME,
        text("Status"),
        text("Completions"),
        text("Duration"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |v, now| {
        let is = |kind: &str| {
            let mut all = v["status"]["conditions"].as_array().into_iter().flatten();
            all.any(|c| c["type"] == kind && c["status"] == "True")
        };
        let state = ["Complete", "Failed", "Suspended"].into_iter().find(|k| is(k)).unwrap_or("Running");
        let done = format!("{}/{}", count(&v["status"]["succeeded"]), count(&v["spec"]["completions"]));
        let lasted = match (&v["status"]["startTime"], &v["status"]["completionTime"]) {
            (Value::Null, _) => String::new(),
            (start, Value::Null) => now.since(start),
            (start, end) => end
                .as_str()
                .and_then(|e| e.parse().ok())
                .map_or_else(String::new, |e| super::Now(e).since(start)),
        };
        vec![
            name(v),
            json!(state),
            json!(done),
            json!(lasted),
            now.age(v),
            of_containers(v, "name"),
            of_containers(v, "image"),
            json!(selector(&v["spec"]["selector"])),
        ]
    },
};
