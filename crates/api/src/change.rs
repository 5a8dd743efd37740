//! The bodies of changes: install, upgrade, patch, rollback, and what an uninstall can be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What an install, an upgrade or a patch puts in place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({
    "chart": {"upload": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
    "values": {"replicas": 2},
    "createNamespace": true,
    "wait": {"strategy": "watcher", "timeout": "5m"}
}))]
pub struct ChangeBody {
    /// The release's name: needed on POST, unless it is made up; on PUT and PATCH the same as in the path, or left out.
    pub name: Option<String>,
    /// On POST, whether the name is made of the chart's and the time, as `--generate-name`.
    pub generate_name: bool,
    /// On POST, a template that gives the name, as `--name-template`: `shop-{{ randAlpha 6 | lower }}`.
    pub name_template: Option<String>,
    /// The chart; only PATCH can leave it out, which keeps the one in place.
    pub chart: Option<ChartRef>,
    /// The values, as in a values file; integers stay integers. On PATCH an RFC 7386 merge patch of the release's values.
    #[schema(value_type = Object)]
    pub values: Map<String, Value>,
    /// As `--set`: `a.b=1,c[0]=x`. The order of precedence is Helm's: values, setJson, set, setString, setFile, setLiteral.
    pub set: Vec<String>,
    /// As `--set-string`: everything is a string.
    pub set_string: Vec<String>,
    /// As `--set-json`: `a.b={"c":1}`, or a whole object.
    pub set_json: Vec<String>,
    /// As `--set-literal`: one path and a string in which nothing is special.
    pub set_literal: Vec<String>,
    /// As `--set-file`: the path of the value, and the file's content in base64.
    pub set_file: BTreeMap<String, String>,
    /// What happens to the values of the last release; `reset` when left out. Not on PATCH, which always merges.
    pub value_strategy: Option<ValueStrategy>,
    /// Whether an install takes over the name of a release that was uninstalled and is kept in the history, or has failed.
    pub replace: bool,
    /// Labels for the record; `null` removes one.
    pub labels: BTreeMap<String, Option<String>>,
    /// A description to store instead of Helm's.
    pub description: Option<String>,
    /// Whether to create the namespace when it is missing.
    pub create_namespace: bool,
    /// How objects are sent.
    pub apply: Apply,
    /// What to wait for.
    pub wait: Wait,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// Which hooks run.
    pub hooks: HookOptions,
    /// What happens to the objects of `crds/`.
    pub crds: Crds,
    /// Whether to leave the values unchecked.
    pub skip_schema_validation: bool,
    /// Whether to show the notes of subcharts too.
    pub subchart_notes: bool,
    /// How many revisions to keep; 0 keeps all, 10 when left out.
    #[schema(maximum = 100_000)]
    pub history_max: Option<u32>,
}

impl ChangeBody {
    /// Returns the values and what is set on top of them.
    #[must_use]
    pub fn values_input(&self) -> ValuesInput<'_> {
        ValuesInput {
            values: &self.values,
            set: &self.set,
            set_string: &self.set_string,
            set_json: &self.set_json,
            set_literal: &self.set_literal,
            set_file: &self.set_file,
        }
    }
}

/// Values as a caller gives them, wherever they were in the body.
#[derive(Clone, Copy, Debug)]
pub struct ValuesInput<'b> {
    /// The values proper.
    pub values: &'b Map<String, Value>,
    /// As `--set`.
    pub set: &'b [String],
    /// As `--set-string`.
    pub set_string: &'b [String],
    /// As `--set-json`.
    pub set_json: &'b [String],
    /// As `--set-literal`.
    pub set_literal: &'b [String],
    /// As `--set-file`.
    pub set_file: &'b BTreeMap<String, String>,
}

/// Which chart; exactly one of `upload`, `archive`, `repository` with `name`, and `oci`. A version or a constraint is resolved when
/// the request comes in; whoever goes on with a change installs that very chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"upload": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}))]
pub struct ChartRef {
    /// The digest of an uploaded chart (`POST /v1/charts`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// The archive itself, a `.tgz` in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// A repository that the server knows (`/v1/repositories`); needs the right to `get` it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The chart's name in the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `oci://registry/path/chart`, which a tag or a digest may follow; below a repository that the server knows, or where it may
    /// fetch from anyhow (`serve --allow-registries`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oci: Option<String>,
    /// The version or a constraint (`^1.2`), with `repository` or `oci`; left out it is the newest that is no pre-release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What happens to the values of the last release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValueStrategy {
    /// Start from the chart's values; what is in the body is all there is.
    #[default]
    Reset,
    /// Merge into the last release's values, the chart's own of then included.
    Reuse,
    /// Start from the chart's, put the last release's on top, then the new.
    ResetThenReuse,
    /// As Helm's command line when no flag says otherwise: the last release's when the body has none, else as `reset`.
    Auto,
}

