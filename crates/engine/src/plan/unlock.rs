//! Ending a pending revision whose program has died.

use release::Status;

use super::{Ending, Failure, Plan, Stance, Step, Verb};
use crate::engine::Engine;
use crate::error::Error;
use crate::intent::{Apply, Unlock, Wait};

impl Engine {
    pub(crate) async fn plan_unlock(&self, wish: Unlock) -> Result<Plan, Error> {
        let past = self.past(&wish.target, wish.expected_revision, Stance::Outside).await?;
        let ending = match (past.ending, past.foreign) {
            (Some(ending), _) => ending,
            (None, Some(head)) => Ending::Failed(Box::new(self.ledger.get(&head.key).await?)),
            (None, None) if past.history.is_empty() => return Err(Error::NotFound(wish.target)),
            (None, None) => return Err(Error::NotLocked(wish.target.name)),
        };
        let (Ending::Failed(record) | Ending::Deployed(record)) = &ending;
        let mut release = record.release.clone();
        let status = if matches!(ending, Ending::Failed(_)) { Status::Failed } else { Status::Deployed };
        release.info.status = status;
        Ok(Plan {
            verb: Verb::Unlock,
            target: wish.target,
            release,
            steps: vec![Step::Lock, Step::End(ending)],
            failure: Failure::default(),
            warnings: past.warnings,
            rejections: Vec::new(),
            apply: Apply::default(),
            wait: Wait::default(),
            migrate_fields: false,
            no_hooks: true,
        })
    }
}
