//! What BCM applies to the cluster by itself. None: this coordinator does not ask BCM.

use crate::bcm::{Bcm, Question, parse};
use podlift_engine::survey::BcmApplication;
use podlift_model::{ClusterName, Failure};

pub(super) async fn read(
    from: Option<(&dyn Bcm, &ClusterName)>,
) -> Result<Option<Vec<BcmApplication>>, Failure> {
    let Some((bcm, cluster)) = from else { return Ok(None) };
    let unknown = |why: String| Failure::permanent("bcm-applications", why);
    let ran = bcm.ask(&Question::Applications { cluster: cluster.clone() }).await;
    let ran = ran.map_err(|e| unknown(e.to_string()))?;
    parse::applications(&ran).map(Some).map_err(unknown)
}
