//! Package lists as files: written by `update`, read by everything else.

use crate::disk::Disk;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub package: String,
    pub version: String,
    pub kilobytes: u64,
    pub minor: u16,
}

pub fn file(lists: &str, minor: u16) -> String {
    format!("{lists}/pkgs.k8s.io_core:_stable:_v1.{minor}_deb_Packages")
}

pub fn text(offers: &[(String, String, u64)]) -> String {
    let entry = |(p, v, kb): &(String, String, u64)| {
        format!("Package: {p}\nVersion: {v}\nArchitecture: amd64\nSize: {}\n\n", kb * 1000)
    };
    offers.iter().map(entry).collect()
}

/// All offers of a lists directory, as they stand in its files.
pub fn offers(disk: &dyn Disk, lists: &str) -> Vec<Offer> {
    let names = disk.list(Path::new(lists)).unwrap_or_default();
    names
        .iter()
        .filter_map(|n| minor_of(n))
        .flat_map(|minor| read(&disk.text(&file(lists, minor)), minor))
        .collect()
}

fn minor_of(name: &str) -> Option<u16> {
    name.strip_prefix("pkgs.k8s.io_core:_stable:_v1.")?.strip_suffix("_deb_Packages")?.parse().ok()
}

fn read(text: &str, minor: u16) -> Vec<Offer> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|l| l.strip_prefix(name).map(|v| v.trim().to_string()))
    };
    let offer = |block: &str| {
        Some(Offer {
            package: field(block, "Package:")?,
            version: field(block, "Version:")?,
            kilobytes: field(block, "Size:")?.parse::<u64>().ok()? / 1000,
            minor,
        })
    };
    text.split("\n\n").filter_map(offer).collect()
}

/// `1.32.13-1.1` as something that compares.
pub fn rank(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|p| p.parse().ok()).collect()
}
