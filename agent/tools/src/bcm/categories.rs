//! The categories of BCM with their images.

use super::cmsh::{self, CHUNK};
use super::{nodes, odd, printed, table, without_suffix};
use podlift_host::Host;
use podlift_model::Failure;
use podlift_model::bcm::{CategoryName, ImageName};

const LIST: &str = "category; list -d \"|\" -f name:0";

/// Every category, and its image if it has one.
pub async fn look(host: &Host) -> Result<Vec<(CategoryName, Option<ImageName>)>, Failure> {
    let names: Vec<CategoryName> = table::names(&printed(host, cmsh::script(LIST)).await?).map_err(odd)?;
    let mut all = Vec::new();
    for chunk in names.chunks(CHUNK) {
        all.extend(images(host, chunk).await?);
    }
    Ok(all)
}

/// The image of one category.
pub async fn image(host: &Host, category: &CategoryName) -> Result<Option<ImageName>, Failure> {
    let all = images(host, std::slice::from_ref(category)).await?;
    Ok(all.into_iter().next().and_then(|(_, image)| image))
}

async fn images(
    host: &Host,
    names: &[CategoryName],
) -> Result<Vec<(CategoryName, Option<ImageName>)>, Failure> {
    let texts: Vec<&str> = names.iter().map(CategoryName::as_str).collect();
    let values = nodes::images_of(host, "category", "name", &texts).await?;
    let image = |value: Option<String>| match value {
        Some(value) => without_suffix(&value).parse().map(Some).map_err(|e| odd(format!("{e}"))),
        None => Ok(None),
    };
    names.iter().zip(values).map(|(name, value)| Ok((name.clone(), image(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn two_calls_for_all_of_them() {
        let fakes = Fakes::new(|call| match call.args.last().unwrap().contains("list") {
            true => said("Name (key)\n----------\ndefault   \ndgx-h100  \n"),
            false => said("default\ndefault-image\ndgx-h100\n"),
        });
        let all = look(&fakes.host).await.unwrap();
        let shown: Vec<_> =
            all.iter().map(|(n, i)| (n.as_str(), i.as_ref().map(ImageName::as_str))).collect();
        assert_eq!(shown, [("default", Some("default-image")), ("dgx-h100", None)]);
        assert_eq!(fakes.commands.calls().len(), 2);
    }
}
