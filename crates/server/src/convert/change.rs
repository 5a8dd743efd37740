//! The bodies of changes become intents; all checking of input that needs no cluster happens here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{ChangeBody, InputError, Problem, RollbackBody, ServerSide, TestBody};
use engine::{
    Apply, Cascade, Change, Crds, Method, OnFailure, Rollback, Target, Test, Uninstall, ValueStrategy, Wait,
    WaitStrategy,
};

/// As Helm's `HELM_MAX_HISTORY`.
const HISTORY_MAX: u32 = 10;
const TIMEOUT: Duration = Duration::from_secs(300);
/// What one wait may take at most: a day.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

type Checked<T> = Result<T, Box<Problem>>;

fn wrong(pointer: &str, text: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}

/// Checks what of a body of a change can be checked alone.
pub(crate) fn check_change(body: &ChangeBody) -> Checked<()> {
    apply(&body.apply)?;
    wait(&body.wait)?;
    check_description(body.description.as_deref())?;
    labels(&body.labels)?;
    Ok(())
}

/// Makes the change of a body whose chart was found and whose values are merged.
pub(crate) fn change(
    body: &ChangeBody,
    target: Target,
    chart: Option<Arc<chart::Chart>>,
    values: goyaml::Map,
) -> Checked<Change> {
    Ok(Change {
        target,
        chart,
        values,
        value_strategy: match body.value_strategy.unwrap_or_default() {
            api::ValueStrategy::Reset => ValueStrategy::Reset,
            api::ValueStrategy::Reuse => ValueStrategy::Reuse,
            api::ValueStrategy::ResetThenReuse => ValueStrategy::ResetThenReuse,
            api::ValueStrategy::Auto => ValueStrategy::Default,
        },
        labels: labels(&body.labels)?,
        description: body.description.clone().filter(|d| !d.is_empty()),
        create_namespace: body.create_namespace,
        apply: apply(&body.apply)?,
        wait: wait(&body.wait)?,
        on_failure: OnFailure { rollback: body.on_failure.rollback, cleanup: body.on_failure.cleanup },
        no_hooks: body.hooks.disabled,
        crds: match body.crds {
            api::Crds::Create => Crds::Create,
            api::Crds::Skip => Crds::Skip,
            api::Crds::CreateReplace => Crds::CreateReplace,
        },
        skip_schema_validation: body.skip_schema_validation,
        subchart_notes: body.subchart_notes,
        history_max: body.history_max.unwrap_or(HISTORY_MAX),
        expected_revision: None,
        replace: body.replace,
        preview: false,
        hide_secrets: false,
        without_lookups: false,
    })
}

/// Makes a rollback of its body.
pub(crate) fn rollback(body: &RollbackBody, target: Target) -> Checked<Rollback> {
    check_description(body.description.as_deref())?;
    if body.on_failure.rollback {
        return Err(wrong("/onFailure/rollback", "a rollback that fails cannot roll back; leave it out"));
    }
    Ok(Rollback {
        target,
        revision: body.revision.filter(|r| *r > 0),
        description: body.description.clone().filter(|d| !d.is_empty()),
        apply: apply(&body.apply)?,
        wait: wait(&body.wait)?,
        cleanup_on_fail: body.on_failure.cleanup,
        no_hooks: body.hooks.disabled,
        history_max: body.history_max.unwrap_or(HISTORY_MAX),
        expected_revision: None,
    })
}

/// Makes an uninstall of the query parameters of DELETE, which were checked.
pub(crate) fn uninstall(query: &api::Parameters, target: Target) -> Checked<Uninstall> {
    let strategy = match query.get("wait") {
        Some("watcher") => api::WaitStrategy::Watcher,
        Some("legacy") => api::WaitStrategy::Legacy,
        _ => api::WaitStrategy::HookOnly,
    };
    let timeout = query.get("timeout").map(str::to_owned);
    Ok(Uninstall {
        target,
        keep_history: query.flag("keepHistory"),
        no_hooks: query.flag("disableHooks"),
        cascade: match query.get("cascade") {
            Some("foreground") => Cascade::Foreground,
            Some("orphan") => Cascade::Orphan,
            _ => Cascade::Background,
        },
        description: query.get("description").map(str::to_owned),
        wait: wait(&api::Wait { strategy, jobs: false, timeout })?,
        ignore_not_found: query.flag("ignoreNotFound"),
        expected_revision: None,
    })
}

/// Makes a run of tests of its body.
pub(crate) fn test(body: &TestBody, target: Target) -> Checked<Test> {
    let timeout = body.timeout.as_deref().map_or(Ok(TIMEOUT), |text| self::timeout(text, "/timeout"))?;
    Ok(Test {
        target,
        only: body.only.clone(),
        without: body.without.clone(),
        logs: body.logs,
        wait: Wait { timeout, ..Wait::default() },
    })
}

