//! Secrets of the server's own that callers write: clusters and repositories.

use api::Problem;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams, Preconditions};

use super::{Home, code, problem_of};

/// Why a Secret was not written.
pub(crate) enum NotWritten {
    /// There is one already, or somebody else has written it.
    Conflict,
    /// The cluster `default` refuses.
    Refused(Box<Problem>),
}

impl Home {
    /// Reads a Secret.
    pub(crate) async fn secret(&self, name: &str) -> Result<Option<Secret>, Box<Problem>> {
        self.secrets()?.get_opt(name).await.map_err(|e| self.refused(e))
    }

    /// Writes a Secret: a new one, or over the one that was read.
    pub(crate) async fn write_secret(&self, secret: Secret, is_new: bool) -> Result<Secret, NotWritten> {
        let secrets = self.secrets().map_err(NotWritten::Refused)?;
        let params = PostParams::default();
        let done = match is_new {
            true => secrets.create(&params, &secret).await,
            false => secrets.replace(secret.metadata.name.as_deref().unwrap_or_default(), &params, &secret).await,
        };
        done.map_err(|error| match code(&error) {
            Some(409) => NotWritten::Conflict,
            Some(404) if !is_new => NotWritten::Conflict,
            _ => NotWritten::Refused(self.refused(error)),
        })
    }

    /// Deletes a Secret, unless somebody has written it meanwhile.
    pub(crate) async fn delete_secret(&self, name: &str, version: Option<String>) -> Result<(), NotWritten> {
        let secrets = self.secrets().map_err(NotWritten::Refused)?;
        let preconditions = Some(Preconditions { resource_version: version, uid: None });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        match secrets.delete(name, &params).await {
            Ok(_) => Ok(()),
            Err(error) => match code(&error) {
                Some(404) => Ok(()),
                Some(409) => Err(NotWritten::Conflict),
                Some(_) => Err(NotWritten::Refused(self.refused(error))),
                None => Err(NotWritten::Refused(problem_of(error))),
            },
        }
    }
}

/// Tells whether a version is newer than another one; versions that are no numbers are news whenever they differ.
pub(crate) fn is_newer(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version > than,
        _ => version != than,
    }
}
