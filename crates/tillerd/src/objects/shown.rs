//! How the objects of a release stand, as the table that `helm status` prints, as Helm 2.17: `pkg/kube/client.go Get`.

use std::collections::BTreeMap;
use std::fmt::Write;

use cluster::{Object, table_text};
use serde_json::Value;

use super::update::selector;
use super::{NO_OBJECTS, Objects};
use crate::failure::Failure;

/// Under this heading stand the objects that are gone.
pub(crate) const MISSING: &str = "==> MISSING\nKIND\t\tNAME\n";

impl Objects {
    /// Shows the objects of a manifest as the cluster's tables, by version and kind, with the pods of workloads.
    pub(crate) async fn show(&self, namespace: &str, manifest: &str) -> Result<String, Failure> {
        let objects = self.build(namespace, manifest).await?;
        if objects.is_empty() {
            return Err(Failure::new(NO_OBJECTS));
        }
        let mut shown: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut missing = String::new();
        for object in &objects {
            let gvk = &object.id().gvk;
            match self.cluster.table(object.id()).await {
                Ok(Some(table)) => {
                    shown.entry(format!("{}/{}", gvk.version, gvk.kind)).or_default().push(table);
                    self.related(object, &mut shown).await;
                }
                Ok(None) => missing.push_str(&self.missing(object).await),
                Err(error) => {
                    tracing::warn!(object = %object.id(), %error, "an object cannot be read");
                    missing.push_str(&self.missing(object).await);
                }
            }
        }
        let mut text = String::new();
        for (kind, mut tables) in shown {
            // Tiller sorts tables by what stands first in them, if that stands in all.
            if tables.iter().all(|table| first(table).is_some()) {
                tables.sort_by(|a, b| first(a).cmp(&first(b)));
            }
            let mut last = Value::Null;
            let _ = writeln!(text, "==> {kind}");
            tables.iter().for_each(|table| text.push_str(&table_text(table, &mut last)));
            text.push('\n');
        }
        if !missing.is_empty() {
            text.push_str(MISSING);
            // Tiller looks twice, and says twice what it has not found.
            text.push_str(&missing);
            text.push_str(&missing);
        }
        Ok(text)
    }

    /// Adds the pods of a workload.
    async fn related(&self, object: &Object, shown: &mut BTreeMap<String, Vec<Value>>) {
        let Some(selector) = selector(object) else { return };
        match self.cluster.pods_table(object.namespace(), &selector).await {
            Ok(table) => shown.entry("v1/Pod(related)".to_owned()).or_default().push(table),
            Err(error) => tracing::warn!(object = %object.id(), %error, "the pods of an object cannot be listed"),
        }
    }

    async fn missing(&self, object: &Object) -> String {
        let gvk = &object.id().gvk;
        let plural = self.cluster.resource(object.id()).await.map(|resource| resource.plural).unwrap_or_default();
        format!("{}/{}, Resource={plural}\t\t{}\n", gvk.group, gvk.version, object.name())
    }
}

fn first(table: &Value) -> Option<&str> {
    table.pointer("/rows/0/cells/0").and_then(Value::as_str)
}
