//! Removing what Tiller has kept of releases that were brought over.

use serde::Serialize;

use super::{Migration, Wanted};
use crate::error::Error;

/// What is removed of one release, or why nothing is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    /// The release.
    pub name: String,
    /// Tiller's records that are removed, the oldest first; none when it was not brought over.
    pub removed: Vec<String>,
    /// Why not all of them could be removed.
    #[serde(skip)]
    pub error: Option<Error>,
}

impl Migration {
    /// Removes Tiller's records of those releases that were brought over, with all their revisions; the others stay. With `dry_run`, nothing is
    /// removed. The newest goes last, so that what was interrupted is known to be done.
    ///
    /// # Errors
    /// When Tiller's records cannot be listed, or a release that is asked for is not among them.
    pub async fn cleanup(&self, wanted: &Wanted, dry_run: bool) -> Result<Vec<Cleaned>, Error> {
        self.each(wanted, |name, heads| async move {
            let mut cleaned = Cleaned { name, removed: Vec::new(), error: None };
            if !heads.last().is_some_and(|head| head.brought) {
                return cleaned;
            }
            for head in &heads {
                if !dry_run && let Err(error) = self.store.remove(head).await {
                    cleaned.error = Some(error);
                    break;
                }
                cleaned.removed.push(head.object.clone());
            }
            cleaned
        })
        .await
    }
}
