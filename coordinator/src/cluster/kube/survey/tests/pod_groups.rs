//! What PodGroups and Workloads declare, as their schedulers write them.

use super::*;
use crate::cluster::kube::survey::gangs_of;
use podlift_engine::survey::GangView;

const RUN_AI: &str = "/apis/scheduling.run.ai/v2alpha2/podgroups";
const VOLCANO: &str = "/apis/scheduling.volcano.sh/v1beta1/podgroups";
const PLUGINS: &str = "/apis/scheduling.x-k8s.io/v1alpha1/podgroups";
const KUEUE: &str = "/apis/kueue.x-k8s.io/v1beta1/workloads";

fn object(name: &str, spec: Value) -> Value {
    json!({"metadata": {"namespace": "ml", "name": name}, "spec": spec, "status": {}})
}

fn gang(id: &str, min_member: Option<u32>, pods: Option<u32>) -> GangView {
    GangView { id: id.into(), min_member, pods }
}

async fn read(played: &Played) -> Result<Vec<GangView>, podlift_model::Failure> {
    gangs_of(&Api::new(played.client(""), Duration::from_secs(5))).await
}

#[tokio::test(start_paused = true)]
async fn each_scheduler_declares_the_least_pods_of_a_gang() {
    let worker = json!({"name": "worker", "count": 16, "minCount": 8});
    let table = [
        (RUN_AI, object("a", json!({"minMember": 4, "queue": "q"})), gang("ml/PodGroup/a", Some(4), None)),
        (VOLCANO, object("b", json!({"minMember": 1})), gang("ml/PodGroup/b", Some(1), None)),
        (PLUGINS, object("c", json!({"minMember": 3})), gang("ml/PodGroup/c", Some(3), None)),
        (PLUGINS, object("d", json!({"minMember": 0})), gang("ml/PodGroup/d", None, None)),
        (RUN_AI, object("e", json!({"subGroups": []})), gang("ml/PodGroup/e", None, None)),
        (RUN_AI, object("f", json!(null)), gang("ml/PodGroup/f", None, None)),
        (
            KUEUE,
            object("g", json!({"podSets": [{"name": "main", "count": 4}]})),
            gang("ml/Workload/g", Some(4), Some(4)),
        ),
        (
            KUEUE,
            object("h", json!({"podSets": [{"name": "main"}, worker]})),
            gang("ml/Workload/h", Some(9), Some(17)),
        ),
        (KUEUE, object("i", json!({"podSets": null})), gang("ml/Workload/i", None, None)),
    ];
    for (path, object, want) in table {
        let played = Played::default().list(path, &[object]);
        let mut wants = vec![want.clone()];
        if path == KUEUE {
            // The name of a group of plain pods is that of its Workload.
            wants.insert(0, GangView { id: want.id.replace("Workload", "PodGroup"), ..want });
        }
        assert_eq!(read(&played).await, Ok(wants), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_or_forbidden_declares_nothing_and_hides_nothing() {
    let forbidden = json!({"kind": "Status", "code": 403, "message": "is forbidden"}).to_string();
    let one = || Played::default().list(VOLCANO, &[object("b", json!({"minMember": 2}))]);
    assert_eq!(read(&Played::default()).await, Ok(vec![]));
    let refused = one().text(RUN_AI, 403, &forbidden).text(KUEUE, 405, "{}");
    assert_eq!(read(&refused).await, Ok(vec![gang("ml/PodGroup/b", Some(2), None)]));
    let away = one().text(RUN_AI, 503, r#"{"kind": "Status", "code": 503}"#);
    assert!(read(&away).await.is_err(), "gangs that may be there are not told as none");
    assert_eq!(away.text(RUN_AI, 404, "{}").survey().await.gangs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_survey_has_them_in_one_order_from_all_pages() {
    let played = Played::default()
        .list(RUN_AI, &[object("z", json!({"minMember": 2})), object("a", json!({"minMember": 2}))])
        .list(KUEUE, &[object("m", json!({"podSets": [{"count": 2}]}))]);
    let ids: Vec<String> = played.survey().await.gangs.into_iter().map(|gang| gang.id).collect();
    assert_eq!(ids, ["ml/PodGroup/a", "ml/PodGroup/m", "ml/PodGroup/z", "ml/Workload/m"]);
    let paged =
        played.asked().iter().filter(|uri| uri.starts_with(KUEUE)).all(|uri| uri.contains("limit=500"));
    assert!(paged);
    let silent = Played::default().text(RUN_AI, 500, r#"{"kind": "Status", "code": 500}"#).survey().await;
    assert_eq!(silent.gangs, [], "a survey goes on without them");
}
