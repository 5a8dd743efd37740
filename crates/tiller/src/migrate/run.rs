//! Bringing one release over.

use release::Error as LedgerError;

use super::survey::Wish;
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
            self.write(wish, &survey.planned.namespace).await?;
        }
        self.adopt(&mut survey, false).await?;
        // Who upgrades with Helm 2 meanwhile must hear of it now: what Helm 4 would be given is not what is in the cluster.
        if self.store.heads(Some(name)).await? != heads {
            return Err(Error::Changed(name.to_owned()));
        }
        let mut planned = survey.planned;
        self.write(&last, &planned.namespace).await?;
        self.store.mark(&last.head, (self.clock)()).await?;
        planned.standing = Standing::Done;
        Ok(planned)
    }

    /// Writes one revision.
    async fn write(&self, wish: &Wish, namespace: &str) -> Result<(), Error> {
        if wish.step == Step::There {
            return Ok(());
        }
        let release = self.converted(&wish.head, Some(namespace)).await?;
        let written = match &wish.there {
            Some(token) => self.ledger.update(&release, token).await,
            None => self.ledger.create(&release).await,
        };
        match written {
            // Somebody else is doing the same; the next try tells whether it was the same.
            Err(LedgerError::AlreadyExists(_)) => Err(Error::Together(release.name)),
            other => Ok(other.map(drop)?),
        }
    }
}
