//! mTLS in both directions, with one provider (aws-lc-rs), TLS 1.3 only and no session resumption, which would skip a fresh check.

pub mod ca;
mod client;
mod identity;
mod material;
mod server;

pub use client::{Connector, Expect};
pub use identity::{Identity, IdentityError, Role, Subject};
pub use material::{Material, TlsError};
pub use server::{Connection, incoming};

/// Makes aws-lc-rs the process's provider. Call it first in `main`; a second call changes nothing.
pub fn install_provider() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

#[cfg(test)]
mod tests;
