//! The verbs that write.

use serde_json::{Value, json};

use crate::handler::{Call, selector};
use crate::json::{Parsed, at, object_mut, text};
use crate::patch;
use crate::reply::{self, Reply};
use crate::resources::split_version;
use crate::rest::{DeleteOptions, Deleted, Propagation, Validation, normalize, read_object};
use crate::state::{State, Writer};
use crate::status::{ApiError, FieldError, Result};
use crate::store::Key;

impl Call<'_> {
    pub(crate) fn writer(&self) -> Result<Writer> {
        let dry_run = match self.request.query.get("dryRun") {
            "" => false,
            "All" => true,
            other => {
                let kind = if self.request.method == http::Method::PATCH { "PatchOptions" } else { "CreateOptions" };
                let error = FieldError::unsupported("dryRun", &json!([other]), &["All"]);
                return Err(ApiError::invalid("meta.k8s.io", kind, "", &[error]));
            }
        };
        Ok(Writer { manager: self.request.manager(), dry_run })
    }

    fn validation(&self) -> Result<Validation> {
        match self.request.query.get("fieldValidation") {
            "Strict" => Ok(Validation::Strict),
            "Warn" | "" => Ok(Validation::Warn),
            "Ignore" => Ok(Validation::Ignore),
            other => {
                let error =
                    FieldError::unsupported("fieldValidation", &other.into(), &["", "Ignore", "Strict", "Warn"]);
                Err(ApiError::invalid("meta.k8s.io", "CreateOptions", "", &[error]))
            }
        }
    }

    /// Reads the body as an object of the resource.
    fn body(&self, warnings: &mut Vec<String>) -> Result<Value> {
        let kind = &self.resource.kind;
        let parsed = match self.request.content_type().as_str() {
            "" | "application/json" => crate::json::parse(&self.request.body).map_err(|why| {
                let body = String::from_utf8_lossy(&self.request.body);
                let shown: String = body.chars().take(100).collect();
                ApiError::bad_request(format!(
                    "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({shown})"
                ))
            })?,
            "application/yaml" => parse_yaml(&self.request.body)?,
            PROTOBUF => parse_protobuf(&self.request.body)?,
            _ => return Err(unsupported(&["application/json", "application/yaml", PROTOBUF])),
        };
        self.check_kind(&parsed.value)?;
        read_object(&self.resource, parsed, self.validation()?, warnings)
    }

    fn check_kind(&self, value: &Value) -> Result<()> {
        let (want, version) = (&self.resource.kind, &self.resource.version);
        if !value.is_object() {
            return Err(ApiError::bad_request(format!(
                "{want} in version {version:?} cannot be handled as a {want}: json: cannot unmarshal into Go value of type v1.{want}"
            )));
        }
        let (given_version, given) = (text(value, &["apiVersion"]), text(value, &["kind"]));
        let own = self.resource.api_version();
        if !given_version.is_empty() && given_version != own {
            let short = split_version(given_version).1;
            let scheme = "in scheme \"pkg/runtime/scheme.go:111\"";
            return Err(ApiError::bad_request(if split_version(given_version).0 == self.resource.group {
                format!(
                    "{given} in version {short:?} cannot be handled as a {want}: no kind {given:?} is registered for version {given_version:?} {scheme}"
                )
            } else {
                format!("the API version in the data ({given_version}) does not match the expected API version ({own})")
            }));
        }
        if !given.is_empty() && given != want {
            let (package, from) = (
                if self.resource.group.is_empty() { "core" } else { &self.resource.group },
                format!("({version}.{given})"),
            );
            return Err(ApiError::bad_request(format!(
                "{given} in version {version:?} cannot be handled as a {want}: converting {from} to ({package}.{want}): unknown conversion"
            )));
        }
        Ok(())
    }
}

/// The content type of typed clients.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn parse_protobuf(bytes: &[u8]) -> Result<Parsed> {
    let value = crate::schema::proto::decode(bytes).map_err(ApiError::bad_request)?;
    Ok(Parsed { value, duplicates: Vec::new() })
}

/// Reads a body that is no object of the resource, in any of the formats.
pub(crate) fn any_body(call: &Call<'_>) -> Result<Value> {
    let parsed = if call.request.content_type() == PROTOBUF {
        parse_protobuf(&call.request.body)?
    } else {
        parse_yaml(&call.request.body)?
    };
    Ok(parsed.value)
}

fn unsupported(accepted: &[&str]) -> ApiError {
    let list = accepted.join(", ");
    ApiError::new(
        415,
        "UnsupportedMediaType",
        format!("the body of the request was in an unknown format - accepted media types include: {list}"),
    )
}

/// Reads YAML, or JSON, which is YAML.
fn parse_yaml(bytes: &[u8]) -> Result<Parsed> {
    if let Ok(parsed) = crate::json::parse(bytes) {
        return Ok(parsed);
    }
    let value: Value =
        serde_saphyr::from_slice(bytes).map_err(|e| ApiError::bad_request(format!("error decoding YAML: {e}")))?;
    Ok(Parsed { value, duplicates: Vec::new() })
}

