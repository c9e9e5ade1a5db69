//! The Helm release that owns an object, and the command that has Helm bring its objects again.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub namespace: String,
    pub name: String,
    /// Chart with its version, as its label has it: `ingress-nginx-4.12.1`. `None` without the label.
    pub chart: Option<String>,
}

/// The release of a raw object; `None` if no label and no annotation names one.
pub fn release(raw: &Value) -> Option<Release> {
    let annotation = |key: &str| raw["metadata"]["annotations"][key].as_str();
    let label = |key: &str| raw["metadata"]["labels"][key].as_str();
    let by_label = || {
        label("app.kubernetes.io/instance").filter(|_| label("app.kubernetes.io/managed-by") == Some("Helm"))
    };
    let name = annotation("meta.helm.sh/release-name").or_else(by_label)?;
    let namespace = annotation("meta.helm.sh/release-namespace").or(raw["metadata"]["namespace"].as_str())?;
    let chart = label("helm.sh/chart").map(String::from);
    Some(Release { namespace: namespace.into(), name: name.into(), chart })
}

impl Release {
    /// `helm upgrade` with the values that the release has. A label has the name of the chart without its repository, so that part is for
    /// the operator to fill in.
    pub fn upgrade(&self) -> String {
        let chart = self.chart.as_deref().map_or("CHART".to_string(), |chart| {
            let (name, version) = split(chart);
            match version {
                Some(version) => format!("REPOSITORY/{name} --version {version}"),
                None => format!("REPOSITORY/{name}"),
            }
        });
        format!("helm -n {} upgrade {} {chart} --reuse-values", self.namespace, self.name)
    }
}

/// Name and version of `ingress-nginx-4.12.1`. Helm writes `+` of a version as `_`.
fn split(chart: &str) -> (&str, Option<String>) {
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let at = chart.match_indices('-').map(|(at, _)| at).find(|at| starts(&chart[at + 1..]));
    match at {
        Some(at) => (&chart[..at], Some(chart[at + 1..].replace('_', "+"))),
        None => (chart, None),
    }
}

/// The end of a sentence that names the release and its command; `None` if no release owns the object.
pub fn hint(raw: &Value) -> Option<String> {
    let release = release(raw)?;
    Some(format!(
        "; it belongs to Helm release {}/{}: {}",
        release.namespace,
        release.name,
        release.upgrade()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_release_is_found_by_annotations_then_by_labels() {
        let whole = json!({"metadata": {
            "namespace": "web",
            "annotations": {"meta.helm.sh/release-name": "ingress", "meta.helm.sh/release-namespace": "ingress-nginx"},
            "labels": {"helm.sh/chart": "ingress-nginx-4.12.1_rc1"},
        }});
        let found = release(&whole).unwrap();
        assert_eq!(
            found.upgrade(),
            "helm -n ingress-nginx upgrade ingress REPOSITORY/ingress-nginx --version 4.12.1+rc1 --reuse-values"
        );
        let labelled = json!({"metadata": {"namespace": "web", "labels": {
            "app.kubernetes.io/instance": "ui", "app.kubernetes.io/managed-by": "Helm",
        }}});
        assert_eq!(release(&labelled).unwrap().upgrade(), "helm -n web upgrade ui CHART --reuse-values");
        assert!(hint(&labelled).unwrap().contains("Helm release web/ui"));
        let near = [
            json!({"metadata": {"namespace": "web", "labels": {"app.kubernetes.io/instance": "ui"}}}),
            json!({"metadata": {"namespace": "web", "labels": {"app.kubernetes.io/managed-by": "Helm"}}}),
            json!({}),
        ];
        assert!(near.iter().all(|raw| release(raw).is_none()));
    }

    #[test]
    fn a_chart_without_a_version_is_its_name() {
        assert_eq!(split("runai-backend"), ("runai-backend", None));
        assert_eq!(split("metallb-0.14.9"), ("metallb", Some("0.14.9".into())));
    }
}
