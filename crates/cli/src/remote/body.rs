//! From an intent to what the API is sent.

use std::collections::BTreeMap;

use api::ChangeBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::ValueOptions;
use engine::{Change, Crds, Method, Rollback, Test, Uninstall, WaitStrategy};

use super::{Ask, Remote};
use crate::command::Call;
use crate::fail::{Fail, Outcome, fail};

/// Makes the body of an install or an upgrade; its chart is uploaded first.
pub(super) fn change(remote: &Remote, call: &Call, change: &Change, options: &ValueOptions) -> Outcome<ChangeBody> {
    let upload = Some(upload(remote, call, change)?);
    let files = ValueOptions { files: options.files.clone(), ..ValueOptions::default() };
    let values = files.merge(&mut |path| Err(format!("{path} is not read")))?;
    let serde_json::Value::Object(values) = serde_json::to_value(&values)? else { fail!("the values are no table") };
    Ok(ChangeBody {
        // The name was made here, as Helm makes it.
        name: None,
        generate_name: false,
        name_template: None,
        chart: Some(api::ChartRef { upload, ..api::ChartRef::default() }),
        values,
        set: options.set.clone(),
        set_string: options.string.clone(),
        set_json: options.json.clone(),
        set_literal: options.literal.clone(),
        set_file: set_file(&options.file)?,
        value_strategy: Some(match change.value_strategy {
            engine::ValueStrategy::Default => api::ValueStrategy::Auto,
            engine::ValueStrategy::Reset => api::ValueStrategy::Reset,
            engine::ValueStrategy::Reuse => api::ValueStrategy::Reuse,
            engine::ValueStrategy::ResetThenReuse => api::ValueStrategy::ResetThenReuse,
        }),
        replace: change.replace,
        // Helm takes a label away with this text.
        labels: change.labels.iter().map(|(k, v)| (k.clone(), Some(v.clone()).filter(|v| v != "null"))).collect(),
        description: change.description.clone(),
        create_namespace: change.create_namespace,
        apply: apply(&change.apply),
        wait: wait(&change.wait),
        on_failure: api::OnFailure { rollback: change.on_failure.rollback, cleanup: change.on_failure.cleanup },
        hooks: api::HookOptions { disabled: change.no_hooks },
        crds: match change.crds {
            Crds::Create => api::Crds::Create,
            Crds::Skip => api::Crds::Skip,
            Crds::CreateReplace => api::Crds::CreateReplace,
        },
        skip_schema_validation: change.skip_schema_validation,
        subchart_notes: change.subchart_notes,
        history_max: Some(change.history_max),
    })
}

/// Uploads the chart: an archive as it is, a folder packed. Gives back its digest.
fn upload(remote: &Remote, call: &Call, change: &Change) -> Outcome<String> {
    let Some(chart) = &change.chart else { fail!("no chart was given") };
    let path = call.args.last().map_or("", String::as_str).trim();
    let archive = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {
            std::fs::read(path).map_err(|error| Fail::new(format!("open {path}: {}", chart::text::io_error(&error))))?
        }
        _ => chart::pack_chart(chart)?,
    };
    let ask = Ask::to("POST", "/v1/charts".to_owned()).bytes("application/gzip", archive);
    Ok(remote.client.json::<api::Chart>(&ask)?.digest)
}

/// The files of `--set-file`, by the path of the value.
fn set_file(texts: &[String]) -> Outcome<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for text in texts {
        for pair in pairs(text) {
            // That it is one was seen when all was merged here.
            let Some((value, path)) = pair.split_once('=') else { fail!("--set-file needs KEY=FILE, not {pair}") };
            let content = crate::values::read(path).map_err(Fail::new)?;
            files.insert(value.to_owned(), STANDARD.encode(content));
        }
    }
    Ok(files)
}

/// Takes a text apart at its commas, but for those with a backslash.
fn pairs(text: &str) -> Vec<String> {
    let mut pairs = vec![String::new()];
    let mut is_escaped = false;
    for c in text.chars() {
        match (c, is_escaped) {
            (',', false) => pairs.push(String::new()),
            (c, _) => pairs.iter_mut().last().into_iter().for_each(|pair| pair.push(c)),
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    pairs.retain(|pair| !pair.is_empty());
    pairs
}

pub(super) fn apply(apply: &engine::Apply) -> api::Apply {
    api::Apply {
        server_side: match apply.method {
            Method::Auto => api::ServerSide::Auto,
            Method::ServerSide => api::ServerSide::Yes,
            Method::ClientSide => api::ServerSide::No,
        },
        force_conflicts: apply.force_conflicts,
        force_replace: apply.force_replace,
        take_ownership: apply.take_ownership,
    }
}

pub(super) fn wait(wait: &engine::Wait) -> api::Wait {
    let strategy = match wait.strategy {
        WaitStrategy::Watcher => api::WaitStrategy::Watcher,
        WaitStrategy::HookOnly => api::WaitStrategy::HookOnly,
        WaitStrategy::Legacy => api::WaitStrategy::Legacy,
    };
    api::Wait { strategy, jobs: wait.jobs, timeout: Some(api::format_duration(wait.timeout)) }
}

/// Makes the body of a rollback.
pub(super) fn rollback(wish: &Rollback) -> api::RollbackBody {
    api::RollbackBody {
        revision: wish.revision,
        description: wish.description.clone(),
        apply: apply(&wish.apply),
        wait: wait(&wish.wait),
        on_failure: api::OnFailure { rollback: false, cleanup: wish.cleanup_on_fail },
        hooks: api::HookOptions { disabled: wish.no_hooks },
        history_max: Some(wish.history_max),
    }
}

/// Makes the body of a run of tests.
pub(super) fn test(wish: &Test) -> api::TestBody {
    api::TestBody {
        only: wish.only.clone(),
        without: wish.without.clone(),
        logs: wish.logs,
        timeout: Some(api::format_duration(wish.wait.timeout)),
    }
}

/// What DELETE is told of an uninstall.
pub(super) fn uninstall(wish: &Uninstall) -> Vec<(&'static str, String)> {
    let flag = |on: bool| if on { "true".to_owned() } else { String::new() };
    let strategy = match wish.wait.strategy {
        WaitStrategy::Watcher => "watcher",
        WaitStrategy::HookOnly => "hookOnly",
        WaitStrategy::Legacy => "legacy",
    };
    let cascade = match wish.cascade {
        engine::Cascade::Background => "background",
        engine::Cascade::Foreground => "foreground",
        engine::Cascade::Orphan => "orphan",
    };
    vec![
        ("keepHistory", flag(wish.keep_history)),
        ("disableHooks", flag(wish.no_hooks)),
        ("cascade", cascade.to_owned()),
        ("description", wish.description.clone().unwrap_or_default()),
        ("ignoreNotFound", flag(wish.ignore_not_found)),
        ("wait", strategy.to_owned()),
        ("timeout", api::format_duration(wish.wait.timeout)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_to_set() {
        assert_eq!(pairs("a=b,c.d=e"), ["a=b", "c.d=e"]);
        assert_eq!(pairs(r"a=b\,c,d=e"), [r"a=b\,c", "d=e"]);
        assert!(pairs("").is_empty());
    }
}
