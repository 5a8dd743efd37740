//! Parts of objects that have an address of their own, and the reviews, which are asked and not kept.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::authz::Wish;
use crate::config::User;
use crate::handler::Call;
use crate::json::{Parsed, at, int, list, object_mut, set, text};
use crate::kinds::convert;
use crate::reply::Reply;
use crate::rest::{DeleteOptions, Validation, read_object};
use crate::schema::BUILTIN;
use crate::state::State;
use crate::status::{ApiError, FieldError, Result};
use crate::write;

/// Whom the sandbox's tokens are meant for.
const AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";

/// Answers a request for a part of an object.
pub(crate) fn handle(state: &mut State, call: &Call<'_>, verb: &str) -> Result<Reply> {
    let resource = &call.resource;
    let Some(sub) = resource.sub(&call.address.subresource).cloned() else { return Err(ApiError::no_such_resource()) };
    if !sub.verbs.iter().any(|v| v == verb) {
        return Err(ApiError::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ));
    }
    match (sub.name.as_str(), verb) {
        ("scale", _) => scale(state, call, verb),
        ("log", _) => log(state, call),
        ("eviction", _) => evict(state, call),
        ("token", _) => token(state, call),
        ("exec" | "attach" | "portforward" | "proxy", _) => {
            state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
            Err(ApiError::new(
                501,
                "NotImplemented",
                format!("the sandbox runs no containers: `{}` is not possible", sub.name),
            ))
        }
        ("binding", _) => {
            state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
            Ok(Reply::json(
                201,
                &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
            ))
        }
        (_, "get") => {
            let object = state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
            Ok(call.show(state, 200, &object))
        }
        (_, "update") => write::update(state, call),
        _ => write::patch(state, call),
    }
}

fn scale(state: &mut State, call: &Call<'_>, verb: &str) -> Result<Reply> {
    let resource = &call.resource;
    let key = call.key();
    let object = state.store.get(&key).ok_or_else(|| call.not_found())?;
    let paths = resource.custom.as_ref().and_then(|c| c.scale.clone());
    let shown = convert::scale(&object, paths.as_ref());
    if verb == "get" {
        return Ok(Reply::json(200, &shown));
    }
    let ty = BUILTIN.kind("autoscaling", "v1", "Scale").unwrap_or(crate::schema::Type::Any);
    let next = if verb == "update" {
        write::any_body(call)?
    } else {
        match call.request.content_type().as_str() {
            "application/apply-patch+yaml" => write::patched(call, "application/merge-patch+json", &shown, &ty)?,
            kind => write::patched(call, kind, &shown, &ty)?,
        }
    };
    let revision = text(&next, &["metadata", "resourceVersion"]);
    if !revision.is_empty() && revision != text(&object, &["metadata", "resourceVersion"]) {
        return Err(ApiError::modified(&resource.group, &resource.plural, &key.name));
    }
    let replicas = int(&next, &["spec", "replicas"]).unwrap_or(0);
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", &key.name, &[error]));
    }
    let path =
        paths.as_ref().map_or(".spec.replicas", |p| text(p, &["specReplicasPath"])).trim_start_matches('.').to_owned();
    let path: Vec<&str> = path.split('.').collect();
    let mut changed = state.in_version(&object, resource);
    set(&mut changed, &path, replicas);
    let writer = call.writer()?;
    let made = state.replace(resource, &key, "scale", changed, &writer, false)?;
    Ok(Reply::json(200, &convert::scale(&made, paths.as_ref())))
}

fn log(state: &State, call: &Call<'_>) -> Result<Reply> {
    let pod = state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
    let container = call.request.query.get("container");
    let containers: Vec<&str> = list(&pod, &["spec", "containers"]).iter().map(|c| text(c, &["name"])).collect();
    if container.is_empty() && containers.len() > 1 {
        let why = format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            call.address.name,
            containers.join(" ")
        );
        return Err(ApiError::bad_request(why));
    }
    let inits = list(&pod, &["spec", "initContainers"]).iter().map(|c| text(c, &["name"]));
    if !container.is_empty() && !containers.iter().copied().chain(inits).any(|c| c == container) {
        let why = format!("container {container} is not valid for pod {}", call.address.name);
        return Err(ApiError::bad_request(why));
    }
    let key = (call.address.namespace.clone(), call.address.name.clone());
    let mut text = state.logs.get(&key).cloned().unwrap_or_default();
    if let Ok(lines) = call.request.query.get("tailLines").parse::<usize>() {
        let all: Vec<&str> = text.split_inclusive('\n').collect();
        text = all.get(all.len().saturating_sub(lines)..).unwrap_or_default().concat();
    }
    Ok(Reply::text(200, text))
}