fn apply(wanted: &api::Apply) -> Checked<Apply> {
    let method = match wanted.server_side {
        ServerSide::Auto => Method::Auto,
        ServerSide::Yes => Method::ServerSide,
        ServerSide::No => Method::ClientSide,
    };
    match (method, wanted.force_conflicts, wanted.force_replace) {
        (_, true, true) => {
            return Err(wrong("/apply/forceReplace", "cannot use force conflicts and force replace together"));
        }
        (Method::ServerSide, _, true) => {
            return Err(wrong("/apply/forceReplace", "cannot use server-side apply and force replace together"));
        }
        (Method::ClientSide, true, _) => {
            return Err(wrong("/apply/forceConflicts", "cannot force conflicts where the server does not apply"));
        }
        _ => {}
    }
    Ok(Apply {
        method,
        force_conflicts: wanted.force_conflicts,
        force_replace: wanted.force_replace,
        take_ownership: wanted.take_ownership,
    })
}

fn wait(wanted: &api::Wait) -> Checked<Wait> {
    let timeout = wanted.timeout.as_deref().map_or(Ok(TIMEOUT), |text| timeout(text, "/wait/timeout"))?;
    Ok(Wait {
        strategy: match wanted.strategy {
            api::WaitStrategy::Watcher => WaitStrategy::Watcher,
            api::WaitStrategy::HookOnly => WaitStrategy::HookOnly,
            api::WaitStrategy::Legacy => WaitStrategy::Legacy,
        },
        jobs: wanted.jobs,
        timeout,
    })
}

fn timeout(text: &str, pointer: &str) -> Checked<Duration> {
    let timeout = api::parse_duration(text).map_err(|e| wrong(pointer, e))?;
    if timeout > MAX_TIMEOUT { Err(wrong(pointer, "expected a day or less")) } else { Ok(timeout) }
}

/// The limit is Helm's, of `rollback --description`.
fn check_description(text: Option<&str>) -> Checked<()> {
    match text.map(|t| t.chars().count()) {
        Some(length) if length > 256 => {
            Err(wrong("/description", format!("expected 256 characters or less, found {length}")))
        }
        _ => Ok(()),
    }
}

/// `null` removes a label, which Helm says with the text `null`.
fn labels(wanted: &BTreeMap<String, Option<String>>) -> Checked<BTreeMap<String, String>> {
    let labels: BTreeMap<String, String> =
        wanted.iter().map(|(k, v)| (k.clone(), v.clone().unwrap_or_else(|| "null".to_owned()))).collect();
    release::check_labels(&labels).map_err(|e| wrong("/labels", e.to_string()))?;
    let errors: Vec<InputError> = labels
        .iter()
        .filter_map(|(k, v)| label_error(k, v).map(|e| InputError::body(super::pointer(&["labels", k]), e)))
        .collect();
    if errors.is_empty() { Ok(labels) } else { Err(Box::new(Problem::input(errors))) }
}

/// The rule of Kubernetes' labels, without which the record could not be stored.
fn label_error(key: &str, value: &str) -> Option<String> {
    let word = |text: &str| {
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = text.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.len() <= 63
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(p, n)| (Some(p), n));
    let prefix_good = prefix.is_none_or(|p| {
        p.len() <= 253
            && p.split('.').all(|l| word(l) && !l.contains('_') && !l.bytes().any(|b| b.is_ascii_uppercase()))
    });
    if !word(name) || !prefix_good {
        return Some("is no name of a Kubernetes label: letters, digits, `-`, `_` and `.`, at most 63 characters, a DNS name and `/` before them".to_owned());
    }
    if !value.is_empty() && !word(value) {
        return Some(
            "is no value of a Kubernetes label: letters, digits, `-`, `_` and `.`, at most 63 characters".to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use api::Reason;
    use serde_json::{Value, json};

    use super::*;

    fn problem(body: Value) -> Option<Problem> {
        check_change(&serde_json::from_value(body).unwrap()).err().map(|p| *p)
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (body, reason, pointer) in [
            (json!({"wait": {"timeout": "5 minutes"}}), Reason::InvalidInput, Some("/wait/timeout")),
            (json!({"wait": {"timeout": "9999h"}}), Reason::InvalidInput, Some("/wait/timeout")),
            (
                json!({"apply": {"forceConflicts": true, "serverSide": false}}),
                Reason::InvalidInput,
                Some("/apply/forceConflicts"),
            ),
            (
                json!({"apply": {"forceConflicts": true, "forceReplace": true}}),
                Reason::InvalidInput,
                Some("/apply/forceReplace"),
            ),
            (
                json!({"apply": {"forceReplace": true, "serverSide": true}}),
                Reason::InvalidInput,
                Some("/apply/forceReplace"),
            ),
            (json!({"labels": {"owner": "me"}}), Reason::InvalidInput, Some("/labels")),
            (json!({"labels": {"a/b/c": "x"}}), Reason::InvalidInput, Some("/labels/a~1b~1c")),
            (json!({"labels": {"a": "x y"}}), Reason::InvalidInput, Some("/labels/a")),
            (json!({"description": "x".repeat(257)}), Reason::InvalidInput, Some("/description")),
        ] {
            let problem = problem(body.clone()).unwrap();
            assert_eq!(problem.reason, reason, "{body}");
            assert_eq!(problem.errors.first().and_then(|e| e.pointer.as_deref()), pointer, "{body}");
        }
        let good =
            json!({"labels": {"team": "web", "example.com/x": "", "gone": null}, "apply": {"serverSide": "auto"}});
        assert_eq!(problem(good), None);
    }
}
