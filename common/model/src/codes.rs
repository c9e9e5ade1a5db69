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
