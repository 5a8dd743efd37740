//! Reading releases, as Helm 2.17: `pkg/tiller/release_{status,content,history}.go`.

use tiller::hapi::release::Release;
use tiller::hapi::release::status::Code;

use super::{Releases, check_name};
use crate::failure::Failure;

impl Releases {
    /// Reads a revision, or the newest when it is not positive.
    async fn find(&self, name: &str, revision: i32) -> Result<Release, Failure> {
        let found = if revision <= 0 { self.store.last(name).await } else { self.store.read(name, revision).await };
        Ok(found?.release)
    }

    /// Reads a revision and shows how its objects stand.
    pub(crate) async fn status(&self, name: &str, revision: i32) -> Result<Release, Failure> {
        check_name(name)?;
        let found = self.find(name, revision).await;
        let mut release = found.map_err(|error| {
            Failure(if revision <= 0 {
                format!("getting deployed release {name:?}: {error}")
            } else {
                format!("getting release '{name}' (v{revision}): {error}")
            })
        })?;
        if release.chart.is_none() {
            return Err(Failure::new("release chart is missing"));
        }
        let Some(info) = &mut release.info else { return Err(Failure::new("release info is missing")) };
        let status = info.status.get_or_insert_default();
        // Of what is deleted or has failed, there may be nothing.
        if !matches!(status.code(), Code::Deleted | Code::Failed) {
            status.resources = self.objects.show(&release.namespace, &release.manifest).await?;
        }
        Ok(release)
    }

    /// Reads a revision.
    pub(crate) async fn content(&self, name: &str, revision: i32) -> Result<Release, Failure> {
        check_name(name)?;
        self.find(name, revision).await
    }

    /// Reads the newest revisions, the newest first; none at all when none are asked for.
    pub(crate) async fn history(&self, name: &str, max: i32) -> Result<Vec<Release>, Failure> {
        check_name(name)?;
        let all = self.store.history(name).await?;
        let max = usize::try_from(max).unwrap_or(0);
        Ok(all.into_iter().rev().take(max).map(|stored| stored.release).collect())
    }
}
