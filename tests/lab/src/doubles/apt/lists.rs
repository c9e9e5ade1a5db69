//! Package lists as files: written by `update`, read by everything else.

use super::options::Options;
use super::sources;
use crate::doubles::ctx::Ctx;

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

/// All offers of the sources, as they stand in the files of their lists.
pub fn offers(ctx: &Ctx, options: &Options) -> Vec<Offer> {
    let (disk, lists) = (ctx.disk(), options.lists());
    let minors = sources::minors(ctx, options);
    minors.into_iter().flat_map(|minor| read(&disk.text(&file(&lists, minor)), minor)).collect()
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
