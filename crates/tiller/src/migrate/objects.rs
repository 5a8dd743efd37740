//! The live objects of a release, which Helm 4 wants to be marked as its own.

use cluster::{Adopted, NoMatch, ObjectRef, Owner};

use super::Migration;
use super::survey::{Survey, may_be_live};
use crate::error::Error;

impl Migration {
    /// Marks the live objects of those revisions that may have some as the release's own, or counts them.
    pub(super) async fn adopt(&self, survey: &mut Survey, dry_run: bool) -> Result<(), Error> {
        let planned = &mut survey.planned;
        let owner = Owner::new(&planned.name, &planned.namespace);
        let mut objects: Vec<ObjectRef> = Vec::new();
        for wish in survey.revisions.iter().filter(|wish| may_be_live(wish.release.info.status)) {
            let documents = engine::documents(&wish.release.manifest)?;
            let (found, unserved) = self.cluster.build_known(documents, &planned.namespace).await?;
            planned.warnings.extend(unserved.into_iter().map(|NoMatch(id)| {
                format!(
                    "{id} of revision {} is of a kind that the cluster no longer serves; it has to be of another before Helm 4 can upgrade",
                    wish.release.version
                )
            }));
            objects.extend(found.into_iter().map(|object| object.id().clone()));
        }
        objects.sort();
        objects.dedup();
        let mut missing = 0;
        for object in &objects {
            match self.cluster.adopt(object, &owner, dry_run).await? {
                Adopted::Missing => missing += 1,
                Adopted::Already => {}
                Adopted::Marked => planned.adopted += 1,
                Adopted::Foreign(fault) => planned.warnings.push(fault.to_string()),
            }
        }
        if missing > 0 {
            planned.warnings.push(format!("{missing} of {} objects are not in the cluster", objects.len()));
        }
        Ok(())
    }
}
