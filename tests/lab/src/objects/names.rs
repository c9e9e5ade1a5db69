//! Names that are drawn: suffixes, hashes and uids, from a counter so that Worlds are alike.

use podlift_model::Digest;

/// What Kubernetes draws names from: no vowels, no look-alikes.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

pub fn suffix(from: &str, length: usize) -> String {
    let hash = Digest::of(from);
    let pairs = hash.as_str().as_bytes().chunks(2).take(length);
    let number = |pair: &[u8]| usize::from_str_radix(&String::from_utf8_lossy(pair), 16).unwrap_or(0);
    pairs.map(|p| LETTERS[number(p) % LETTERS.len()] as char).collect()
}

pub fn uid(from: &str) -> String {
    let h = Digest::of(from);
    let h = h.as_str();
    format!("{}-{}-4{}-8{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..32])
}
