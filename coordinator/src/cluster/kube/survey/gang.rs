//! The job whose pods stop together, by the marks that schedulers and operators put on its pods. A mark of the scheduler comes before one of
//! the operator, because it is the same on all pods of a job, whoever made them.

use super::meta::Meta;

/// A label or an annotation with the name of a job, and the kind that the name is of.
struct Mark {
    key: &'static str,
    kind: &'static str,
}

const fn mark(key: &'static str, kind: &'static str) -> Mark {
    Mark { key, kind }
}

const MARKS: &[Mark] = &[
    // KAI and Run:ai (annotation).
    mark("pod-group-name", "PodGroup"),
    // Volcano (annotation).
    mark("scheduling.k8s.io/group-name", "PodGroup"),
    // The coscheduling plugin of kube-scheduler.
    mark("scheduling.x-k8s.io/pod-group", "PodGroup"),
    // Kueue's groups of plain pods. Its queue-name is on jobs of other kinds, which have marks of their own.
    mark("kueue.x-k8s.io/pod-group-name", "PodGroup"),
    // Kueue's Workload of a job, from its start to its stop (annotation of the pod template; Kueue, KEP-2724). Before the marks of operators,
    // because Kueue admits all pods of a Workload together.
    mark("kueue.x-k8s.io/workload", "Workload"),
    // Grove, which NVIDIA Dynamo uses for inference over several nodes.
    mark("grove.io/podgang", "PodGang"),
    // JobSet, and with it Kubeflow Trainer v2.
    mark("jobset.sigs.k8s.io/jobset-name", "JobSet"),
    mark("volcano.sh/job-name", "VolcanoJob"),
    mark("ray.io/cluster", "RayCluster"),
    // Kubeflow's operators before training.kubeflow.org/job-name.
    mark("mpi_job_name", "MPIJob"),
    mark("pytorch-job-name", "PyTorchJob"),
    mark("tf-job-name", "TFJob"),
];

/// Kubeflow Trainer v1 and the MPI operator. The launcher of an MPIJob belongs to a Job, and its workers to the MPIJob, so that the label and
/// not the controller tells the kind.
const TRAINING: &str = "training.kubeflow.org/job-name";
const OPERATOR: &str = "training.kubeflow.org/operator-name";
const OPERATORS: &[(&str, &str)] = &[
    ("pytorchjob-controller", "PyTorchJob"),
    ("tfjob-controller", "TFJob"),
    ("mpijob-controller", "MPIJob"),
    ("mpi-operator", "MPIJob"),
    ("xgboostjob-controller", "XGBoostJob"),
    ("paddlejob-controller", "PaddleJob"),
    ("jaxjob-controller", "JAXJob"),
];

/// A LeaderWorkerSet has one gang for each of its groups.
const GROUPS: (&str, &str) = ("leaderworkerset.sigs.k8s.io/name", "leaderworkerset.sigs.k8s.io/group-index");

/// Counts for a Job only if its pods have numbers, and so communicate with each other.
const JOB: &str = "batch.kubernetes.io/job-name";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// `Kind/name` in the namespace of the pod; `None` if a lost pod of it stops no other.
pub(super) fn of(meta: &Meta) -> Option<String> {
    let found = |key: &str| meta.annotation(key).or_else(|| meta.label(key));
    let marked = MARKS.iter().find_map(|mark| Some(format!("{}/{}", mark.kind, found(mark.key)?)));
    marked.or_else(|| training(meta)).or_else(|| group(meta)).or_else(|| {
        let name = found(JOB).filter(|_| found(INDEX).is_some())?;
        Some(format!("Job/{name}"))
    })
}

fn training(meta: &Meta) -> Option<String> {
    let (name, operator) = (meta.label(TRAINING)?, meta.label(OPERATOR));
    let kind = OPERATORS.iter().find(|(known, _)| operator.is_some_and(|own| own == known));
    Some(format!("{}/{name}", kind.map_or("TrainingJob", |(_, kind)| kind)))
}

fn group(meta: &Meta) -> Option<String> {
    let (name, index) = (meta.label(GROUPS.0)?, meta.label(GROUPS.1)?);
    Some(format!("LeaderWorkerSet/{name}-{index}"))
}
