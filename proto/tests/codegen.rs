//! The checked-in code is what the .proto files generate, and no field number is ever reused.
//! `PODLIFT_BLESS=1 cargo test -p podlift-proto` writes both anew.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test reads and writes its own files

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use std::path::{Path, PathBuf};

/// The kubelet's API that the agent asks.
const PODRESOURCES: &str = "kubelet/podresources/v1/api.proto";
const FILES: [&str; 3] = ["podlift/v1/types.proto", "podlift/v1/agent.proto", "podlift/v1/control.proto"];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn blessing() -> bool {
    std::env::var_os("PODLIFT_BLESS").is_some()
}

fn generate(files: &[&str], out: &Path) {
    let fds = protox::compile(files, [here()]).expect("the .proto files compile");
    let configured = tonic_prost_build::configure().codec_path("crate::codec::Codec");
    configured.out_dir(out).compile_fds(fds).expect("code is generated");
}

#[test]
fn generated_code_is_current() {
    is_current(&FILES, "podlift.v1.rs");
    is_current(&[PODRESOURCES], "v1.rs");
}

fn is_current(files: &[&str], name: &str) {
    let dir = tempfile::tempdir().expect("a scratch folder");
    generate(files, dir.path());
    let fresh = std::fs::read_to_string(dir.path().join(name)).expect("the generated file");
    let checked_in = here().join("src/gen").join(name);
    if blessing() {
        std::fs::create_dir_all(checked_in.parent().expect("a parent")).expect("the folder");
        std::fs::write(&checked_in, &fresh).expect("written");
    }
    let kept = std::fs::read_to_string(&checked_in).unwrap_or_default();
    assert!(kept == fresh, "src/gen is stale: run PODLIFT_BLESS=1 cargo test -p podlift-proto and commit");
}

/// Kinds of two pools never compare equal for messages and enums; their names do.
fn kind(field: &prost_reflect::FieldDescriptor) -> String {
    match field.kind() {
        prost_reflect::Kind::Message(m) => m.full_name().to_string(),
        prost_reflect::Kind::Enum(e) => e.full_name().to_string(),
        plain => format!("{plain:?}"),
    }
}

/// What the baseline promises: each field number of each message keeps its name, type and cardinality for ever.
fn breaks(old: &MessageDescriptor, new: Option<&MessageDescriptor>) -> Vec<String> {
    let Some(new) = new else { return vec![format!("message {} is gone", old.full_name())] };
    let mut out = Vec::new();
    for field in old.fields() {
        match new.get_field(field.number()) {
            None if new.reserved_ranges().any(|r| r.contains(&field.number())) => {}
            None => out.push(format!("{} is gone and not reserved", field.full_name())),
            Some(now)
                if now.name() != field.name()
                    || kind(&now) != kind(&field)
                    || now.cardinality() != field.cardinality() =>
            {
                out.push(format!(
                    "number {} of {} was {} and is {}",
                    field.number(),
                    old.full_name(),
                    field.name(),
                    now.name()
                ));
            }
            Some(_) => {}
        }
    }
    out
}

fn compatibility(baseline: &DescriptorPool, now: &DescriptorPool) -> Vec<String> {
    let messages = baseline.all_messages().filter(|m| m.full_name().starts_with("podlift."));
    messages.flat_map(|old| breaks(&old, now.get_message_by_name(old.full_name()).as_ref())).collect()
}

#[test]
fn no_field_number_is_reused_against_the_baseline() {
    let fds = protox::compile(FILES, [here()]).expect("the .proto files compile");
    let path = here().join("baseline.binpb");
    if blessing() {
        std::fs::write(&path, fds.encode_to_vec()).expect("written");
    }
    let now = DescriptorPool::from_file_descriptor_set(fds).expect("a pool");
    let baseline =
        DescriptorPool::decode(std::fs::read(&path).expect("the baseline").as_slice()).expect("a pool");
    let found = compatibility(&baseline, &now);
    assert!(found.is_empty(), "the schema breaks what was published:\n{}", found.join("\n"));
    for e in now.all_enums() {
        let zero = e.get_value(0).map(|v| v.name().to_string()).unwrap_or_default();
        assert!(zero.ends_with("_UNSPECIFIED"), "{}: value 0 must be …_UNSPECIFIED", e.full_name());
    }
}

#[test]
fn a_reused_number_is_seen() {
    let pool = |body: &str| {
        let dir = tempfile::tempdir().expect("a scratch folder");
        let text = format!("syntax = \"proto3\"; package podlift.x; message M {{ {body} }}");
        std::fs::write(dir.path().join("x.proto"), text).expect("written");
        let fds = protox::compile(["x.proto"], [dir.path()]).expect("compiles");
        DescriptorPool::from_file_descriptor_set(fds).expect("a pool")
    };
    let old = pool("string a = 1; string b = 2;");
    assert_eq!(compatibility(&old, &pool("string a = 1; string b = 2; uint32 c = 3;")), Vec::<String>::new());
    assert_eq!(compatibility(&old, &pool("string a = 1; string c = 2;")).len(), 1);
    assert_eq!(compatibility(&old, &pool("string a = 1;")).len(), 1);
    assert_eq!(compatibility(&old, &pool("string a = 1; reserved 2;")).len(), 0);
}