/// How objects are sent to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Apply {
    /// Server-side apply; `auto` does as the release's last record did.
    pub server_side: ServerSide,
    /// Whether to take fields from other managers (server-side apply only).
    pub force_conflicts: bool,
    /// Whether to replace objects instead of patching them (client-side apply only).
    pub force_replace: bool,
    /// Whether to take objects that belong to another release or to nobody.
    pub take_ownership: bool,
}

/// `auto`, `true` or `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerSide {
    /// As the last record was applied; server-side when there is none.
    #[default]
    Auto,
    /// Server-side apply.
    Yes,
    /// Three-way merge in the client.
    No,
}

impl Serialize for ServerSide {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Yes => serializer.serialize_bool(true),
            Self::No => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for ServerSide {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(true) => Ok(Self::Yes),
            Value::Bool(false) => Ok(Self::No),
            Value::String(s) if s == "auto" => Ok(Self::Auto),
            _ => Err(serde::de::Error::custom("expected `auto`, true or false")),
        }
    }
}

impl utoipa::PartialSchema for ServerSide {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let auto = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["auto"]));
        let flag = ObjectBuilder::new().schema_type(Type::Boolean);
        OneOfBuilder::new().item(auto).item(flag).description(Some("`auto`, true or false.")).into()
    }
}

impl ToSchema for ServerSide {}

/// What to wait for after objects were sent, and how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wait {
    /// Which objects; `hookOnly` when left out, as Helm without `--wait`.
    pub strategy: WaitStrategy,
    /// Whether to wait for jobs too.
    pub jobs: bool,
    /// How long one wait may take (`300s`, `5m`, `1h30m`); `5m` when left out.
    #[schema(example = "5m")]
    pub timeout: Option<String>,
}

/// Which objects are waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WaitStrategy {
    /// All objects, by kstatus' rules.
    Watcher,
    /// Hooks only.
    #[default]
    HookOnly,
    /// All objects, by Helm's old rules.
    Legacy,
}

/// What to do when a change fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OnFailure {
    /// Whether to roll back to the last good revision; an install is taken away again.
    pub rollback: bool,
    /// Whether to delete what an upgrade created.
    pub cleanup: bool,
}

/// Which hooks run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HookOptions {
    /// Whether to run none.
    pub disabled: bool,
}

/// What happens to the objects of a chart's `crds/` folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Crds {
    /// They are created on install.
    #[default]
    Create,
    /// They are left out.
    Skip,
    /// They are created on install and on upgrade, and replace those that are there.
    CreateReplace,
}

/// Where to go back to, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"revision": 1}))]
pub struct RollbackBody {
    /// The revision to go back to; 0, or left out, is the one before the last.
    pub revision: Option<u32>,
    /// A description to store instead of Helm's; at most 256 characters.
    pub description: Option<String>,
    /// How objects are sent.
    pub apply: Apply,
    /// What to wait for.
    pub wait: Wait,
    /// What to do when it fails; `rollback` has no meaning here.
    pub on_failure: OnFailure,
    /// Which hooks run.
    pub hooks: HookOptions,
    /// How many revisions to keep; 0 keeps all, 10 when left out.
    #[schema(maximum = 100_000)]
    pub history_max: Option<u32>,
}

/// Which tests of a release run, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"only": ["shop-test"], "logs": true, "timeout": "2m"}))]
pub struct TestBody {
    /// The names of the tests to run, as `--filter name=…`; none are all.
    pub only: Vec<String>,
    /// The names of tests that are left out, as `--filter '!name=…'`.
    pub without: Vec<String>,
    /// Whether what the tests print is told as events.
    pub logs: bool,
    /// How long one test may take (`300s`, `5m`); `5m` when left out.
    #[schema(example = "5m")]
    pub timeout: Option<String>,
}
