//! The objects of a release: sent, removed, deleted.

use cluster::{
    ApplyOptions, Baseline, Deletable, FieldValidation, Object, ObjectRef, Outcome, Owner, Propagation, WaitOptions,
};
use serde_json::json;
use tokio::time::Instant;

use super::{CRD_WAIT, Runner};
use crate::engine::PARALLEL;
use crate::error::Failure;
use crate::intent::Cascade;
use crate::plan::{Action, Deletion, Planned, Verb};

impl Runner<'_> {
    /// Creates the release's namespace; one that is there is left as it is.
    pub(super) async fn create_namespace(&self) -> Result<(), Failure> {
        let name = &self.target.namespace;
        // The label is Helm's own (`pkg/action/install.go`), and what is empty is said, as Go's structures do.
        let namespace = Object::new(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}},
            "spec": {},
        }))?;
        self.proceed().await?;
        if self.engine.cluster.get(namespace.id()).await?.is_none() {
            self.send_new(&namespace).await?;
            self.tell(namespace.id(), "created", None);
        }
        Ok(())
    }

    /// Sends an object that is not there.
    pub(super) async fn send_new(&self, object: &Object) -> Result<(), cluster::Error> {
        if self.is_server_side() {
            self.pass_on(self.engine.cluster.apply(object, &ApplyOptions::default()).await?.warnings);
            return Ok(());
        }
        let options = ApplyOptions { validation: FieldValidation::Warn, ..ApplyOptions::default() };
        self.pass_on(self.engine.cluster.create(object, &options).await?.warnings);
        Ok(())
    }

    /// Creates custom resource definitions that are not there, and waits until they are served. They are sent as the
    /// other objects are, as Helm does it: what was created and is applied later would conflict with itself. Those that
    /// are there are replaced on request.
    pub(super) async fn create_crds(&self, crds: Vec<Object>, replace: bool) -> Result<(), Failure> {
        let failed = |crd: &Object, error| Failure::Crd { name: crd.name().to_owned(), source: Box::new(error) };
        for crd in &crds {
            self.proceed().await?;
            let there = self.engine.cluster.get(crd.id()).await.map_err(|error| failed(crd, error))?.is_some();
            let action = match (there, replace) {
                (true, false) => "unchanged",
                (true, true) => {
                    self.replace_crd(crd).await.map_err(|error| failed(crd, error))?;
                    "configured"
                }
                (false, _) => {
                    self.send_new(crd).await.map_err(|error| failed(crd, error))?;
                    "created"
                }
            };
            self.tell(crd.id(), action, None);
        }
        let options = WaitOptions::until(Instant::now() + CRD_WAIT);
        self.unless_cancelled(self.engine.cluster.wait_ready(&crds, &options, &|_, _| {})).await?;
        self.engine.cluster.forget_served();
        Ok(())
    }

    /// Puts a definition in the place of the one that is there.
    async fn replace_crd(&self, crd: &Object) -> Result<(), cluster::Error> {
        if self.is_server_side() {
            let options = ApplyOptions { force: true, ..ApplyOptions::default() };
            self.engine.cluster.migrate_fields(crd.id(), false).await?;
            self.pass_on(self.engine.cluster.apply(crd, &options).await?.warnings);
        } else {
            self.pass_on(self.engine.cluster.replace(crd, false).await?.warnings);
        }
        Ok(())
    }

    /// Sends objects, the kinds one after the other, the objects of a kind at the same time.
    pub(super) async fn apply_all(&mut self, planned: Vec<Planned>) -> Result<(), Failure> {
        let mut failures = Vec::new();
        for kind in planned.chunk_by(|a, b| a.object.kind() == b.object.kind()) {
            let results = cluster::all(kind, PARALLEL, |planned| self.apply_one(planned)).await;
            for (planned, result) in kind.iter().zip(results) {
                match result {
                    Ok(true) => self.created.push(planned.object.id().clone()),
                    Ok(false) => {}
                    Err(Failure::Cluster(error)) => failures.push(self.not_sent(planned, error).await),
                    Err(error) => failures.push(error),
                }
            }
            // As Helm: an install tries the other kinds too, and tells of all that are refused; others end here.
            let refused = |failure: &Failure| matches!(failure, Failure::Cluster(error) if is_refusal(error));
            if !failures.is_empty() && !(self.verb == Verb::Install && failures.iter().all(refused)) {
                break;
            }
        }
        if self.verb == Verb::Install && failures.len() > 1 {
            return Err(Failure::Each(failures));
        }
        Failure::all(failures)
    }

    /// Why an object could not be sent. Helm looks at each object of an upgrade before it sends it, as Helm 4.3:
    /// `pkg/kube/client.go Update`, and says first what it has met there.
    async fn not_sent(&self, planned: &Planned, error: cluster::Error) -> Failure {
        if self.verb == Verb::Install {
            return Failure::Cluster(error);
        }
        let (stage, source) = match self.engine.cluster.get(planned.object.id()).await {
            Ok(Some(_)) => return Failure::Cluster(error),
            Err(unseen @ cluster::Error::Forbidden(_)) => ("could not get information about the resource", unseen),
            _ => ("failed to create resource", error),
        };
        Failure::Hook { stage: stage.to_owned(), source: Box::new(source.into()) }
    }

    /// Sends one object; whether that created it.
    async fn apply_one(&self, planned: &Planned) -> Result<bool, Failure> {
        self.proceed().await?;
        let (cluster, object) = (&self.engine.cluster, &planned.object);
        if planned.action == Action::Unchanged && !self.hooked {
            self.tell(object.id(), "unchanged", None);
            return Ok(false);
        }
        if !self.is_server_side() {
            let outcome = self.merge_one(planned).await?;
            let action = match outcome {
                Outcome::Created => "created",
                Outcome::Sent => "configured",
                Outcome::Unchanged => "unchanged",
            };
            self.tell(object.id(), action, self.unexpected(planned, outcome == Outcome::Created));
            return Ok(outcome == Outcome::Created);
        }
        let update = planned.action != Action::Create;
        if update && self.migrate_fields {
            match cluster.migrate_fields(object.id(), false).await {
                Ok(_) => {}
                // Deleted by hand: applying puts it back.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let options = ApplyOptions {
            // As Helm: what is new is never forced.
            force: update && self.apply.force_conflicts,
            dry_run: false,
            validation: FieldValidation::Strict,
        };
        let applied = cluster.apply(object, &options).await?;
        self.pass_on(applied.warnings);
        let action = if applied.created { "created" } else { "configured" };
        self.tell(object.id(), action, self.unexpected(planned, applied.created));
        Ok(applied.created)
    }

    /// What to say of an object that a rollback was to create and that was there.
    fn unexpected(&self, planned: &Planned, created: bool) -> Option<String> {
        let unexpected = planned.action == Action::Create && !created && self.verb == Verb::Rollback;
        unexpected.then(|| "it is there, but was not part of the revision before".to_owned())
    }

    /// Sends one object without the server's apply, as Helm 4.3: `pkg/kube/client.go Update`. What an install knows not to
    /// be there is created and nothing else, unless it takes others over.
    async fn merge_one(&self, planned: &Planned) -> Result<Outcome, Failure> {
        let (cluster, object) = (&self.engine.cluster, &planned.object);
        if self.verb == Verb::Install && planned.baseline == Baseline::Itself && planned.action == Action::Create {
            self.send_new(object).await?;
            return Ok(Outcome::Created);
        }
        let merged = if self.apply.force_replace {
            cluster.replace(object, false).await?
        } else {
            cluster.merge(object, &planned.baseline, false).await?
        };
        self.pass_on(merged.warnings);
        Ok(merged.outcome)
    }

    /// Deletes what is no longer part of the release, unless it says that it wants to stay.
    pub(super) async fn remove(&self, objects: Vec<Object>) -> Result<(), Failure> {
        let results = cluster::all(&objects, PARALLEL, |object| self.remove_one(object.id())).await;
        Failure::all(results.into_iter().filter_map(Result::err).collect())
    }

    async fn remove_one(&self, object: &ObjectRef) -> Result<(), Failure> {
        self.proceed().await?;
        let Some(live) = self.engine.cluster.get(object).await? else { return Ok(()) };
        if cluster::is_kept(&live) {
            self.tell(object, "kept", Some("its resource policy is `keep`".to_owned()));
            return Ok(());
        }
        let owner = Owner::new(&self.target.name, &self.target.namespace);
        if let Err(foreign) = owner.check(object, &live) {
            self.warn(format!("{} {} is not deleted: {}", object.gvk.kind, object.name, foreign.wrong.join("; ")));
            return Ok(());
        }
        if self.engine.cluster.delete(object, Propagation::Background).await? {
            self.tell(object, "deleted", None);
        }
        Ok(())
    }

    /// Deletes the objects of a release that it owns, kind after kind, and waits until they are gone.
    pub(super) async fn delete(&mut self, deletion: Deletion) -> Result<(), Failure> {
        for kept in &deletion.kept {
            self.warn(format!("{kept} is kept because of its resource policy"));
        }
        let owner = Owner::new(&self.target.name, &self.target.namespace);
        let cluster = &self.engine.cluster;
        let verdicts = cluster::all(&deletion.objects, PARALLEL, |object| cluster.deletable(object.id(), &owner)).await;
        let (mut owned, mut failures) = (Vec::new(), Vec::new());
        for (object, verdict) in deletion.objects.into_iter().zip(verdicts) {
            let name = format!("{} {}", object.kind(), object.name());
            match verdict {
                Deletable::Owned => owned.push(object),
                Deletable::Gone => {}
                Deletable::Foreign(_) => {
                    self.tell(object.id(), "not-owned", None);
                    self.warn(format!("{name} is not deleted: this release does not own it"));
                }
                // Whose it is will be known the next time; until then the record must not go.
                Deletable::Unverifiable(error) if !is_refusal(&error) => failures.push(Failure::Cluster(error)),
                Deletable::Unverifiable(error) => {
                    self.tell(object.id(), "unverifiable", Some(error.to_string()));
                    self.warn(format!("{name} is not deleted: its owner cannot be verified: {error}"));
                }
            }
        }
        let propagation = match deletion.cascade {
            Cascade::Background => Propagation::Background,
            Cascade::Foreground => Propagation::Foreground,
            Cascade::Orphan => Propagation::Orphan,
        };
        Failure::all(std::mem::take(&mut failures))?;
        let this = &*self;
        for result in cluster::per_kind(&owned, PARALLEL, |object| async move {
            this.proceed().await?;
            cluster.delete(object.id(), propagation).await?;
            Ok::<_, Failure>(object)
        })
        .await
        {
            match result {
                Ok(object) => self.tell(object.id(), "deleted", None),
                Err(error) => failures.push(error),
            }
        }
        Failure::all(failures)?;
        let Some(options) = self.wait_options() else { return Ok(()) };
        let gone: Vec<ObjectRef> = owned.iter().map(|object| object.id().clone()).collect();
        let told = |object: &ObjectRef, readiness: &cluster::Readiness| self.tell_readiness(object, readiness);
        self.unless_cancelled(cluster.wait_gone(&gone, &options, &told)).await
    }
}

/// Tells whether the cluster has said no for good.
fn is_refusal(error: &cluster::Error) -> bool {
    use cluster::Error::{Conflict, Unreadable};
    !error.is_retryable() && !matches!(error, Conflict { .. } | Unreadable { .. })
}
