//! The objects of a release in the cluster: what Tiller does with a manifest, as Helm 2.17: `pkg/kube/client.go`.

mod crds;
mod shown;
mod update;
mod wait;

use std::future::Future;
use std::time::Duration;

use cluster::{ApplyOptions, Cluster, FieldValidation, Object, Propagation, per_kind};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, LogParams, ObjectMeta, PostParams};
use tokio::time::Instant;

pub(crate) use self::shown::MISSING;
pub(crate) use self::update::Update;
use crate::failure::Failure;

/// How many calls are made at the same time.
const PARALLEL: usize = 8;

/// What Tiller says of a manifest without objects.
pub(crate) const NO_OBJECTS: &str = "no objects visited";

/// The objects of one cluster, as manifests name them.
#[derive(Clone)]
pub(crate) struct Objects {
    pub(crate) cluster: Cluster,
}

/// When to give up: no seconds at all mean never.
pub(crate) fn deadline(seconds: i64) -> Option<Instant> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    // What is further away than anybody waits is no end.
    Instant::now().checked_add(Duration::from_secs(seconds))
}

impl Objects {
    /// Makes objects of a manifest.
    pub(crate) async fn build(&self, namespace: &str, manifest: &str) -> Result<Vec<Object>, Failure> {
        let mut documents = engine::documents(manifest)?;
        if documents.iter().any(crds::is_old) {
            let served = self.cluster.served().await?;
            documents.iter_mut().for_each(|document| crds::renew(document, &served));
        }
        Ok(self.cluster.build(documents, if namespace.is_empty() { "default" } else { namespace }).await?)
    }

    /// Checks that all kinds of a manifest are served, which is all that Tiller checks.
    pub(crate) async fn validate(&self, namespace: &str, manifest: &str) -> Result<(), Failure> {
        self.build(namespace, manifest).await.map(drop)
    }

    /// Creates the objects of a manifest; one that is there already is an error.
    pub(crate) async fn create(&self, namespace: &str, manifest: &str) -> Result<Vec<Object>, Failure> {
        self.ensure_namespace(namespace).await?;
        let objects = self.build(namespace, manifest).await?;
        self.perform(&objects, |object| self.create_one(object)).await?;
        Ok(objects)
    }

    pub(super) async fn create_one(&self, object: &Object) -> Result<(), Failure> {
        // Fields that the cluster does not know are dropped, as when Tiller sends them.
        let options = ApplyOptions { validation: FieldValidation::Ignore, ..ApplyOptions::default() };
        self.cluster.create(object, &options).await?;
        if crds::is_definition(object) {
            self.cluster.forget_served();
        }
        Ok(())
    }

    /// Deletes the objects of a manifest; those that are gone are no error.
    pub(crate) async fn delete(&self, namespace: &str, manifest: &str) -> Result<Vec<Object>, Failure> {
        let objects = self.build(namespace, manifest).await?;
        self.perform(&objects, |object| async move {
            self.cluster.delete(object.id(), Propagation::Background).await?;
            Ok(())
        })
        .await?;
        Ok(objects)
    }

    /// Does the same with all objects, one kind after the other; the first failure is what is told.
    async fn perform<'o, F>(&self, objects: &'o [Object], each: impl Fn(&'o Object) -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        if objects.is_empty() {
            return Err(Failure::new(NO_OBJECTS));
        }
        per_kind(objects, PARALLEL, each).await.into_iter().collect()
    }

    /// Creates a namespace that is not there, with the label that Tiller gives it.
    async fn ensure_namespace(&self, namespace: &str) -> Result<(), Failure> {
        let name = if namespace.is_empty() { "default" } else { namespace };
        let api: Api<Namespace> = Api::all(self.cluster.client().clone());
        let refused = |error: kube::Error| Failure::new(of_kube(&error));
        if api.get_opt(name).await.map_err(refused)?.is_some() {
            return Ok(());
        }
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([("name".to_owned(), name.to_owned())].into()),
            ..ObjectMeta::default()
        };
        match api.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            made => made.map(drop).map_err(refused),
        }
    }

    /// Reads what a pod has written so far.
    pub(crate) async fn logs(&self, namespace: &str, pod: &str) -> Result<String, Failure> {
        let api: Api<Pod> = Api::namespaced(self.cluster.client().clone(), namespace);
        // Whoever writes the chart writes the log; a megabyte is more than anybody reads in a terminal.
        let params = LogParams { limit_bytes: Some(1 << 20), ..LogParams::default() };
        let logs = api.logs(pod, &params).await;
        logs.map_err(|error| Failure(format!("error in opening log stream, got: {}", of_kube(&error))))
    }
}

pub(super) fn of_kube(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
