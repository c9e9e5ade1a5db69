//! The resources that an API server of 1.32 has, from `kinds.txt`, in its own order of groups. Data only.

use std::sync::LazyLock;

#[derive(Debug)]
pub struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    /// `pods`, or `pods/eviction`.
    pub resource: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    pub verbs: Vec<&'static str>,
    pub short: Vec<&'static str>,
    pub categories: Vec<&'static str>,
    /// Another group and version than the path's: those of what a subresource takes.
    pub takes: Option<(&'static str, &'static str)>,
}

const STD: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

static ALL: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let lines = include_str!("kinds.txt").lines().filter(|l| !l.starts_with('#'));
    lines.map(|l| row(l).unwrap_or_else(|| panic!("kinds.txt: {l:?} is no row"))).collect()
});

fn row(line: &'static str) -> Option<Kind> {
    let words: Vec<&'static str> = line.split_whitespace().collect();
    let [place, resource, kind, scope, verbs, short, categories] = *words.as_slice() else { return None };
    let (group, version) = group_version(place);
    let (takes, kind) = match kind.split_once(':') {
        Some((place, kind)) => (Some(group_version(place)), kind),
        None => (None, kind),
    };
    let list = |text: &'static str| text.split(',').filter(|t| *t != "-").collect();
    let verbs = match verbs {
        "std" => STD.to_vec(),
        "single" => STD.iter().copied().filter(|v| *v != "deletecollection").collect(),
        "gpu" => vec!["get", "patch", "update"],
        "cdgpu" => vec!["create", "delete", "get", "patch", "update"],
        verbs => list(verbs),
    };
    Some(Kind {
        group,
        version,
        resource,
        kind,
        namespaced: scope == "ns",
        verbs,
        short: list(short),
        categories: list(categories),
        takes,
    })
}

fn group_version(text: &'static str) -> (&'static str, &'static str) {
    text.split_once('/').unwrap_or(("", text))
}

/// Resources and subresources.
pub fn all() -> &'static [Kind] {
    &ALL
}

/// A resource that is stored.
pub fn find(group: &str, version: &str, resource: &str) -> Option<&'static Kind> {
    ALL.iter().find(|k| k.group == group && k.version == version && k.resource == resource)
}

/// Resources that are there as long as their CustomResourceDefinition is.
static CUSTOM: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let lines = [
        "operator.tigera.io/v1 installations Installation all std - -",
        "operator.tigera.io/v1 tigerastatuses TigeraStatus all std - -",
        "run.ai/v2alpha1 trainingworkloads TrainingWorkload ns std - -",
        "run.ai/v2 projects Project all std - -",
        "scheduling.run.ai/v2alpha2 podgroups PodGroup ns std pg -",
        "scheduling.volcano.sh/v1beta1 podgroups PodGroup ns std pg,podgroup-v1beta1 -",
        "scheduling.x-k8s.io/v1alpha1 podgroups PodGroup ns std pg,pgs -",
        "kueue.x-k8s.io/v1beta1 workloads Workload ns std wl -",
    ];
    lines.iter().filter_map(|l| row(l)).collect()
});

pub fn custom(group: &str, version: &str, resource: &str) -> Option<&'static Kind> {
    CUSTOM.iter().find(|k| k.group == group && k.version == version && k.resource == resource)
}

/// Named groups and their versions, in the server's order of preference.
pub fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut out: Vec<(&str, Vec<&str>)> = vec![];
    for k in ALL.iter().filter(|k| !k.group.is_empty()) {
        if out.last().is_none_or(|(g, _)| *g != k.group) {
            out.push((k.group, vec![]));
        }
        if let Some((_, versions)) = out.last_mut()
            && !versions.contains(&k.version)
        {
            versions.push(k.version);
        }
    }
    out
}

impl Kind {
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.into(),
            group => format!("{group}/{}", self.version),
        }
    }

    pub fn stored(&self) -> bool {
        self.verbs.contains(&"watch")
    }

    /// Name of the CustomResourceDefinition that it needs.
    pub fn definition(&self) -> Option<String> {
        custom(self.group, self.version, self.resource).map(|_| self.qualified())
    }

    pub fn is_subresource(&self) -> bool {
        self.resource.contains('/')
    }

    pub fn has_status(&self) -> bool {
        ALL.iter().any(|k| {
            k.group == self.group
                && k.version == self.version
                && k.resource.strip_suffix("/status") == Some(self.resource)
        })
    }

    /// `deployments.apps`, as messages spell it.
    pub fn qualified(&self) -> String {
        match self.group {
            "" => self.resource.into(),
            group => format!("{}.{group}", self.resource),
        }
    }
}
