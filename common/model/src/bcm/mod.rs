//! What BCM's own tools report on a head node, and what an agent of a head node may be asked to do with them. A node of a BCM cluster gets its
//! disk from a software image, so an upgrade changes a copy of that image and lets BCM write it to the node.

mod excludes;
mod head;
pub mod ids;
mod image;
mod node;
mod op;
mod provisioning;
mod sync;

/// The name of the type in an image: it is the same as on a node.
pub use crate::facts::PackageState as ImagePackage;
pub use excludes::{BcmExcludes, OF_IMAGE, PROTECTED};
pub use head::{BcmApplication, BcmCluster, HeadMode, HeadState};
pub use ids::{BcmTaskId, CategoryName, ImageName};
pub use image::BcmImage;
pub use node::{BcmNode, ImageFrom};
pub use op::BcmOp;
pub use provisioning::{BcmProvisioning, BcmTask, Provisioner, TaskState};
pub use sync::{BcmSync, SyncMode};
