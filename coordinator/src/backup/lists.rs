//! Copies lists of the cluster into members, page by page and with unchanged objects. At most one page is in memory.

use super::World;
use super::failure;
use super::member::{MemberSpec, MemberWriter};
use super::page::Page;
use podlift_backup::{Kind, Writer};
use podlift_model::Failure;
use std::sync::Arc;

/// Objects in a page; kubectl uses the same number.
const PAGE: &str = "500";
const HEAD: &[u8] = b"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[";
const TAIL: &[u8] = b"\n]}\n";

/// Writes a `v1 List`.
pub(super) struct ListWriter {
    member: MemberWriter,
    pub objects: u64,
}

impl ListWriter {
    pub fn new(member: MemberWriter) -> Self {
        Self { member, objects: 0 }
    }

    pub async fn put(&mut self, object: &str) -> Result<(), Failure> {
        let before: &[u8] = if self.objects == 0 { HEAD } else { b"," };
        self.member.put(before).await?;
        self.member.put(b"\n").await?;
        self.objects += 1;
        self.member.put(object.trim_end().as_bytes()).await
    }

    pub async fn end(mut self) -> Result<(), Failure> {
        if self.objects == 0 {
            self.member.put(HEAD).await?;
        }
        self.member.put(TAIL).await?;
        self.member.end().await.map(drop)
    }
}

/// The member of the set with this list; `None` if the set leaves it out.
pub(super) fn member(writer: &Arc<Writer>, kind: Kind) -> Result<Option<ListWriter>, Failure> {
    let spec =
        MemberSpec { kind, node: None, path: format!("cluster/{kind}.json"), secret: false, sealed: false };
    Ok(MemberWriter::new(writer, spec)?.map(ListWriter::new))
}

/// Copies every page of the list at `path`. `keep` decides for each object whether it is copied. `Ok(false)` if there is no such list.
pub(super) async fn copy(
    world: &World<'_>,
    path: &str,
    to: &mut ListWriter,
    mut keep: impl FnMut(&str) -> bool + Send,
) -> Result<bool, Failure> {
    let mut token = String::new();
    loop {
        let query = [("limit", PAGE), ("continue", token.as_str())];
        let answer = world.cluster.raw(path, &query).await.map_err(|f| failure::api(path, f))?;
        let Some(bytes) = answer else { return Ok(false) };
        let page = Page::read(&bytes).map_err(|e| unreadable(path, &e))?;
        for item in page.items() {
            if keep(item) {
                to.put(&page.whole(item)).await?;
            }
        }
        match page.next() {
            Some(next) => token = next.into(),
            None => return Ok(true),
        }
    }
}

/// One object, unchanged; `None` if it does not exist.
pub(super) async fn object(world: &World<'_>, path: &str) -> Result<Option<String>, Failure> {
    let answer = world.cluster.raw(path, &[]).await.map_err(|f| failure::api(path, f))?;
    let Some(bytes) = answer else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|e| unreadable(path, &e))?;
    serde_json::from_str::<&serde_json::value::RawValue>(text).map_err(|e| unreadable(path, &e))?;
    Ok(Some(text.trim_end().to_string()))
}

fn unreadable(path: &str, why: &dyn std::fmt::Display) -> Failure {
    failure::incomplete(format!("the API's answer to {path} can't be read: {why}"))
}
