//! The list of nodes, shared for a second. In a fleet of thousands, hundreds of lanes ask for it at once, and each list is tens of
//! megabytes. It must not serve decisions that need the newest state: the cordon reads its own node and carries its resourceVersion.

use super::api::Api;
use super::nodes;
use podlift_engine::doors::NodeView;
use podlift_model::Failure;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const AGE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Lately(Mutex<Option<(Instant, Vec<NodeView>)>>);

impl Lately {
    /// The shared list if it was requested less than `AGE` before this call, however long its answer takes; otherwise a new one.
    pub async fn nodes(&self, api: &Api) -> Result<Vec<NodeView>, Failure> {
        let came = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((asked, nodes)) = &*last
            && *asked + AGE > came
        {
            return Ok(nodes.clone());
        }
        let asked = Instant::now();
        let nodes = nodes::list(api).await?;
        *last = Some((asked, nodes.clone()));
        Ok(nodes)
    }
}
