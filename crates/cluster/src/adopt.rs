//! Making a live object a release's own without touching what it does.

use http::Method;
use serde_json::{Value, json};

use crate::cluster::{Cluster, FIELD_MANAGER};
use crate::error::{Action, Error};
use crate::object::ObjectRef;
use crate::ownership::{NotOwned, Owner};
use crate::request::Call;

/// What became of an object that was to be a release's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is not there.
    Missing,
    /// It was the release's own before.
    Already,
    /// It has been marked.
    Marked,
    /// It is another release's, and was left alone.
    Foreign(Box<NotOwned>),
}

impl Cluster {
    /// Marks a live object as a release's own, as Helm does when it takes one over; another release's is left alone. With
    /// `dry_run`, nothing is sent.
    ///
    /// # Errors
    /// Refusals.
    pub async fn adopt(&self, object: &ObjectRef, owner: &Owner, dry_run: bool) -> Result<Adopted, Error> {
        let Some(live) = self.get(object).await? else { return Ok(Adopted::Missing) };
        let Err(fault) = owner.check(object, &live) else { return Ok(Adopted::Already) };
        if owner.is_another(&live) {
            return Ok(Adopted::Foreign(fault));
        }
        if dry_run {
            return Ok(Adopted::Marked);
        }
        let call = Call::new(Action::Merge, Method::PATCH, self.path(object).await?)
            .query("fieldManager", FIELD_MANAGER)
            .body("application/merge-patch+json", &marks(owner))
            .about(object);
        match call.insist(self.client(), self.patience()).await {
            Ok(_) => Ok(Adopted::Marked),
            Err(Error::NotFound(_)) => Ok(Adopted::Missing),
            Err(error) => Err(error),
        }
    }
}

/// The labels and annotations of an owner, as a patch.
fn marks(owner: &Owner) -> Value {
    let [label, name, namespace] = owner.marks();
    json!({"metadata": {"labels": {label.0: label.1}, "annotations": {name.0: name.1, namespace.0: namespace.1}}})
}
