//! The nodes that BCM provisions, with their images: one list of all devices, and one script for each hundred nodes, because only `get` says
//! where a value is set.

use super::cmsh::{self, CHUNK};
use super::{has_suffix, lines, odd, printed, short, table, without_suffix};
use podlift_host::Host;
use podlift_model::bcm::{BcmNode, ImageFrom, ImageName};
use podlift_model::{Failure, NodeName};

const LIST: &str = "device; list -d \"|\" -f hostname:0,type:0,category:0";

pub async fn look(host: &Host) -> Result<Vec<BcmNode>, Failure> {
    let mut nodes = parse(&printed(host, cmsh::script(LIST)).await?).map_err(odd)?;
    for chunk in nodes.chunks_mut(CHUNK) {
        let names: Vec<NodeName> = chunk.iter().map(|n| n.name.clone()).collect();
        for (node, (image, from)) in chunk.iter_mut().zip(images(host, &names).await?) {
            (node.image, node.from) = (image, from);
        }
    }
    Ok(nodes)
}

/// The effective image of one node, and where it is set.
pub async fn image(host: &Host, node: &NodeName) -> Result<(Option<ImageName>, ImageFrom), Failure> {
    let all = images(host, std::slice::from_ref(node)).await?;
    all.into_iter().next().ok_or_else(|| odd("it printed no image"))
}

async fn images(host: &Host, names: &[NodeName]) -> Result<Vec<(Option<ImageName>, ImageFrom)>, Failure> {
    let texts: Vec<&str> = names.iter().map(NodeName::as_str).collect();
    let values = images_of(host, "device", "hostname", &texts).await?;
    values.into_iter().map(|value| effective(value.as_deref()).map_err(odd)).collect()
}

/// The values of `softwareimage` of objects of one mode, in one script; `key` is the property with their names.
pub(super) async fn images_of(
    host: &Host,
    mode: &str,
    key: &str,
    names: &[&str],
) -> Result<Vec<Option<String>>, Failure> {
    let each = names.iter().map(|name| format!("{mode} use {name}; get {key}; get softwareimage"));
    let script = each.collect::<Vec<_>>().join("; ");
    values(&printed(host, cmsh::script(&script)).await?, names).map_err(odd)
}

/// The image of `default-image (category:default)` and `default-image`.
fn effective(value: Option<&str>) -> Result<(Option<ImageName>, ImageFrom), String> {
    let Some(value) = value else { return Ok((None, ImageFrom::Category)) };
    let from = if has_suffix(value) { ImageFrom::Category } else { ImageFrom::Node };
    let name = without_suffix(value).parse().map_err(|e| format!("an image that is none: {e}"))?;
    Ok((Some(name), from))
}

/// The value of each object in an answer that has, for each, its name and then its value; a missing value has no line.
fn values(text: &str, names: &[&str]) -> Result<Vec<Option<String>>, String> {
    let mut lines = lines::of(text).map(str::trim).peekable();
    let mut values = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if lines.next().map(without_suffix) != Some(name) {
            return Err(format!("it printed something else than {name} and its value: {}", short(text)));
        }
        let next = names.get(at + 1);
        let value = lines.next_if(|line| next.is_none_or(|next| without_suffix(line) != *next));
        values.push(value.map(String::from));
    }
    match lines.next() {
        Some(more) => Err(format!("it printed more than the values: {}", short(more))),
        None => Ok(values),
    }
}

/// Devices that are provisioned: every kind of node but head nodes, and lite nodes, which have a disk of their own. A name that is none of
/// Kubernetes' can't be a node of a cluster.
fn parse(text: &str) -> Result<Vec<BcmNode>, String> {
    let rows = table::rows(text, &["hostname", "type", "category"])?;
    let node = |row: Vec<String>| {
        let [name, kind, category] = <[String; 3]>::try_from(row).ok()?;
        let provisioned = kind.ends_with("Node") && !matches!(kind.as_str(), "HeadNode" | "LiteNode");
        let name = name.parse().ok().filter(|_| provisioned)?;
        let category = without_suffix(&category).parse().ok();
        Some(BcmNode { name, kind, category, image: None, from: ImageFrom::Category })
    };
    Ok(rows.into_iter().filter_map(node).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    const DEVICES: &str = "Hostname (key)|Type|Category\nhead-01|HeadNode|\ndgx030|PhysicalNode|dgx-h100\nrunai-01|PhysicalNode|\nswitch01|Switch|\nlite1|LiteNode|\n";

    #[tokio::test]
    async fn two_calls_for_all_nodes() {
        let fakes = Fakes::new(|call| match call.args.last().unwrap().starts_with("device; list") {
            true => said(DEVICES),
            false => said("dgx030\ndgx-image (category:dgx-h100)\nrunai-01\nk8s-image\n"),
        });
        let nodes = look(&fakes.host).await.unwrap();
        let shown: Vec<String> = nodes
            .iter()
            .map(|n| format!("{} {:?} {:?}", n.name, n.image.as_ref().map(ImageName::as_str), n.from))
            .collect();
        assert_eq!(shown, ["dgx030 Some(\"dgx-image\") Category", "runai-01 Some(\"k8s-image\") Node"]);
        assert_eq!(nodes[1].category, None);
        let start = "cmsh -n -q --hide-events --color no -c ";
        let get = "device use dgx030; get hostname; get softwareimage; device use runai-01; get hostname; get softwareimage";
        assert_eq!(fakes.commands.calls(), [format!("{start}{LIST}"), format!("{start}{get}")]);
    }

    #[tokio::test]
    async fn a_thousand_nodes_are_no_thousand_calls() {
        let fakes = Fakes::new(|call| {
            let script = call.args.last().unwrap();
            if script.starts_with("device; list") {
                let rows: String = (0..2000).map(|n| format!("node{n:04}|PhysicalNode|default\n")).collect();
                return said(&rows);
            }
            let of = |part: &str| {
                part.strip_prefix("device use ").map(|n| format!("{n}\nimg (category:default)\n"))
            };
            said(&script.split("; ").filter_map(of).collect::<String>())
        });
        assert_eq!(look(&fakes.host).await.unwrap().len(), 2000);
        assert_eq!(fakes.commands.calls().len(), 21);
    }

    #[test]
    fn values_and_their_objects() {
        let all = ["a", "b.c"];
        for (text, want) in [
            ("a\nimg\nb.c\nother (category:x)\n", Ok([Some("img"), Some("other (category:x)")])),
            ("a\n\nb.c\n\n", Ok([None, None])),
            ("a\nb.c\nimg\n", Ok([None, Some("img")])),
            ("a\nFri Nov 27 13:00:00 2026 [notice] h: x\nimg\nb.c\n", Ok([Some("img"), None])),
            ("", Err("something else than a")),
            ("a\nimg\n", Err("something else than b.c")),
            ("No object with name a\n", Err("No object")),
            ("a\nimg\nb.c\nimg\nmore\n", Err("more than the values")),
        ] {
            match (values(text, &all), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want.map(|v| v.map(String::from)), "{text}"),
                (Err(why), Err(want)) => assert!(why.contains(want), "{why}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
        assert!(effective(Some("not found!")).unwrap_err().contains("not found!"));
    }
}
