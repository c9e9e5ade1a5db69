//! The epoch on the wire.

use super::WireError;
use podlift_model::{Epoch, InstanceId};
use podlift_proto::v1;

pub fn epoch_to_wire(e: &Epoch) -> v1::Epoch {
    v1::Epoch { number: e.number, instance: e.instance.to_string() }
}

pub fn epoch_from_wire(e: &v1::Epoch) -> Result<Epoch, WireError> {
    let instance = InstanceId::new(e.instance.clone()).map_err(|x| WireError::new("epoch.instance", x))?;
    Ok(Epoch { number: e.number, instance })
}