fn evict(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let pod = state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
    let budgets = crate::resources::GroupResource::new("policy", "poddisruptionbudgets");
    let refused = state.store.list(&budgets, &call.address.namespace).any(|(_, budget)| {
        at(budget, &["spec", "selector"])
            .is_some_and(|s| crate::selector::label_selector_matches(s, at(&pod, &["metadata", "labels"])))
            && int(budget, &["status", "disruptionsAllowed"]).unwrap_or(0) == 0
    });
    if refused {
        let why = "Cannot evict pod as it would violate the pod's disruption budget.";
        return Err(ApiError::new(429, "TooManyRequests", why));
    }
    state.delete(&call.resource, &call.key(), &DeleteOptions::default(), &call.writer()?)?;
    Ok(Reply::json(
        201,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    ))
}

/// Makes a token for a service account that this sandbox knows again.
fn token(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
    let mut out = write::any_body(call)?;
    let seconds = int(&out, &["spec", "expirationSeconds"]).unwrap_or(3600);
    let expires = state.now().checked_add(std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(3600)));
    let expires = expires.map_or_else(|_| state.time(), crate::clock::rfc3339);
    let token = format!("sandbox.{}.{}.{}", call.address.namespace, call.address.name, state.random.suffix(16));
    set(&mut out, &["kind"], "TokenRequest");
    set(&mut out, &["apiVersion"], "authentication.k8s.io/v1");
    set(&mut out, &["metadata", "name"], call.address.name.clone());
    set(&mut out, &["metadata", "namespace"], call.address.namespace.clone());
    set(&mut out, &["spec", "expirationSeconds"], seconds);
    set(&mut out, &["status"], json!({"token": token, "expirationTimestamp": expires}));
    Ok(Reply::json(201, &out))
}

fn wish(spec: &Value) -> Wish {
    let resource = |key: &str| text(spec, &["resourceAttributes", key]).to_owned();
    Wish {
        verb: match at(spec, &["nonResourceAttributes"]) {
            Some(path) => text(path, &["verb"]).to_owned(),
            None => resource("verb"),
        },
        group: resource("group"),
        resource: resource("resource"),
        subresource: resource("subresource"),
        namespace: resource("namespace"),
        name: resource("name"),
        path: text(spec, &["nonResourceAttributes", "path"]).to_owned(),
    }
}

fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.extra.is_empty() {
        set(&mut info, &["extra"], json!(user.extra));
    }
    info
}

/// Answers a review.
pub(crate) fn review(state: &mut State, call: &Call<'_>) -> Result<Reply> {
    let parsed = Parsed { value: write::any_body(call)?, duplicates: Vec::new() };
    let mut warnings = Vec::new();
    let mut out = read_object(&call.resource, parsed, Validation::Ignore, &mut warnings)?;
    let spec = out.get("spec").cloned().unwrap_or(Value::Null);
    let verdict = |allowed: bool| {
        let mut status = Map::new();
        status.insert("allowed".into(), allowed.into());
        if !allowed {
            status.insert("reason".into(), "".into());
        }
        Value::Object(status)
    };
    let status = match call.resource.plural.as_str() {
        "selfsubjectaccessreviews" => verdict(state.allowed(&call.user, &wish(&spec))),
        "subjectaccessreviews" | "localsubjectaccessreviews" => {
            let groups = list(&spec, &["groups"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let user = User { name: text(&spec, &["user"]).to_owned(), groups, extra: BTreeMap::new() };
            if user.name.is_empty() && user.groups.is_empty() {
                let why = "at least one of user or group must be specified";
                let error = FieldError::invalid("spec.user", &"".into(), why);
                return Err(ApiError::invalid("authorization.k8s.io", "SubjectAccessReview", "", &[error]));
            }
            verdict(state.allowed(&user, &wish(&spec)))
        }
        "selfsubjectrulesreviews" => {
            let rules = if call.user.is_master() {
                vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})]
            } else {
                state.rules(&call.user, text(&spec, &["namespace"]))
            };
            let (paths, resources): (Vec<Value>, Vec<Value>) =
                rules.into_iter().partition(|r| at(r, &["nonResourceURLs"]).is_some());
            json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
        }
        "selfsubjectreviews" => json!({"userInfo": user_info(&call.user)}),
        "tokenreviews" => {
            let wanted: Vec<&str> = list(&spec, &["audiences"]).iter().filter_map(Value::as_str).collect();
            let audiences: Vec<&str> = wanted.iter().copied().filter(|audience| *audience == AUDIENCE).collect();
            let meant = wanted.is_empty() || !audiences.is_empty();
            match state.user_of_token(text(&spec, &["token"])).filter(|_| meant) {
                Some(user) => {
                    json!({"authenticated": true, "user": user_info(&user), "audiences": [AUDIENCE]})
                }
                None => json!({"user": {}, "error": "[invalid bearer token]"}),
            }
        }
        "bindings" => return Ok(Reply::json(201, &out)),
        _ => return Err(ApiError::no_such_resource()),
    };
    object_mut(&mut out).insert("status".into(), status);
    Ok(Reply::json(201, &out))
}
