//! Reading a release as far as the server lets its user see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::release::{ApplyMethod, Hook, Info, Release};
use api::Reason;
use chart::{Chart, Metadata};
use serde_json::{Map, Value};

use super::client::{Ask, Refused, with_query};
use super::read::time;
use super::{Remote, read};
use crate::fail::{Fail, Outcome};
use crate::releases::Part;

/// Reads a release at a revision, or its last; where the whole record may not be seen, what is asked for of it.
pub(super) fn content(
    remote: &Remote,
    name: &str,
    revision: Option<u32>,
    part: Part,
) -> Outcome<(BTreeMap<String, String>, Release)> {
    match read::content(remote, name, revision) {
        Ok(found) => Ok(found),
        // Here there is no more than a record that is missing.
        Err(Refused::Problem(found)) if found.reason == Reason::RevisionNotFound => {
            Err(Fail::new("release: not found"))
        }
        Err(Refused::Problem(found)) if found.reason == Reason::ClusterForbidden && part != Part::All => {
            Ok((BTreeMap::new(), assembled(remote, name, revision, part)?))
        }
        Err(refused) => Err(refused.into()),
    }
}

fn assembled(remote: &Remote, name: &str, revision: Option<u32>, part: Part) -> Outcome<Release> {
    let at = revision.map(|revision| format!("/revisions/{revision}")).unwrap_or_default();
    let path = |part: &str| remote.release(name, &format!("{at}{part}"));
    let found: api::Release = remote.client.json(&Ask::get(path("")))?;
    let chart: api::Metadata = remote.client.json(&Ask::get(path("/chart")))?;
    let mut release = summary(found, &chart)?;
    match part {
        Part::None | Part::All => {}
        Part::Values => release.config = values(remote, path("/values"))?,
        Part::AllValues => {
            release.config = values(remote, with_query(path("/values"), &[("all", "true".to_owned())]))?;
        }
        Part::Manifest => {
            release.manifest = remote.client.json::<api::Manifest>(&Ask::get(path("/manifest")))?.manifest
        }
        Part::Notes => release.info.notes = remote.client.json::<api::Notes>(&Ask::get(path("/notes")))?.notes,
        Part::Hooks => {
            let hooks: api::HookList = remote.client.json(&Ask::get(path("/hooks")))?;
            release.hooks = hooks.items.into_iter().map(hook).collect();
        }
    }
    Ok(release)
}

fn values(remote: &Remote, path: String) -> Outcome<goyaml::Map> {
    let values: Map<String, Value> = remote.client.json(&Ask::get(path))?;
    Ok(goyaml::from_json_map(Value::Object(values).to_string())?)
}

/// What is shown of every release, as a record.
fn summary(found: api::Release, chart: &api::Metadata) -> Outcome<Release> {
    let metadata: Metadata = serde_json::from_value(serde_json::to_value(chart)?)?;
    Ok(Release {
        name: found.name,
        namespace: found.namespace,
        version: found.revision,
        info: Info {
            first_deployed: time(found.first_deployed_at)?,
            last_deployed: time(found.last_deployed_at)?,
            deleted: time(found.deleted_at)?,
            description: found.description,
            status: found.status.parse().unwrap_or_default(),
            rollback_revision: found.rollback_revision.unwrap_or(0),
            notes: String::new(),
        },
        chart: Arc::new(Chart { metadata, ..Chart::default() }),
        apply_method: Some(ApplyMethod::of(found.apply_method == "ssa")),
        labels: found.labels,
        ..Release::default()
    })
}

fn hook(found: api::Hook) -> Hook {
    Hook { name: found.name, kind: found.kind, path: found.path, manifest: found.manifest, ..Hook::default() }
}
