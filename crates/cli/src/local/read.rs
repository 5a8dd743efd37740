//! Reading releases in this process.

use std::collections::BTreeMap;

use ::release::{Head, Item, ListFilter, Peek, Release, Scope, Selector, Status};
use engine::{Error, Form};
use render::Pattern;

use crate::command::Call;
use crate::commands::list::{statuses, window};
use crate::connect::Session;
use crate::fail::{Fail, Outcome};
use crate::releases::{Listed, Releases, Revision};
use crate::status::Resources;

/// Reads a release at a revision, or its last.
pub(super) fn content(
    session: &Session,
    name: &str,
    revision: Option<u32>,
) -> Outcome<(BTreeMap<String, String>, Release)> {
    if let Some(revision) = revision {
        let key = ::release::Key::new(&session.namespace, name, revision);
        return match session.wait(session.engine.ledger().get(&key)) {
            Ok(record) => Ok((BTreeMap::new(), record.release)),
            Err(error) => {
                let doing = format!("get: failed to get {:?}", key.object_name());
                Err(session.refused(&doing, Error::Ledger(error)))
            }
        };
    }
    match session.wait(session.engine.last(&session.target(name))) {
        // In a database Helm's own labels are columns, and Helm does not show them.
        Ok((_, record)) if session.engine.ledger().driver() == "SQL" => Ok((BTreeMap::new(), record.release)),
        Ok((head, record)) => Ok((head.system, record.release)),
        Err(error) => Err(session.not_found(error)),
    }
}

/// Reads the objects of a release; there are none where records are read from files.
pub(super) fn resources(session: &Session, release: &Release, form: Form) -> Outcome<Resources> {
    if !session.has_cluster() {
        return Ok(Resources::default());
    }
    session.wait(session.engine.resources(release, form)).map_err(|error| match error {
        Error::Manifest { message } => Fail::new(message),
        error => Fail::from(error),
    })
}

/// Lists the revisions of a release; a record that cannot be read is left out, as with Helm.
pub(super) fn history(session: &Session, name: &str) -> Outcome<Vec<Revision>> {
    let items = session.wait(session.engine.history(&session.target(name)));
    let items = items.map_err(|error| session.not_found(error))?;
    Ok(items.into_iter().filter_map(|Item { head, peek }| Some(revision(head.key.revision, *peek.ok()?))).collect())
}

fn revision(revision: u32, peek: Peek) -> Revision {
    Revision {
        revision,
        updated: peek.info.last_deployed,
        status: peek.info.status.to_string(),
        chart: format!("{}-{}", peek.metadata.name, peek.metadata.version),
        app_version: peek.metadata.app_version,
        rollback_revision: peek.info.rollback_revision,
        description: peek.info.description,
    }
}

/// Whether there is nothing to upgrade, and if so, whether a record of what was uninstalled is in the way.
pub(super) fn is_missing(session: &Session, name: &str) -> Outcome<Option<bool>> {
    let history = session.wait(session.engine.ledger().history(&session.namespace, name));
    let history = history.map_err(|error| session.not_found(Error::Ledger(error)))?;
    Ok(match history.last() {
        None => Some(false),
        Some(last) if last.status == Status::Uninstalled => Some(true),
        Some(_) => None,
    })
}

/// Lists the releases that the flags ask for.
pub(super) fn list(session: &Session, call: &Call) -> Outcome<Vec<Listed>> {
    let listed = |(head, peek): (Head, Box<Peek>)| Listed {
        name: peek.name,
        namespace: head.key.namespace,
        revision: head.key.revision,
        updated: peek.info.last_deployed,
        status: peek.info.status.to_string(),
        chart: format!("{}-{}", peek.metadata.name, peek.metadata.version),
        app_version: peek.metadata.app_version,
    };
    Ok(found(session, call)?.into_iter().map(listed).collect())
}

/// Finds the releases that are asked for, in order, and opens those that are shown.
fn found(session: &Session, call: &Call) -> Outcome<Vec<(Head, Box<Peek>)>> {
    let flags = &call.flags;
    let pattern = flags.some("filter").map(Pattern::new).transpose().map_err(Fail::new)?;
    let scope = match flags.on("all-namespaces") {
        true => Scope::All,
        false => Scope::Namespace(session.namespace.clone()),
    };
    let selector: Selector = match flags.some("selector") {
        Some(text) => text.parse().map_err(|error: ::release::InvalidSelector| Fail::new(error.to_string()))?,
        None => Selector::default(),
    };
    let (offset, most) = window(call);
    let filter = ListFilter { statuses: statuses(call), ..ListFilter::default() };
    let refused = |error| session.refused("list: failed to list", error);
    let by_date = flags.on("date");
    let mut found = if pattern.is_none() && selector == Selector::default() && (by_date || most == usize::MAX) {
        readable(session.wait(session.engine.list(&scope, &filter)).map_err(refused)?)
    } else {
        let mut heads = session.wait(session.engine.heads(&scope, &filter)).map_err(refused)?;
        heads.retain(|head| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&head.key.name)));
        heads.retain(|head| {
            let all = head.labels.iter().chain(&head.system).map(|(key, value)| (key.clone(), value.clone()));
            selector.matches(&all.collect())
        });
        if !by_date {
            // The order is known, and so no more need be opened than are shown.
            if flags.on("reverse") {
                heads.reverse();
            }
            let shown = heads.into_iter().skip(offset).take(most).collect();
            return Ok(readable(session.wait(session.engine.open(shown))?));
        }
        readable(session.wait(session.engine.open(heads))?)
    };
    if by_date {
        found.sort_by_key(|(_, peek)| peek.info.last_deployed.map(|at| at.timestamp()));
    }
    if flags.on("reverse") {
        found.reverse();
    }
    Ok(found.into_iter().skip(offset).take(most).collect())
}

/// Leaves out records that cannot be read, as Helm does.
fn readable(items: Vec<Item>) -> Vec<(Head, Box<Peek>)> {
    items.into_iter().filter_map(|Item { head, peek }| Some((head, peek.ok()?))).collect()
}
