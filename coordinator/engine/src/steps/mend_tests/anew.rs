//! A secret that somebody has made anew in the run.

use super::*;
use podlift_model::Digest;

#[test]
fn a_secret_with_another_certificate_than_its_copy_stops_until_a_person_accepts_it() {
    let state = run(&site());
    let seen = |now: &str, copy: Option<&str>| {
        let (sha256, copy) = (Some(Digest::of(now)), copy.map(Digest::of));
        let view = SecretView { exists: true, sha256, copy, kept: KeptSecret::Memory };
        Reply::Cluster(ClusterReply::Secret(view))
    };
    for copy in [None, Some("old")] {
        assert!(told(judged(&state, SECRET, false, &seen("old", copy))).ends_with("is there"));
    }
    let anew = seen("new", Some("old"));
    let reason = stopped(judged(&state, SECRET, false, &anew));
    assert_eq!(reason.code, "made-anew");
    for part in [
        Digest::of("new").to_string(),
        Digest::of("old").to_string(),
        "podlift attest differences-accepted".into(),
        "kubectl -n runai delete secret runai-tls".into(),
    ] {
        assert!(reason.message.contains(&part), "{}", reason.message);
    }
    let step = spec(&state, SECRET).id.clone();
    let failed = say(Some(state), Event::StepFailed { step, reason });
    let word = Event::Attested { name: DIFFERENCES.into(), by: "jane".into(), note: "new CA".into() };
    let kept = told(judged(&say(Some(failed), word), SECRET, false, &anew));
    assert!(kept.starts_with("partly: ") && kept.ends_with("accepted by jane"), "{kept}");
}