fn warned(mut reply: Reply, warnings: Vec<String>) -> Reply {
    reply.warnings = warnings;
    reply
}

pub(crate) fn create(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let writer = call.writer()?;
    let mut warnings = Vec::new();
    let object = call.body(&mut warnings)?;
    let made = state.create(&call.resource, &call.address.namespace, object, &writer, false)?;
    Ok(warned(call.show(state, 201, &made), warnings))
}

pub(crate) fn update(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let writer = call.writer()?;
    let mut warnings = Vec::new();
    let object = call.body(&mut warnings)?;
    let key = call.key();
    if state.store.get(&key).is_none() && call.resource.is("coordination.k8s.io", "leases") {
        let made = state.create(&call.resource, &call.address.namespace, object, &writer, false)?;
        return Ok(warned(call.show(state, 201, &made), warnings));
    }
    let made = state.replace(&call.resource, &key, &call.address.subresource, object, &writer, false)?;
    Ok(warned(call.show(state, 200, &made), warnings))
}

/// The content types of patches.
const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

pub(crate) fn patch(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    match call.request.content_type().as_str() {
        "application/apply-patch+yaml" => apply(state, call),
        kind @ ("application/json-patch+json" | "application/merge-patch+json") => change(state, call, kind),
        kind @ "application/strategic-merge-patch+json" if call.resource.custom.is_none() => change(state, call, kind),
        _ if call.resource.custom.is_some() => Err(unsupported(&[PATCHES[0], PATCHES[1], PATCHES[3]])),
        _ => Err(unsupported(&PATCHES)),
    }
}

/// Applies a patch document to an object.
pub(crate) fn patched(call: &Call<'_>, kind: &str, live: &Value, ty: &crate::schema::Type) -> Result<Value> {
    let document = crate::json::parse(&call.request.body)
        .map_err(|why| ApiError::bad_request(format!("error decoding patch: {why}")))?
        .value;
    let mut out = live.clone();
    match kind {
        "application/json-patch+json" => patch::json(&mut out, &document)?,
        _ if !document.is_object() => {
            return Err(ApiError::bad_request(
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ));
        }
        "application/merge-patch+json" => patch::merge(&mut out, &document),
        _ => patch::strategic::apply(&mut out, &document, ty).map_err(|why| {
            let message = format!("error when applying patch: {why}");
            ApiError::new(400, "BadRequest", message)
        })?,
    }
    Ok(out)
}

fn change(state: &mut State, call: &Call<'_>, kind: &str) -> Result<Reply> {
    let writer = call.writer()?;
    if call.request.query.flag("force") {
        let error = FieldError::forbidden("force", "may not be specified for non-apply patch");
        return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
    }
    let key = call.key();
    let live = state.store.get(&key).ok_or_else(|| call.not_found())?;
    let live = state.in_version(&live, &call.resource);
    let next = patched(call, kind, &live, &call.resource.ty())?;
    let mut warnings = Vec::new();
    let rejected = |why: &str| {
        let shown = Value::from(next.to_string());
        let error = FieldError::invalid("patch", &shown, why);
        let mut out = ApiError::invalid("", "", "", &[error]);
        out.details = out.details.map(|d| json!({"causes": d.get("causes")}));
        out
    };
    let (given, want) = (text(&next, &["kind"]), call.resource.kind.as_str());
    if given != want || text(&next, &["apiVersion"]) != call.resource.api_version() {
        let version = &call.resource.version;
        return Err(rejected(&format!(
            "{given} in version {version:?} cannot be handled as a {want}: unknown conversion"
        )));
    }
    let parsed = Parsed { value: next.clone(), duplicates: Vec::new() };
    let object = read_object(&call.resource, parsed, call.validation()?, &mut warnings).map_err(|error| {
        let prefix = format!("{want} in version {:?} cannot be handled as a {want}: ", call.resource.version);
        match error.message.strip_prefix(&prefix) {
            Some(why) if why.starts_with("strict") => ApiError { code: 422, reason: "Invalid", ..rejected(why) },
            Some(why) => rejected(why),
            None => error,
        }
    })?;
    let made = state.replace(&call.resource, &key, &call.address.subresource, object, &writer, false)?;
    Ok(warned(call.show(state, 200, &made), warnings))
}

