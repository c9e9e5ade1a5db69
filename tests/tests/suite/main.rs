//! The suites over everything, one module each, linked once.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test may panic, reads the documentation, and starts the etcd pair

mod act_twice;
mod agent_promises;
mod alerts;
mod aside;
mod cluster_adapter;
mod crash_everywhere;
mod drain_cases;
mod fail_each_step;
mod fault_matrix;
mod images;
mod issues;
mod metrics;
mod pauses;
mod plan_cases;
mod rollout;
mod run_promises;
mod runbook_map;
mod sabotage;
mod schemas;
mod traces;
