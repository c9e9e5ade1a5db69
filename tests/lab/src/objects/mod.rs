//! API objects and the rules that hold for them wherever they are written: storage, kinds, defaults, admission, names, managed fields.
//! It knows neither the World nor the API server: both stand on it.

pub(crate) mod admission;
pub(crate) mod defaults;
pub(crate) mod fields;
mod index;
pub(crate) mod kinds;
pub(crate) mod names;
pub(crate) mod schema;
mod store;

pub use store::{Event, Key, Objects};

/// A time as Kubernetes writes it, to the second.
pub fn seconds(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)] // this test reads the sources

    use std::path::Path;

    /// The product's part of every source file below `at`, with its name.
    fn sources(at: &Path, out: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(at).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                sources(&entry, out);
            } else {
                let text = std::fs::read_to_string(&entry).unwrap();
                let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_string();
                out.push((entry.display().to_string(), product));
            }
        }
    }

    /// The objects know no other room of the lab, and the World does not know the API server.
    #[test]
    fn objects_and_world_do_not_know_the_api() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let forbidden = |room: &str, line: &str| match room {
            "objects" => line.contains("crate::") && !line.contains("crate::objects"),
            _ => line.contains("crate::api"),
        };
        for room in ["objects", "world"] {
            let mut files = vec![];
            sources(&src.join(room), &mut files);
            for (file, text) in files {
                let bad = text.lines().find(|l| !l.trim_start().starts_with("//") && forbidden(room, l));
                assert_eq!(bad, None, "{file}");
            }
        }
    }
}
