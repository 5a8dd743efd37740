//! What Tiller does with releases, call by call, as Helm 2.17: `pkg/tiller/release_*.go`, with two promises that Tiller does not make: the
//! record is written before the cluster is touched, and a release is never left pending by somebody who is dead or has failed.

mod hooks;
mod install;
mod list;
mod lock;
mod names;
mod read;
mod render;
mod rollback;
mod suite;
mod uninstall;
mod update;
mod values;

use std::sync::Arc;

use jiff::Timestamp;
use prost_types::Timestamp as Moment;
use tiller::hapi::release::Release;
use tiller::hapi::release::status::Code;
use tiller::{Store, Stored};

pub(crate) use self::lock::Locks;
use crate::failure::Failure;
use crate::objects::Objects;

/// The most that a release's name may have, in bytes.
const LONGEST_NAME: usize = 53;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The releases of one cluster as a Tiller keeps them.
#[derive(Clone)]
pub(crate) struct Releases {
    pub(crate) objects: Objects,
    pub(crate) store: Store,
    pub(crate) engine: engine::Settings,
    pub(crate) clock: Clock,
    /// How many revisions of a release are kept; 0 keeps all.
    pub(crate) history_max: usize,
    pub(crate) locks: Arc<lock::Locks>,
}

impl Releases {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn moment(&self) -> Moment {
        let now = self.now();
        Moment { seconds: now.as_second(), nanos: now.subsec_nanosecond() }
    }

    /// Makes the record of a new revision, and room for it.
    async fn create(&self, release: Release) -> Result<Stored, Failure> {
        if let Err(error) = self.prune(&release.name).await {
            tracing::warn!(release = release.name, %error, "old revisions cannot be removed");
        }
        Ok(self.store.create(release, self.now()).await?)
    }

    /// Writes a record; the cluster has been changed already, so that it cannot be written is told in the log, as by Tiller.
    async fn note(&self, stored: &mut Stored) {
        if let Err(error) = self.store.update(stored, self.now()).await {
            let Release { name, version, .. } = &stored.release;
            tracing::error!(release = name, revision = version, %error, "a record cannot be written");
        }
    }

    /// Says of a revision that it has failed.
    async fn fail(&self, stored: &mut Stored, text: String) {
        tracing::warn!(release = stored.release.name, "{text}");
        stored.set(Code::Failed);
        stored.info().description = text;
        self.note(stored).await;
    }

    /// Says of a revision that it is deployed, and of all others that they are not any more. Tiller does it the other way round; when it dies in
    /// between, nothing is deployed and nothing can be upgraded.
    async fn deploy(&self, stored: &mut Stored) -> Result<(), Failure> {
        stored.set(Code::Deployed);
        self.store.update(stored, self.now()).await?;
        for mut other in self.store.deployed_all(&stored.release.name).await? {
            if other.release.version != stored.release.version {
                other.set(Code::Superseded);
                self.note(&mut other).await;
            }
        }
        Ok(())
    }

    /// The last revision up to one of which it is known what it has done: all that failed since may have done a part of what they say.
    async fn last_good(&self, name: &str, last: &Stored) -> Result<i32, Failure> {
        let is_good =
            |code| !matches!(code, Code::Failed | Code::PendingInstall | Code::PendingUpgrade | Code::PendingRollback);
        if is_good(last.code()) {
            return Ok(last.release.version);
        }
        let history = self.store.history(name).await?;
        let mut older = history.iter().rev().filter(|stored| stored.release.version < last.release.version);
        Ok(older.find(|stored| is_good(stored.code())).map_or(0, |stored| stored.release.version))
    }

    /// The revisions from one up to, and without, another.
    async fn since(&self, name: &str, from: i32, to: i32) -> Result<Vec<Stored>, Failure> {
        let history = self.store.history(name).await?;
        Ok(history.into_iter().filter(|stored| (from..to).contains(&stored.release.version)).collect())
    }

    /// Removes the oldest revisions so that one more is not too many; the one that is deployed stays.
    async fn prune(&self, name: &str) -> Result<(), Failure> {
        let Some(max) = self.history_max.checked_sub(1) else { return Ok(()) };
        let mut heads = self.store.heads(Some(name)).await.map_err(|error| Failure::new(error.to_string()))?;
        let surplus = heads.len().saturating_sub(max);
        let deployed = heads.iter().rfind(|head| head.status == "DEPLOYED").map(|head| head.revision);
        heads.retain(|head| Some(head.revision) != deployed);
        for head in heads.iter().take(surplus) {
            self.store.remove(head).await.map_err(|error| Failure::new(error.to_string()))?;
        }
        Ok(())
    }
}

/// Checks the name of a release that is to be there.
fn check_name(name: &str) -> Result<(), Failure> {
    if name.is_empty() {
        return Err(Failure::new("no release provided"));
    }
    let is_inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    let fits = bytes.len() <= LONGEST_NAME
        && bytes.iter().copied().all(is_inner)
        && ends.into_iter().flatten().all(u8::is_ascii_alphanumeric);
    if fits {
        return Ok(());
    }
    Err(Failure::new(
        "invalid release name, must match regex ^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])+$ and the length must not be longer than 53",
    ))
}

/// What the client said of its change, or what is said when it says nothing.
fn description(said: &str, otherwise: impl Into<String>) -> String {
    if said.is_empty() { otherwise.into() } else { said.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_as_tiller_takes_them() {
        for name in ["a", "a.b", "A-b_c", "a--b", "1", &"a".repeat(53)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["-a", "a-", "a b", "a/b", ".a", "ä", &"a".repeat(54)] {
            assert!(check_name(name).unwrap_err().0.starts_with("invalid release name"), "{name}");
        }
        assert_eq!(check_name("").unwrap_err().0, "no release provided");
    }
}
