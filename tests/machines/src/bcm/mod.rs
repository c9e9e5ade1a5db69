//! BCM with real images: folders with a real dpkg on the head node, which a session enters by chroot and which rsync writes to the machines.
//! What BCM answers and keeps is the lab's; here is what of it is done for real.

mod books;
mod daemon;
mod excluded;
mod image;
mod kept;
mod planted;
mod rsync;
mod setup;
mod upgraded;

pub use books::write;
pub use daemon::{Daemon, Update};
pub use image::Images;
pub use planted::plant;
pub use setup::package;
pub use upgraded::{complaints, write_again};

use podlift_lab::world::bcm::build::{PLANES, WORKERS};

/// Where images are on the head node.
pub const IMAGES: &str = podlift_lab::world::bcm::build::IMAGES;

/// A machine that has its disk from an image.
#[derive(Debug, Clone)]
pub struct Imaged {
    pub node: String,
    pub image: &'static str,
    pub category: &'static str,
}

impl Imaged {
    pub fn of(node: &str, control_plane: bool) -> Self {
        let (image, category) = if control_plane { PLANES } else { WORKERS };
        Self { node: node.into(), image, category }
    }
}
