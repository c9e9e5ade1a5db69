//! `softwareimage; list`: the software images as BCM has them.

use super::cmsh;
use super::{odd, printed, table};
use podlift_host::Host;
use podlift_model::Failure;
use podlift_model::bcm::ImageName;

const LIST: &str = "softwareimage; list -d \"|\" -f name:0,path:0,kernelversion:0";

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: ImageName,
    /// Absolute, without `..`, and below another folder: an image is never `/` or `/cm`.
    pub path: String,
    pub kernel: String,
}

pub async fn look(host: &Host) -> Result<Vec<Listed>, Failure> {
    parse(&printed(host, cmsh::script(LIST)).await?).map_err(odd)
}

/// The image of that name; `None` if BCM has none.
pub async fn find(host: &Host, image: &ImageName) -> Result<Option<Listed>, Failure> {
    Ok(look(host).await?.into_iter().find(|listed| listed.name == *image))
}

fn parse(text: &str) -> Result<Vec<Listed>, String> {
    let rows = table::rows(text, &["name", "path", "kernelversion"])?;
    rows.into_iter().map(listed).collect()
}

fn listed(row: Vec<String>) -> Result<Listed, String> {
    let cells = <[String; 3]>::try_from(row).map_err(|row| format!("a row of {} cells", row.len()))?;
    let [name, path, kernel] = cells;
    let name: ImageName = name.parse().map_err(|e| format!("{e}"))?;
    let path = path.trim_end_matches('/').to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let deep = path.split('/').filter(|part| !part.is_empty()).count() >= 2;
    let up = path.split('/').any(|part| matches!(part, "." | ".."));
    match path.starts_with('/') && deep && !up && path.chars().all(plain) {
        true => Ok(Listed { name, path, kernel }),
        false => Err(format!(
            "image {name} has the path {path:?}: expected an absolute path such as /cm/images/{name}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    const TABLE: &str = "Name (key)|Path|Kernel version\ndefault-image|/cm/images/default-image|6.8.0-31-generic\ndgx-image|/cm/images/dgx-image/|5.15.0\n";

    #[tokio::test]
    async fn one_fixed_command() {
        let fakes = Fakes::new(|_| said(TABLE));
        let dgx = find(&fakes.host, &"dgx-image".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((dgx.path.as_str(), dgx.kernel.as_str()), ("/cm/images/dgx-image", "5.15.0"));
        assert_eq!(find(&fakes.host, &"other".parse().unwrap()).await, Ok(None));
        assert_eq!(fakes.commands.calls()[0], format!("cmsh -n -q --hide-events --color no -c {LIST}"));
    }

    #[test]
    fn a_path_that_could_be_the_head_node_itself_is_refused() {
        for path in ["/", "", "/cm", "cm/images/x", "/cm/images/../..", "/cm/images/a b", "/cm/images/$(id)"]
        {
            let why = parse(&format!("x|{path}|6.8\n")).unwrap_err();
            assert!(why.contains("image x has the path"), "{path}: {why}");
        }
    }
}
