//! All findings, for people and for the coordinator, in every mode. A request for them changes nothing and spends no budget.

use crate::healer::Heal;
use crate::rules::Finding;
use crate::settings::Mode;
use crate::state::State;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::Component;

impl Heal {
    pub fn findings(&self) -> Vec<HealFinding> {
        let mut all = Vec::new();
        for component in Component::ALL {
            all.extend(self.findings_of(*component));
        }
        all.extend(self.stray_findings(None));
        all
    }

    pub(crate) fn findings_of(&self, component: Component) -> Vec<HealFinding> {
        let mut state = self.state();
        let look = match self.seen_in(&mut state, component) {
            Ok(Some(look)) => look,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![unseen(component, &error)],
        };
        let held = self.held(&state, component, &component.file());
        let found = self.judge(&state, component, &look, false);
        let (notices, file) = (&state.notices, component.file());
        let why = |f: &Finding| held.as_ref().or_else(|| notices.why_rule(&file, f.rule)).map(String::as_str);
        found.iter().map(|finding| tell(finding, component, why(finding))).collect()
    }

    /// Stray findings of one component, or of all.
    pub(crate) fn stray_findings(&self, of: Option<Component>) -> Vec<HealFinding> {
        let mut state = self.state();
        let found = self.strays_in(&mut state);
        let steady = || self.armed_guard(&state).is_none().then(|| crate::rules::STEADY.to_string());
        let why = |stray: &crate::strays::Stray| {
            let held = || self.held(&state, stray.component?, &stray.name);
            stray.why_not.clone().or_else(steady).or_else(held)
        };
        let wanted = found.iter().filter(|s| of.is_none_or(|c| Some(c) == s.component));
        wanted.map(|stray| stray.finding(why(stray))).collect()
    }

    /// Why repairs of this file are held back; `None` if they are not.
    fn held(&self, state: &State, component: Component, file: &str) -> Option<String> {
        match self.config.mode {
            Mode::Enforce => {}
            Mode::Observe => return Some("heal.mode is observe".into()),
            Mode::Off => return Some("heal.mode is off".into()),
        }
        let spent = self.allowance.spent(&self.history, component, self.host.clock.since_boot());
        spent.map(|spent| spent.to_string()).or_else(|| state.notices.why(file).cloned())
    }
}

fn tell(finding: &Finding, component: Component, held: Option<&str>) -> HealFinding {
    let mut model = finding.to_model(&component.file());
    model.report_only = model.report_only.or(held.map(String::from));
    model
}

fn unseen(component: Component, error: &std::io::Error) -> HealFinding {
    HealFinding {
        file: component.file(),
        rule: "strange".into(),
        kind: HealKind::Rescue,
        what: format!("{} can't be looked at: {error}", component.file()),
        report_only: Some("what is not seen is not repaired".into()),
    }
}
