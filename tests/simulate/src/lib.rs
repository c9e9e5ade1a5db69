//! Upgrades of a fleet with a trace of jobs, played under several policies.
