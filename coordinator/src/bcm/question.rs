//! What may be asked of the BCM tools, and the one command that each question is. On the socket a question is one line of JSON, and so is
//! its answer.

use podlift_model::ClusterName;
use serde::{Deserialize, Serialize};

/// Closed: a name is a validated type, and free text is nowhere. cmsh takes `!command` and `;`, so it must never be handed any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Minors of Kubernetes that this BCM can manage.
    KubernetesVersions {},
    /// The version that BCM's metadata has of one cluster.
    ClusterVersion { cluster: ClusterName },
    /// What BCM applies to one cluster by itself.
    Applications { cluster: ClusterName },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    Ran(Ran),
    /// Nothing was started, or nothing came of it.
    Refused {
        why: String,
    },
}

/// How a tool ended and what it printed; each output is cut at a limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// None: ended by a signal.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// There was more than is kept.
    pub cut: bool,
}

impl Question {
    /// Program and arguments.
    pub fn argv(&self) -> (&'static str, Vec<String>) {
        match self {
            Question::KubernetesVersions {} => ("cm-kubernetes-setup", vec!["--list-versions".into()]),
            // -n: no rc file of the site changes a format. -q: the first error ends it. Events would get between the lines.
            Question::ClusterVersion { cluster } => cmsh(format!("kubernetes use {cluster}; get version")),
            Question::Applications { cluster } => {
                cmsh(format!("kubernetes use {cluster}; appgroups; use system; applications; list"))
            }
        }
    }
}

fn cmsh(command: String) -> (&'static str, Vec<String>) {
    ("cmsh", vec!["-n".into(), "-q".into(), "--hide-events".into(), "-c".into(), command])
}
