//! podlift.v1 on the wire: generated code, and the codec that its services use. Only `podlift_common::wire` looks inside its types; the
//! domain's own types are in `podlift_model`. Besides, the part of the kubelet's own API that the agent asks.
#![allow(clippy::all, missing_docs)]

/// Version of the session protocol. An agent of another version is refused with what to do.
pub const PROTOCOL: u32 = 1;

/// All messages and services with what they import, as a compiler describes them: for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("../baseline.binpb");

pub mod codec;

pub mod v1 {
    include!("gen/podlift.v1.rs");
}

/// The kubelet's API of allocated devices, as far as the agent asks it. Its package is `v1`.
pub mod podresources {
    include!("gen/v1.rs");
}
