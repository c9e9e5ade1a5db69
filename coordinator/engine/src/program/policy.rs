//! The decisions of this site, as distinct from the requirements of Kubernetes: `/etc/podlift/policy.toml`. Whatever comes from here is
//! marked as a site rule wherever it is shown.

use super::{ImageOrder, Item, PlanOptions, Skew, UnknownItem, known_attestation};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SitePolicy {
    /// Gates that this site removes from kubeadm-config, whether the target knows them or not.
    pub site_gates: Vec<String>,
    /// Attestations without which no run starts. A missing one of the others is a warning.
    pub required_attestations: Vec<String>,
    /// Labels and annotations, `key=value`, by which the owner of a pod forbids its interruption: such a pod blocks the plan.
    pub never_interrupt: Vec<String>,
    /// Whether workers that are still to come carry a soft taint, so that evicted pods prefer finished nodes.
    pub soft_taint: bool,
    /// Whether pods save their work before they are evicted, where their annotations say how.
    pub checkpoints: bool,
    /// How long before the drain of their node people are told who work in its pods, seconds; 0 for not at all.
    pub interactive_warning_seconds: u32,
    /// How many minors of Kubernetes may be in the cluster at once: `adjacent` for two, or `upstream`.
    pub skew: Skew,
    /// When BCM writes a software image to a worker: `drain-first`, or `runbook` for before its cordon.
    pub image_order: ImageOrder,
    /// In which batches workers are taken: the table `[rollout]`.
    pub rollout: podlift_batches::Policy,
    /// How known issues are repaired: the table `[issues]`.
    pub issues: IssuesPolicy,
}

/// The table `[issues]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct IssuesPolicy {
    /// Items before which a run asks a person, besides those that are always asked.
    pub ask: Vec<String>,
}

/// podlift's own mark. Marks of autoscalers say that a node must not go to save costs, and mean no maintenance unless the site says so.
const NEVER: &str = "podlift.io/never-interrupt=true";

/// Seconds.
const DAY: u32 = 86_400;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("required-attestations: {0}")]
    Attestation(#[from] super::UnknownAttestation),
    #[error(
        "site-gates: {0:?} is no gate's name: expected letters and digits, e.g. \"MaxUnavailableStatefulSet\""
    )]
    Gate(String),
    #[error(
        "never-interrupt: {0:?} is no mark of a pod: expected the key of a label or an annotation, =, and its value, e.g. \"example.org/keep=true\""
    )]
    NeverInterrupt(String),
    #[error(
        "interactive-warning-seconds: {0} is longer than a day: expected 0 to 86400, where 0 tells nobody"
    )]
    Warning(u32),
    #[error("rollout.{0}")]
    Rollout(#[from] podlift_batches::PolicyError),
    #[error("issues.ask: {0}")]
    Item(#[from] UnknownItem),
}

impl Default for SitePolicy {
    /// The policy without a file: the runbook's gate.
    fn default() -> Self {
        Self {
            site_gates: PlanOptions::default().site_gates,
            required_attestations: vec![],
            never_interrupt: vec![NEVER.into()],
            soft_taint: true,
            checkpoints: true,
            interactive_warning_seconds: 0,
            skew: Skew::Adjacent,
            image_order: ImageOrder::DrainFirst,
            rollout: podlift_batches::Policy::default(),
            issues: IssuesPolicy::default(),
        }
    }
}

impl SitePolicy {
    pub fn validate(&self) -> Result<(), PolicyError> {
        let name = |g: &String| !g.is_empty() && g.chars().all(|c| c.is_ascii_alphanumeric());
        if let Some(gate) = self.site_gates.iter().find(|g| !name(g)) {
            return Err(PolicyError::Gate(gate.clone()));
        }
        let mark = |text: &String| {
            text.split_once('=').is_some_and(|(key, value)| {
                let word = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
                word(key) && word(value)
            })
        };
        if let Some(text) = self.never_interrupt.iter().find(|text| !mark(text)) {
            return Err(PolicyError::NeverInterrupt(text.clone()));
        }
        if self.interactive_warning_seconds > DAY {
            return Err(PolicyError::Warning(self.interactive_warning_seconds));
        }
        self.rollout.validate()?;
        self.issues.ask.iter().try_for_each(|item| item.parse::<Item>().map(drop))?;
        Ok(self.required_attestations.iter().try_for_each(|a| known_attestation(a))?)
    }

    /// Copies the policy into the options of every plan.
    pub fn put_into(&self, options: &mut PlanOptions) {
        options.site_gates = self.site_gates.clone();
        options.required_attestations = self.required_attestations.clone();
        options.ask_items = self.issues.ask.clone();
        self.roll_out(options);
    }

    /// Copies how workers are taken. A site without a file has the defaults of this, too.
    pub fn roll_out(&self, options: &mut PlanOptions) {
        options.batches = Some(self.rollout.clone());
        options.soft_taint = self.soft_taint;
        options.checkpoints = self.checkpoints;
        options.interactive_warning_seconds = self.interactive_warning_seconds;
        options.skew = self.skew;
        options.image_order = self.image_order;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<SitePolicy, String> {
        let policy: SitePolicy = serde_json::from_value(json).map_err(|e| e.to_string())?;
        policy.validate().map_err(|e| e.to_string())?;
        Ok(policy)
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        assert_eq!(read(serde_json::json!({})), Ok(SitePolicy::default()));
        let none =
            read(serde_json::json!({"site-gates": [], "required-attestations": ["maintenance-window"]}));
        let mut options = PlanOptions::default();
        none.unwrap().put_into(&mut options);
        assert_eq!((options.site_gates.len(), options.required_attestations.len()), (0, 1));
        assert_eq!(options.skew, Skew::Adjacent, "the rule of BCM's manual, unless the site says otherwise");
        assert_eq!(
            (options.batches, options.soft_taint, options.checkpoints),
            (Some(Default::default()), true, true)
        );
        let wrong = [
            (serde_json::json!({"site-gate": []}), "site-gate"),
            (serde_json::json!({"site-gates": ["A=true"]}), "A=true"),
            (serde_json::json!({"skew": "two"}), "expected `adjacent` or `upstream`"),
            (serde_json::json!({"image-order": "first"}), "expected `drain-first` or `runbook`"),
            (serde_json::json!({"required-attestations": ["window"]}), "\"window\""),
            (
                serde_json::json!({"never-interrupt": ["keep"]}),
                "never-interrupt: \"keep\" is no mark of a pod",
            ),
            (serde_json::json!({"never-interrupt": ["keep="]}), "expected the key of a label"),
            (serde_json::json!({"interactive-warning-seconds": 86_401}), "86401 is longer than a day"),
            (serde_json::json!({"interactive-warning-seconds": -1}), "-1"),
            (serde_json::json!({"rollout": {"max-unavailable": "200%"}}), "\"200%\" is no limit"),
            (
                serde_json::json!({"rollout": {"gangs": {"wait-seconds": 0}}}),
                "rollout.gangs.wait-seconds: \"0\"",
            ),
            (serde_json::json!({"issues": {"ask": ["services"]}}), "issues.ask: item \"services\""),
            (serde_json::json!({"issues": {"asks": []}}), "asks"),
        ];
        for (json, want) in wrong {
            let text = read(json).unwrap_err();
            assert!(text.contains(want), "{text}");
        }
    }
}
