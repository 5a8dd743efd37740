//! Bringing one release over.

use release::Error as LedgerError;

use super::survey::{Survey, Wish};
use super::{Migration, Planned, Standing, Step};
use crate::error::Error;
use crate::store::Head;

impl Migration {
    /// Brings one release over, as far as that is not done.
    pub(super) async fn bring(&self, name: &str, heads: &[Head], newest: Option<usize>) -> Result<Planned, Error> {
        let mut survey = self.survey(name, heads, newest).await?;
        if survey.planned.standing != Standing::Pending {
            return Ok(survey.planned);
        }
        let Some(last) = survey.revisions.pop() else { return Ok(survey.planned) };
        for wish in &survey.revisions {
            self.write(wish).await?;
        }
        survey.revisions.push(last);
        self.adopt(&mut survey, false).await?;
        // Who upgrades with Helm 2 meanwhile must hear of it now: what Helm 4 would be given is not what is in the cluster.
        if self.store.heads(Some(name)).await? != heads {
            return Err(Error::Changed(name.to_owned()));
        }
        let Survey { mut planned, revisions } = survey;
        if let Some(last) = revisions.last() {
            self.write(last).await?;
        }
        if let Some(head) = heads.last() {
            self.store.mark(head, (self.clock)()).await?;
        }
        planned.standing = Standing::Done;
        Ok(planned)
    }

    /// Writes one revision.
    async fn write(&self, wish: &Wish) -> Result<(), Error> {
        match (&wish.step, &wish.there) {
            (Step::There, _) => Ok(()),
            (Step::Update, Some(there)) => Ok(self.ledger.update(&wish.release, &there.token).await.map(drop)?),
            (Step::Update | Step::Write, _) => match self.ledger.create(&wish.release).await {
                // Somebody else is doing the same; the next try tells whether it was the same.
                Err(LedgerError::AlreadyExists(_)) => Err(Error::Together(wish.release.name.clone())),
                other => Ok(other.map(drop)?),
            },
        }
    }
}
