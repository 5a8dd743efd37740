//! Objects as the server wants them shown: rows and columns (Kubernetes' `meta.k8s.io/v1 Table`).

use serde_json::Value;

use crate::cluster::Cluster;
use crate::error::{Action, Error};
use crate::object::{Gvk, ObjectRef};
use crate::request::Call;

/// What Helm asks for: a table, or else the object.
const TABLE: &str =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

impl Cluster {
    /// Reads an object as a table with one row; `None` when it is not there.
    ///
    /// # Errors
    /// Refusals.
    pub async fn table(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let path = self.resource(object).await?.object_path(&object.namespace, &object.name);
        match self.in_table(Call::get(Action::Get, path).about(object)).await {
            Err(Error::NotFound(_)) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Lists the pods of a namespace that have labels, as a table.
    ///
    /// # Errors
    /// Refusals.
    pub async fn pods_table(&self, namespace: &str, labels: &str) -> Result<Value, Error> {
        self.in_table(self.pods(namespace, labels).await?).await
    }

    /// Lists the pods of a namespace that have labels, as the server's list.
    ///
    /// # Errors
    /// Refusals.
    pub async fn pods_list(&self, namespace: &str, labels: &str) -> Result<Value, Error> {
        self.pods(namespace, labels).await?.send(self.client()).await?.json()
    }

    async fn pods(&self, namespace: &str, labels: &str) -> Result<Call, Error> {
        let pod = ObjectRef { gvk: Gvk::new("v1", "Pod"), namespace: namespace.to_owned(), name: String::new() };
        let path = self.resource(&pod).await?.path(namespace);
        Ok(Call::get(Action::List, path).query("labelSelector", labels).query("limit", "500"))
    }

    async fn in_table(&self, call: Call) -> Result<Value, Error> {
        call.accept(TABLE).query("includeObject", "Object").send(self.client()).await?.json()
    }
}
