//! Reading releases over the API.

use std::collections::BTreeMap;

use ::release::{InvalidSelector, Release, Selector, Status, Time};
use api::{Reason, RevisionList};
use engine::Form;
use serde_json::{Map, Value};

use super::client::{Ask, Refused, segment, with_query};
use super::{Remote, problem};
use crate::command::Call;
use crate::commands::list::{statuses, window};
use crate::fail::{Fail, Outcome};
use crate::releases::{Listed, Revision};
use crate::status::Resources;

/// How many items of a list are asked for at a time.
const PAGE: usize = 1000;

/// Labels that Helm keeps for itself.
const SYSTEM: [&str; 4] = ["name", "owner", "status", "version"];

/// Reads a release at a revision, or its last.
pub(super) fn content(
    remote: &Remote,
    name: &str,
    revision: Option<u32>,
) -> Result<(BTreeMap<String, String>, Release), Refused> {
    let path = match revision {
        Some(revision) => remote.release(name, &format!("/revisions/{revision}/record")),
        None => remote.release(name, "/record"),
    };
    let found: api::Record = remote.client.json(&Ask::get(path))?;
    let release = record(found.release, found.labels).map_err(Refused::Fail)?;
    Ok((found.system_labels, release))
}

/// The record that JSON is of.
pub(super) fn record(json: Map<String, Value>, labels: BTreeMap<String, String>) -> Outcome<Release> {
    // As a text, since a record's reader looks at how its numbers are written.
    let text = Value::Object(json).to_string();
    let release: Release = serde_json::from_str(&text)
        .map_err(|error| Fail::new(format!("the server's record of the release cannot be read: {error}")))?;
    Ok(Release { labels, ..release })
}

/// Reads the objects of a release that are there, and their pods.
pub(super) fn resources(remote: &Remote, release: &Release, form: Form) -> Outcome<Resources> {
    let form = match form {
        Form::Object => "object",
        Form::Table => "table",
    };
    let path = remote.release(&release.name, &format!("/revisions/{}/objects", release.version));
    Ok(remote.client.json(&Ask::get(with_query(path, &[("form", form.to_owned())])))?)
}

/// Lists the revisions of a release; a record that cannot be read is left out, as with Helm.
pub(super) fn history(remote: &Remote, name: &str) -> Outcome<Vec<Revision>> {
    let found = revisions(remote, name)?.into_iter().filter(|revision| revision.error.is_none());
    found.map(revision).collect()
}

fn revisions(remote: &Remote, name: &str) -> Result<Vec<api::Revision>, Fail> {
    let mut found = Vec::new();
    let mut cont = String::new();
    loop {
        let parameters = [("limit", PAGE.to_string()), ("continue", cont)];
        let path = with_query(remote.release(name, "/revisions"), &parameters);
        let page: RevisionList = remote.client.json(&Ask::get(path))?;
        found.extend(page.items);
        match page.cont {
            Some(next) => cont = next,
            None => return Ok(found),
        }
    }
}

fn revision(found: api::Revision) -> Outcome<Revision> {
    Ok(Revision {
        revision: found.revision,
        updated: time(found.updated_at)?,
        status: found.status,
        chart: format!("{}-{}", found.chart.name, found.chart.version),
        app_version: found.chart.app_version,
        rollback_revision: found.rollback_revision.unwrap_or(0),
        description: found.description,
    })
}

pub(super) fn time(text: Option<String>) -> Outcome<Option<Time>> {
    match text {
        Some(text) => Ok(Time::parse(&text)?),
        None => Ok(None),
    }
}

/// Whether there is nothing to upgrade, and if so, whether a record of what was uninstalled is in the way.
pub(super) fn is_missing(remote: &Remote, name: &str) -> Outcome<Option<bool>> {
    match remote.client.json::<api::Release>(&Ask::get(remote.release(name, ""))) {
        Ok(release) if release.status == Status::Uninstalled.as_str() => Ok(Some(true)),
        Ok(_) => Ok(None),
        Err(Refused::Problem(found)) if found.reason == Reason::ReleaseNotFound => Ok(Some(false)),
        Err(Refused::Problem(found)) => Err(problem::fail(&found)),
        Err(Refused::Fail(fail)) => Err(fail),
    }
}

/// Lists the releases that the flags ask for.
pub(super) fn list(remote: &Remote, call: &Call) -> Outcome<Vec<Listed>> {
    let flags = &call.flags;
    let text = |flag: &str| flags.some(flag).unwrap_or_default().to_owned();
    // What is no expression is told as it is without a server.
    flags.some("filter").map(render::Pattern::new).transpose().map_err(Fail::new)?;
    let selector: Selector = text("selector").parse().map_err(|error: InvalidSelector| Fail::new(error.to_string()))?;
    // The API selects by the labels that users give; by those of Helm itself we do.
    let is_ours = SYSTEM.iter().any(|label| text("selector").contains(label));
    let asked = if is_ours { String::new() } else { text("selector") };
    let wanted: Vec<String> = statuses(call).iter().map(ToString::to_string).collect();
    let order = match (flags.on("date"), flags.on("reverse")) {
        (true, false) => "updated",
        (true, true) => "-updated",
        (false, false) => "name",
        (false, true) => "-name",
    };
    let path = match flags.on("all-namespaces") {
        true => format!("/v1/clusters/{}/releases", segment(&remote.cluster)),
        false => remote.collection(),
    };
    let (offset, most) = window(call);
    let enough = offset.saturating_add(most);
    let (mut found, mut cont) = (Vec::new(), String::new());
    loop {
        let parameters = [
            ("status", wanted.join(",")),
            ("filter", text("filter")),
            ("selector", asked.clone()),
            ("sort", order.to_owned()),
            ("limit", enough.saturating_sub(found.len()).clamp(1, PAGE).to_string()),
            ("continue", cont),
        ];
        let page: api::ReleaseList = remote.client.json(&Ask::get(with_query(path.clone(), &parameters)))?;
        let good = page.items.into_iter().filter(|item| item.error.is_none());
        found.extend(good.filter(|item| !is_ours || selector.matches(&labels(item))));
        match page.cont {
            Some(next) if found.len() < enough => cont = next,
            _ => break,
        }
    }
    found.into_iter().skip(offset).take(most).map(listed).collect()
}

/// The labels of a record, with those of Helm that can be told without it.
fn labels(found: &api::ReleaseSummary) -> BTreeMap<String, String> {
    let mut labels = found.labels.clone();
    let system = [
        ("name", found.name.clone()),
        ("owner", "helm".to_owned()),
        ("status", found.status.clone()),
        ("version", found.revision.to_string()),
    ];
    labels.extend(system.map(|(key, value)| (key.to_owned(), value)));
    labels
}

fn listed(found: api::ReleaseSummary) -> Outcome<Listed> {
    Ok(Listed {
        name: found.name,
        namespace: found.namespace,
        revision: found.revision,
        updated: time(found.updated_at)?,
        status: found.status,
        chart: format!("{}-{}", found.chart.name, found.chart.version),
        app_version: found.chart.app_version,
    })
}
