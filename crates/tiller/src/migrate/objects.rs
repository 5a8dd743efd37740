//! The live objects of a release, which Helm 4 wants to be marked as its own.

use cluster::{Adopted, Owner};

use super::Migration;
use super::survey::Survey;
use crate::error::Error;

impl Migration {
    /// Marks the objects that may be live as the release's own, or counts them.
    pub(super) async fn adopt(&self, survey: &mut Survey, dry_run: bool) -> Result<(), Error> {
        let planned = &mut survey.planned;
        let owner = Owner::new(&planned.name, &planned.namespace);
        let mut missing = 0;
        for object in &survey.objects {
            match self.cluster.adopt(object, &owner, dry_run).await? {
                Adopted::Missing => missing += 1,
                Adopted::Already => {}
                Adopted::Marked => planned.adopted += 1,
                Adopted::Foreign(fault) => planned.warnings.push(fault.to_string()),
            }
        }
        if missing > 0 {
            planned.warnings.push(format!("{missing} of {} objects are not in the cluster", survey.objects.len()));
        }
        Ok(())
    }
}
