//! `--template`: a Go template over a release, whose fields go by the names that Helm's have.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::release::{Release, Time};
use gotext::{Arena, Functions, GoType, Options, Runtime, Set, Value};
use goyaml::{Map, Value as Tree};

use crate::fail::Outcome;
use crate::show::{self, LONG};

/// Executes a template over `.Release`.
pub(crate) fn of_release(template: &str, release: &Release, labels: &BTreeMap<String, String>) -> Outcome<String> {
    let mut set = Set::new("_", Arc::new(Functions::new([])));
    set.parse("_", template)?;
    let arena = Arena::new();
    let dot = value(&arena, &fields([("Release", tree(release, labels)?)]));
    let mut out = Vec::new();
    Runtime::new(&arena, &set, &Options::default()).execute_to(&mut (), b"_", dot, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn fields<const N: usize>(fields: [(&str, Tree); N]) -> Tree {
    Tree::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map>())
}

fn text(text: impl Into<String>) -> Tree {
    Tree::Str(text.into())
}

fn time(at: Option<Time>) -> Tree {
    text(at.map_or_else(|| "0001-01-01 00:00:00 +0000 UTC".to_owned(), |at| show::time(at, LONG)))
}

fn texts<'t>(map: impl IntoIterator<Item = (&'t String, &'t String)>) -> Tree {
    Tree::Map(map.into_iter().map(|(key, value)| (key.clone(), text(value))).collect())
}

fn words<T: std::fmt::Display>(words: &[T]) -> Tree {
    Tree::Seq(words.iter().map(|word| text(word.to_string())).collect())
}

fn tree(release: &Release, labels: &BTreeMap<String, String>) -> Outcome<Tree> {
    let (info, metadata) = (&release.info, &release.chart.metadata);
    let info = fields([
        ("FirstDeployed", time(info.first_deployed)),
        ("LastDeployed", time(info.last_deployed)),
        ("Deleted", time(info.deleted)),
        ("Description", text(&info.description)),
        ("Status", text(info.status.as_str())),
        ("RollbackRevision", Tree::Int(info.rollback_revision.into())),
        ("Notes", text(&info.notes)),
    ]);
    let metadata = fields([
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", words(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", words(&metadata.keywords)),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Tree::Bool(metadata.deprecated)),
        ("Annotations", texts(&metadata.annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Type", text(&metadata.kind)),
    ]);
    let chart = fields([
        ("Metadata", metadata),
        ("Name", text(release.chart.name())),
        ("AppVersion", text(&release.chart.metadata.app_version)),
        ("Values", Tree::Map(release.chart.values.clone())),
    ]);
    let hooks = release.hooks.iter().map(|hook| {
        fields([
            ("Name", text(&hook.name)),
            ("Kind", text(&hook.kind)),
            ("Path", text(&hook.path)),
            ("Manifest", text(&hook.manifest)),
            ("Weight", Tree::Int(hook.weight)),
            ("Events", Tree::Seq(hook.events.iter().map(|event| text(event.as_str())).collect())),
        ])
    });
    Ok(fields([
        ("Name", text(&release.name)),
        ("Info", info),
        ("Chart", chart),
        ("Config", Tree::Map(release.config.clone())),
        ("Manifest", text(&release.manifest)),
        ("Hooks", Tree::Seq(hooks.collect())),
        ("Version", Tree::Int(release.version.into())),
        ("Namespace", text(&release.namespace)),
        ("Labels", texts(labels)),
        ("ApplyMethod", text(release.apply_method.map_or("", ::release::ApplyMethod::as_str))),
    ]))
}

/// Brings a tree into the memory of the template.
fn value<'a>(arena: &'a Arena, tree: &Tree) -> Value<'a> {
    match tree {
        Tree::Null => Value::Nil,
        Tree::Bool(b) => Value::Bool(*b),
        Tree::Int(i) => Value::int(*i),
        Tree::Uint(u) => Value::Uint(*u, GoType::Uint64),
        Tree::Float(f) => Value::float(*f),
        Tree::Str(s) => arena.str(s),
        Tree::Seq(items) => arena.list(&items.iter().map(|item| value(arena, item)).collect::<Vec<_>>()),
        Tree::Map(map) => {
            let made = arena.map();
            for (key, item) in map {
                made.set(arena.bytes(key), value(arena, item));
            }
            Value::Map(made)
        }
    }
}
