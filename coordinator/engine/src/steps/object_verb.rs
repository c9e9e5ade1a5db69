//! Verbs of steps that are about one object of the cluster. A verb is a part of the step's id, so it is short and has only letters of names.

use podlift_model::Digest;

/// Longest part of a verb that is written out.
const WRITTEN: usize = 160;

pub(super) fn verb_of(what: &str, namespace: &str, name: &str) -> String {
    let whole = format!("{what}.{namespace}.{name}");
    if whole.len() <= WRITTEN {
        return whole;
    }
    let digest = Digest::of(&whole).to_string();
    let (kept, hash): (String, String) =
        (whole.chars().take(WRITTEN).collect(), digest.chars().take(12).collect());
    format!("{}-{hash}", kept.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_model::StepId;

    #[test]
    fn every_object_has_its_own_verb_and_each_is_part_of_an_id() {
        let long = "a".repeat(253);
        let other = format!("{}b", "a".repeat(252));
        let verbs: Vec<String> = [("runai", "tls"), ("runai", &long), ("runai", &other), ("x", "a.b-c")]
            .map(|(namespace, name)| verb_of("restore-secret", namespace, name))
            .to_vec();
        assert_eq!(verbs[0], "restore-secret.runai.tls");
        for (i, verb) in verbs.iter().enumerate() {
            assert!(StepId::new(format!("after/{verb}")).is_ok(), "{verb}");
            assert!(!verbs[..i].contains(verb), "{verb}");
        }
    }
}
