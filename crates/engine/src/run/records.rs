//! Writing records until it is known that they are written, or that they cannot be.
//!
//! A call that fails may have taken effect. Each write is compare-and-swap, so trying again harms nobody, and reading
//! back tells whether the first try has arrived.

use release::{Error, Key, Ledger, Marks, Record, Release, Status, Token};

use super::Runner;
use crate::error::Failure;
use crate::event::Event;
use crate::lock::{PAUSE, TRIES};
use crate::plan::{Ending, Verb};

impl Runner<'_> {
    /// Ends a revision whose process has died.
    pub(super) async fn end(&mut self, ending: Ending) -> Result<(), Failure> {
        let died = matches!(&ending, Ending::Failed(record) if record.release.info.status == Status::PendingInstall);
        let (record, status, description) = match ending {
            Ending::Deployed(record) => (record, Status::Deployed, "Completed after its process had died".to_owned()),
            Ending::Failed(record) => {
                let status = record.release.info.status;
                let description = match record.release.marks.holder {
                    Some(_) => format!("Release {:?} failed: its process died while it was {status}", self.target.name),
                    None => format!("Release unlocked from stale {:?} state", status.as_str()),
                };
                (record, Status::Failed, description)
            }
        };
        let mut release = record.release;
        release.set_status(status, description);
        // A third command has to know it, should this one die before it has a revision of its own.
        release.marks = Marks { died, ..Marks::default() };
        update(self.engine.ledger(), &release, &record.token).await?;
        (self.observer)(Event::Recorded { revision: release.version, status: status.to_string() });
        if self.verb == Verb::Unlock {
            self.release = release;
        }
        Ok(())
    }

    pub(super) async fn erase_all(&self, keys: &[Key]) -> Result<(), Failure> {
        for key in keys {
            erase(self.engine.ledger(), key).await?;
        }
        Ok(())
    }

    /// Puts the record in a state in which nobody works on it any more.
    pub(super) fn conclude(&mut self, status: Status, description: impl Into<String>) {
        self.release.set_status(status, description);
        self.release.marks = Marks::default();
    }

    /// Stores the record for the first time, under the lock.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.proceed().await?;
        self.release.marks.holder = self.lock.mark().await;
        self.token = Some(create(self.engine.ledger(), &self.release).await?);
        self.recorded();
        Ok(())
    }

    /// Stores the record as it stands.
    pub(super) async fn store(&mut self) -> Result<(), Error> {
        let Some(token) = &self.token else { return Ok(()) };
        self.token = Some(update(self.engine.ledger(), &self.release, token).await?);
        self.recorded();
        Ok(())
    }

    pub(super) fn key(&self) -> Key {
        Key::new(&self.target.namespace, &self.target.name, self.release.version)
    }

    pub(super) fn recorded(&self) {
        let status = self.release.info.status.to_string();
        (self.observer)(Event::Recorded { revision: self.release.version, status });
    }
}

/// Stores a new record.
async fn create(ledger: &dyn Ledger, release: &Release) -> Result<Token, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match ledger.create(release).await {
            Ok(token) => return Ok(token),
            Err(error) => error,
        };
        let again = error.is_retryable() || matches!(&error, Error::Api { code: 409, .. });
        let arrived = tries > 1 && matches!(error, Error::AlreadyExists(_));
        if !again && !arrived || tries >= TRIES {
            return Err(error);
        }
        tokio::time::sleep(PAUSE * tries * tries).await;
        if let Ok(found) = ledger.get(&key(release)).await {
            return if is_write(&found.release, release) {
                Ok(found.token)
            } else {
                Err(Error::AlreadyExists(key(release)))
            };
        }
    }
}

/// Replaces a record that is as it was when `token` was given out.
async fn update(ledger: &dyn Ledger, release: &Release, token: &Token) -> Result<Token, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match ledger.update(release, token).await {
            Ok(token) => return Ok(token),
            Err(error) if error.is_retryable() || matches!(error, Error::Conflict(_)) => error,
            Err(error) => return Err(error),
        };
        if tries >= TRIES {
            return Err(error);
        }
        tokio::time::sleep(PAUSE * tries * tries).await;
        match ledger.get(&key(release)).await {
            Ok(found) if found.token == *token => {}
            Ok(found) if is_write(&found.release, release) => return Ok(found.token),
            Ok(_) => return Err(Error::Conflict(key(release))),
            Err(Error::NotFound(key)) => return Err(Error::NotFound(key)),
            Err(_) => {}
        }
    }
}

/// Marks a revision as superseded by another, whatever else has happened to it.
pub(super) async fn supersede(ledger: &dyn Ledger, mut record: Record, successor: u32) -> Result<(), Error> {
    for _ in 0..TRIES {
        let key = key(&record.release);
        record.release.info.status = Status::Superseded;
        record.release.marks = Marks { successor: Some(successor), ..Marks::default() };
        match update(ledger, &record.release, &record.token).await {
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        // Somebody has written it, such as a test that has ended.
        record = match ledger.get(&key).await {
            Ok(found) if found.release.info.status == Status::Deployed => found,
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
    }
    Err(Error::Conflict(key(&record.release)))
}

/// Deletes a record; one that is gone is fine.
async fn erase(ledger: &dyn Ledger, key: &Key) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match ledger.delete(key).await {
            Ok(()) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) if tries < TRIES && is_passing(&error) => tokio::time::sleep(PAUSE * tries * tries).await,
            Err(error) => return Err(error),
        }
    }
}

/// Deleting knows no versions, so a conflict is as passing as an overload.
fn is_passing(error: &Error) -> bool {
    error.is_retryable() || matches!(error, Error::Conflict(_) | Error::Api { code: 409, .. })
}

fn key(release: &Release) -> Key {
    Key::new(&release.namespace, &release.name, release.version)
}

/// Tells whether a record was stored by the very write of another: nobody else notes our holder, and what a run writes
/// one after the other differs in the time, the status or a hook.
fn is_write(found: &Release, written: &Release) -> bool {
    found.info == written.info && found.hooks == written.hooks && found.marks == written.marks
}