fn apply(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let writer = call.writer()?;
    if call.request.query.get("fieldManager").is_empty() {
        let error = FieldError::required("fieldManager", "is required for apply patch");
        return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
    }
    let validation = call.validation()?;
    let parsed = parse_yaml(&call.request.body)?;
    let config = parsed.value;
    if !config.is_object() {
        return Err(ApiError::bad_request(
            "error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}",
        ));
    }
    let mut warnings = Vec::new();
    if !parsed.duplicates.is_empty() {
        let texts: Vec<String> = parsed.duplicates.iter().map(|d| format!("duplicate field {d:?}")).collect();
        match validation {
            Validation::Strict => {
                return Err(ApiError::bad_request(format!("error strict decoding YAML: {}", texts.join(", "))));
            }
            Validation::Warn => warnings.extend(texts),
            Validation::Ignore => {}
        }
    }
    let (version, kind) = (text(&config, &["apiVersion"]), text(&config, &["kind"]));
    if version != call.resource.api_version() || kind != call.resource.kind {
        return Err(ApiError::bad_request(format!("invalid object type: {version}, Kind={kind}")));
    }
    let name = text(&config, &["metadata", "name"]);
    if !name.is_empty() && name != call.address.name {
        let why = format!("the name of the object ({name}) does not match the name on the URL ({})", call.address.name);
        return Err(ApiError::bad_request(why));
    }
    let force = call.request.query.flag("force");
    let key = call.key();
    let found = state.store.get(&key).map(|o| state.in_version(&o, &call.resource));
    let live = found.clone().unwrap_or_else(
        || json!({"apiVersion": call.resource.api_version(), "kind": call.resource.kind, "metadata": {}}),
    );
    let next = state.owned_apply(&call.resource, &call.address.subresource, &writer, &live, &config, force)?;
    let mut object = normalize(&call.resource, &next)?;
    let (made, code) = match found {
        Some(_) => (state.replace(&call.resource, &key, &call.address.subresource, object, &writer, true)?, 200),
        None if !call.address.subresource.is_empty() => return Err(call.not_found()),
        None => {
            if at(&object, &["metadata", "uid"]).is_some() {
                let why = format!(
                    "Precondition failed: UID in precondition: {}, UID in object meta: ",
                    text(&object, &["metadata", "uid"])
                );
                return Err(ApiError::conflict(&call.resource.group, &call.resource.plural, &call.address.name, &why));
            }
            object_mut(crate::json::child(&mut object, "metadata"))
                .insert("name".into(), call.address.name.clone().into());
            (state.create(&call.resource, &call.address.namespace, object, &writer, true)?, 201)
        }
    };
    Ok(warned(call.show(state, code, &made), warnings))
}

fn delete_options(call: &Call<'_>) -> Result<(DeleteOptions, bool)> {
    let body = if call.request.body.is_empty() { json!({}) } else { any_body(call)? };
    let query = &call.request.query;
    let policy = match query.get("propagationPolicy") {
        "" => text(&body, &["propagationPolicy"]),
        given => given,
    };
    let orphan = query.flag("orphanDependents") || at(&body, &["orphanDependents"]) == Some(&Value::Bool(true));
    let propagation = match policy {
        "" if orphan => Some(Propagation::Orphan),
        "" => None,
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        other => {
            let error = FieldError::unsupported(
                "propagationPolicy",
                &other.into(),
                &["Background", "Foreground", "Orphan", "nil"],
            );
            return Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &[error]));
        }
    };
    let precondition = |key: &str| at(&body, &["preconditions", key]).and_then(Value::as_str).map(str::to_owned);
    let grace = query.get("gracePeriodSeconds").parse().ok().or(crate::json::int(&body, &["gracePeriodSeconds"]));
    let dry_run = query.get("dryRun") == "All" || crate::json::list(&body, &["dryRun"]).iter().any(|v| v == "All");
    let options =
        DeleteOptions { propagation, uid: precondition("uid"), revision: precondition("resourceVersion"), grace };
    Ok((options, dry_run))
}

pub(crate) fn delete(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let (options, dry_run) = delete_options(call)?;
    let writer = Writer { dry_run, ..call.writer()? };
    match state.delete(&call.resource, &call.key(), &options, &writer)? {
        Deleted::Gone(object) => Ok(Reply::json(200, &reply::deleted(&call.resource, &object))),
        Deleted::Marked(object) => Ok(call.show(state, 200, &object)),
    }
}

pub(crate) fn delete_collection(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let (options, dry_run) = delete_options(call)?;
    let writer = Writer { dry_run, ..call.writer()? };
    let selector = selector(call)?;
    let place = call.resource.place();
    let keys: Vec<Key> = state
        .store
        .list(&place, &call.address.namespace)
        .filter(|(_, o)| selector.matches(o))
        .map(|((namespace, name), _)| Key::new(&place, namespace, name))
        .collect();
    let mut items = Vec::new();
    for key in keys {
        items.push(match state.delete(&call.resource, &key, &options, &writer)? {
            Deleted::Gone(object) | Deleted::Marked(object) => state.in_version(&object, &call.resource),
        });
    }
    let items: Vec<&Value> = items.iter().collect();
    let mut metadata = serde_json::Map::new();
    metadata.insert("resourceVersion".into(), state.store.revision().to_string().into());
    Ok(Reply::json(200, &reply::many(&call.resource, &items, metadata, call.accept.form, "", state.now())))
}
