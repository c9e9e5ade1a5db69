//! The lines that the README tells an operator to type.

use anyhow::Context as _;

const README: &str = include_str!("../../../README.md");

/// Of "Install it": on the head node, on each node. Without their comments.
pub fn install_blocks() -> anyhow::Result<[Vec<String>; 2]> {
    let section = README
        .split("\n## ")
        .find(|s| s.starts_with("Install it"))
        .context("README has no \"Install it\"")?;
    let mut blocks = section.split("```").skip(1).step_by(2).map(lines);
    let missing = "README's \"Install it\" lacks its two blocks of commands";
    Ok([blocks.next().context(missing)?, blocks.next().context(missing)?])
}

fn lines(block: &str) -> Vec<String> {
    let bare = block.lines().map(|l| l.split("  #").next().unwrap_or_default().trim().to_string());
    bare.filter(|l| !l.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_blocks_are_there() {
        let [head, node] = install_blocks().unwrap();
        assert!(
            head.iter().any(|l| l.starts_with("dpkg -i podlift_"))
                && head.last().unwrap() == "podlift status"
        );
        assert!(node.iter().any(|l| l.starts_with("dpkg -i podlift-agent_")), "{node:?}");
    }
}
