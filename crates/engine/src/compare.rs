//! What two revisions of a release differ in, as they were recorded.

use cluster::{FieldChange, Object, ObjectRef};
use goyaml::Map;
use release::Release;

use crate::engine::Engine;
use crate::error::Error;
use crate::intent::Target;
use crate::manifest::documents;

/// What two revisions differ in.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The older.
    pub from: Release,
    /// The newer.
    pub to: Release,
    /// The user's values.
    pub values: Vec<FieldChange>,
    /// The objects of the manifests: those of the newer in its order, then those that only the older has.
    pub objects: Vec<Compared>,
    /// The hooks, in the same order.
    pub hooks: Vec<Compared>,
    /// Whether the notes differ.
    pub notes: bool,
}

/// An object that is not the same in two revisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The object as its manifest names it: without a namespace, it is in that of the release or in none.
    pub object: ObjectRef,
    /// In what way it differs.
    pub change: ObjectChange,
    /// The fields that differ, of an object that both have.
    pub fields: Vec<FieldChange>,
}

/// In what way an object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    /// Only the newer revision has it.
    Added,
    /// Only the older revision has it.
    Removed,
    /// Both have it.
    Changed,
}

impl Engine {
    /// Compares two revisions of a release: the last when `to` is left out, with the one before it when `from` is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NoRevision`], [`Error::Manifest`] when what is recorded is not YAML, and what the
    /// cluster says.
    pub async fn compare(&self, target: &Target, from: Option<u32>, to: Option<u32>) -> Result<Comparison, Error> {
        let history = self.checked_history(target, None).await?;
        let last = history.last().ok_or_else(|| Error::NotFound(target.clone()))?.key.revision;
        let to = to.unwrap_or(last);
        let before = || history.heads().iter().rev().map(|head| head.key.revision).find(|revision| *revision < to);
        let from = from.or_else(before).ok_or(Error::NoRevision(to.saturating_sub(1)))?;
        let (from, to) = futures::try_join!(self.get(target, Some(from)), self.get(target, Some(to)))?;
        compare(from.release, to.release)
    }
}

fn compare(from: Release, to: Release) -> Result<Comparison, Error> {
    Ok(Comparison {
        values: cluster::differences(&json(&from.config)?, &json(&to.config)?),
        objects: differing(&objects(&from.manifest)?, &objects(&to.manifest)?),
        hooks: differing(&hooks(&from)?, &hooks(&to)?),
        notes: from.info.notes != to.info.notes,
        from,
        to,
    })
}

fn json(values: &Map) -> Result<serde_json::Value, Error> {
    serde_json::to_value(values).map_err(|error| Error::Manifest { message: error.to_string() })
}

/// The documents that are objects: a manifest may have others, which Kubernetes is never sent.
fn objects(manifest: &str) -> Result<Vec<Object>, Error> {
    Ok(documents(manifest)?.into_iter().filter_map(|document| Object::new(document).ok()).collect())
}

fn hooks(release: &Release) -> Result<Vec<Object>, Error> {
    let mut all = Vec::new();
    for hook in &release.hooks {
        all.extend(objects(&hook.manifest)?);
    }
    Ok(all)
}

fn differing(old: &[Object], new: &[Object]) -> Vec<Compared> {
    let of = |object: &Object, change, fields| Compared { object: object.id().clone(), change, fields };
    let mut all = Vec::new();
    for object in new {
        match old.iter().find(|other| other.id().is_same(object.id())) {
            None => all.push(of(object, ObjectChange::Added, Vec::new())),
            Some(before) => {
                let fields = cluster::differences(before.value(), object.value());
                if !fields.is_empty() {
                    all.push(of(object, ObjectChange::Changed, fields));
                }
            }
        }
    }
    all.extend(cluster::removed(old, new).into_iter().map(|gone| of(gone, ObjectChange::Removed, Vec::new())));
    all
}

#[cfg(test)]
mod tests {
    use release::{Hook, Info};
    use serde_json::json;

    use super::*;

    fn map(name: &str, text: &str) -> String {
        format!(
            "---\n# Source: shop/{name}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{text: {text}}}\n"
        )
    }

    fn revision(values: &str, manifest: String, hook: &str, notes: &str) -> Release {
        Release {
            config: goyaml::load_values(values).unwrap(),
            manifest,
            hooks: vec![Hook { manifest: map("hook", hook), ..Hook::default() }],
            info: Info { notes: notes.to_owned(), ..Info::default() },
            ..Release::default()
        }
    }

    #[test]
    fn what_differs_is_named() {
        let old =
            revision("{status: 1, a: {b: 1}}", map("same", "x") + &map("gone", "x") + &map("other", "x"), "x", "hi");
        let new = revision(
            "{status: 2, a: {b: 1}, c: d}",
            map("new", "x") + &map("other", "z") + &map("same", "x"),
            "x",
            "hi",
        );
        let found = compare(old.clone(), new).unwrap();
        let change = |path: &str, before: serde_json::Value, after: serde_json::Value| FieldChange {
            path: path.to_owned(),
            before: Some(before).filter(|v| !v.is_null()),
            after: Some(after).filter(|v| !v.is_null()),
        };
        assert_eq!(found.values, [change(".status", json!(1), json!(2)), change(".c", json!(null), json!("d"))]);
        let objects: Vec<_> = found.objects.iter().map(|it| (it.object.name.as_str(), it.change)).collect();
        assert_eq!(
            objects,
            [("new", ObjectChange::Added), ("other", ObjectChange::Changed), ("gone", ObjectChange::Removed)]
        );
        assert_eq!(found.objects[1].fields, [change(".data.text", json!("x"), json!("z"))]);
        assert_eq!((found.hooks, found.notes), (Vec::new(), false));
        let found = compare(old.clone(), revision("", old.manifest, "z", "ho")).unwrap();
        assert!(found.objects.is_empty() && found.notes);
        assert_eq!(found.hooks[0].change, ObjectChange::Changed);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_an_error() {
        let broken = revision("", "a: [1".to_owned(), "x", "");
        assert!(matches!(compare(broken.clone(), broken), Err(Error::Manifest { .. })));
    }
}
