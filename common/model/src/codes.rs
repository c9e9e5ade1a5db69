//! Codes of failures and stops that code compares: the one place of their text. A code that only people read stays beside its message.
//! A code never changes its meaning or its text, because journals and metrics keep it.

// Of an agent.

/// The agent has no session with the coordinator.
pub const AGENT_UNREACHABLE: &str = "agent-unreachable";
/// A newer coordinator commands the agents.
pub const EPOCH_STALE: &str = "epoch-stale";
pub const EPOCH_REFUSED: &str = "epoch-refused";
/// The node runs another op.
pub const BUSY: &str = "busy";
/// The op's unit of an earlier attempt still runs.
pub const UNIT_RUNNING: &str = "unit-running";
/// The agent's ledger is not the one that the request names.
pub const LEDGER_NEW: &str = "ledger-new";
pub const LEDGER_FAILED: &str = "ledger-failed";
pub const INVALID_REQUEST: &str = "invalid-request";
/// A question to a head node at a node of the cluster, or the reverse.
pub const NOT_OF_THIS_ROLE: &str = "not-of-this-role";
/// The program is not installed.
pub const COMMAND_MISSING: &str = "command-missing";
pub const COMMAND_TIMEOUT: &str = "command-timeout";
pub const DISK_FULL: &str = "disk-full";
/// An agent gives out no secrets because it has no recipient to encrypt them to.
pub const NO_RECIPIENTS: &str = "no-recipients";

// Packages.

/// Another program holds apt's or dpkg's lock.
pub const APT_LOCK: &str = "apt-lock";
/// dpkg was interrupted; `dpkg --configure -a` ends it.
pub const APT_INTERRUPTED: &str = "apt-interrupted";
/// The node's apt sources do not offer the exact version.
pub const PACKAGE_VERSION_MISSING: &str = "package-version-missing";

// Devices.

/// Pods or processes that the drain did not account for hold devices of the node, or the agent can't find out whether any does.
pub const DEVICES_HELD: &str = "devices-held";

// Checkpoints.

/// A pod's checkpoint hook failed, and the policy does not evict the pod without it.
pub const CHECKPOINT_FAILED: &str = "checkpoint-failed";

// Site checks.

/// There is no check of that name.
pub const SITE_CHECK_MISSING: &str = "site-check-missing";
/// A file of the check, its settings or its interpreter is not as podlift demands it, so it was not run.
pub const SITE_CHECK_REFUSED: &str = "site-check-refused";
/// systemd did not start the check.
pub const SITE_CHECK_NOT_STARTED: &str = "site-check-not-started";

// Images.

pub const IMAGE_PULL_FAILED: &str = "image-pull-failed";
/// No kubeadm of the target is on the node, so that its list of images can't be known.
pub const IMAGE_LIST_UNKNOWN: &str = "image-list-unknown";

// Manifests, kubeadm and the heal.

pub const KUBEADM_FAILED: &str = "kubeadm-failed";
pub const MANIFEST_MISSING: &str = "manifest-missing";
pub const MANIFEST_UNREADABLE: &str = "manifest-unreadable";
pub const MANIFEST_OPAQUE: &str = "manifest-opaque";
pub const HEAL_REFUSED: &str = "heal-refused";

// Stepping aside.

/// The node can't refuse connections to its API server, or may not: no `nft`, no control plane, switched off, the only member.
pub const STEP_ASIDE_IMPOSSIBLE: &str = "step-aside-impossible";
/// `nft` ran and did not load or remove podlift's table.
pub const STEP_ASIDE_FAILED: &str = "step-aside-failed";

// BCM, on a head node.

/// One of BCM's tools printed something else than its documentation says.
pub const BCM_ANSWER: &str = "bcm-answer";
/// This head node is not the active one, or it can't be known which one is: it changes nothing.
pub const BCM_PASSIVE_HEAD: &str = "bcm-passive-head";
/// BCM's tool reported no error, and what it was to change is as before.
pub const BCM_NO_EFFECT: &str = "bcm-no-effect";
/// BCM has no object of that name.
pub const BCM_MISSING: &str = "bcm-missing";
/// An image of that name exists, and this agent did not make it.
pub const BCM_IMAGE_EXISTS: &str = "bcm-image-exists";
/// A node or a category uses the image, or something is mounted or runs in it.
pub const BCM_IMAGE_IN_USE: &str = "bcm-image-in-use";
/// The image was not made by this agent.
pub const BCM_IMAGE_NOT_OURS: &str = "bcm-image-not-ours";
/// apt in the image would change other packages than those of Kubernetes.
pub const BCM_IMAGE_WOULD_CHANGE: &str = "bcm-image-would-change";
/// The image is not locked while it is changed.
pub const BCM_IMAGE_UNLOCKED: &str = "bcm-image-unlocked";
/// A background task of CMDaemon failed.
pub const BCM_TASK_FAILED: &str = "bcm-task-failed";
/// CMDaemon or its provisioners are still at work.
pub const BCM_BUSY: &str = "bcm-busy";
/// A provisioner does not have the image's current state.
pub const BCM_PROVISIONER_STALE: &str = "bcm-provisioner-stale";
/// BCM's log does not prove that the node was written.
pub const BCM_SYNC_FAILED: &str = "bcm-sync-failed";
/// CMDaemon's JSON API does not answer.
pub const BCM_API_UNREACHABLE: &str = "bcm-api-unreachable";
/// CMDaemon's JSON API answered with an error: the certificate may not use the call, or this BCM does not have it.
pub const BCM_API_REFUSED: &str = "bcm-api-refused";
/// `cm-kubeadm-manage` is not on the head node, or does not know the command.
pub const BCM_NO_KUBEADM_MANAGE: &str = "bcm-no-kubeadm-manage";

// The API of the cluster.

pub const API_UNREACHABLE: &str = "api-unreachable";
pub const API_FORBIDDEN: &str = "api-forbidden";
pub const API_CONFLICT: &str = "api-conflict";
pub const API_BUSY: &str = "api-busy";
pub const API_NOT_FOUND: &str = "api-not-found";
pub const CORDON_FOREIGN: &str = "cordon-foreign";
pub const DRAIN_BLOCKED: &str = "drain-blocked";
/// The node is not cordoned any more while it is drained: another person or program has uncordoned it.
pub const CORDON_LOST: &str = "cordon-lost";
/// A person ended the drain with a pause or a defer.
pub const DRAIN_STOPPED: &str = "drain-stopped";
pub const DRAIN_REFUSED: &str = "drain-refused";
pub const EVICTION_FAILED: &str = "eviction-failed";

// Backups.

pub const BACKUP_INCOMPLETE: &str = "backup-incomplete";
pub const BACKUP_DAMAGED: &str = "backup-damaged";
pub const BACKUP_IO: &str = "backup-io";

// Stops of a step or a run.

pub const TIMEOUT: &str = "timeout";
pub const INDETERMINATE: &str = "indeterminate";
/// The op is done, and the state that it should give is not there.
pub const NO_EFFECT: &str = "no-effect";
pub const ABORTED: &str = "aborted";
/// More workers failed than the run's budget of failures allows.
pub const BUDGET_SPENT: &str = "budget-spent";
/// A node is not Ready, runs a kubelet of another version than its package, or lacks devices that it had: its cordon stays.
pub const NOT_WHOLE: &str = "not-whole";
/// A person paused the run.
pub const OPERATOR: &str = "operator";
pub const ODD_REPLY: &str = "odd-reply";
