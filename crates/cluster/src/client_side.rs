//! Applying without the server's apply: three-way merge and replacement, as Helm 4.3: `pkg/kube/client.go`.

use http::Method;
use serde_json::Value;

use crate::cluster::{
    Applied, ApplyOptions, Cluster, FIELD_MANAGER, FieldValidation, RETRIES, RETRY_PAUSE, applied, has_generated_name,
};
use crate::error::{Action, Error};
use crate::merge::{Baseline, Patch, patch};
use crate::object::Object;
use crate::request::Call;

/// What merging or replacing an object did.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The object as it is now.
    pub live: Value,
    /// What happened to it.
    pub outcome: Outcome,
    /// What the server warns of: fields it does not know, versions that are deprecated.
    pub warnings: Vec<String>,
}

impl Merged {
    fn of(applied: Applied, outcome: Outcome) -> Self {
        Self { live: applied.live, outcome, warnings: applied.warnings }
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    Created,
    /// It was sent.
    Sent,
    /// There was nothing to send.
    Unchanged,
}

impl Cluster {
    /// Makes an object what is wanted by a patch that is computed here; one that is not there is created. An object with
    /// `generateName` is created too.
    ///
    /// # Errors
    /// [`Error::Unmergeable`], [`Error::Invalid`] with the causes, and other refusals.
    pub async fn merge(&self, object: &Object, baseline: &Baseline, dry_run: bool) -> Result<Merged, Error> {
        let id = object.id();
        if has_generated_name(object)? {
            return self.created(object, dry_run).await;
        }
        match self.get(id).await? {
            Some(live) => self.merge_onto(object, live, baseline, dry_run).await,
            None => self.created(object, dry_run).await,
        }
    }

    /// As [`Self::merge`], with an object that was read already.
    ///
    /// # Errors
    /// As [`Self::merge`], and [`Error::NotFound`].
    pub async fn merge_onto(
        &self,
        object: &Object,
        live: Value,
        baseline: &Baseline,
        dry_run: bool,
    ) -> Result<Merged, Error> {
        let id = object.id();
        let Some(patch) = patch(object, &live, baseline)? else {
            return Ok(Merged { live, outcome: Outcome::Unchanged, warnings: Vec::new() });
        };
        let (content, patch) = match &patch {
            Patch::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            Patch::Json(patch) => ("application/merge-patch+json", patch),
        };
        let call = Call::new(Action::Merge, Method::PATCH, self.path(id).await?)
            .query("fieldManager", FIELD_MANAGER)
            .query_if(dry_run, "dryRun", "All")
            .body(content, patch)
            .about(id);
        let answer = call.insist(self.client(), self.patience()).await?;
        Ok(Merged::of(applied(answer)?, Outcome::Sent))
    }

    /// Puts an object in the place of the one that is there; one that is not there is created.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the causes, and other refusals.
    pub async fn replace(&self, object: &Object, dry_run: bool) -> Result<Merged, Error> {
        let id = object.id();
        if has_generated_name(object)? {
            return self.created(object, dry_run).await;
        }
        let path = self.path(id).await?;
        let mut tries = 0;
        loop {
            let Some(live) = self.get(id).await? else { return self.created(object, dry_run).await };
            let mut value = object.value().clone();
            if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
                let version = live.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                metadata.entry("resourceVersion").or_insert(version);
            }
            let call = Call::new(Action::Replace, Method::PUT, path.as_str())
                .query("fieldManager", FIELD_MANAGER)
                .query("fieldValidation", FieldValidation::Strict.as_str())
                .query_if(dry_run, "dryRun", "All")
                .body("application/json", &value)
                .about(id);
            tries += 1;
            match call.insist(self.client(), self.patience()).await {
                // Somebody else was faster; what they have changed is replaced as well.
                Err(Error::Conflict { .. }) if tries < RETRIES => tokio::time::sleep(RETRY_PAUSE).await,
                answer => return Ok(Merged::of(applied(answer?)?, Outcome::Sent)),
            }
        }
    }

    async fn created(&self, object: &Object, dry_run: bool) -> Result<Merged, Error> {
        let options = ApplyOptions { dry_run, validation: FieldValidation::Warn, ..ApplyOptions::default() };
        Ok(Merged::of(self.create(object, &options).await?, Outcome::Created))
    }
}
