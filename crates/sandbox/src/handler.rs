//! From a request to its answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Map, Value, json};

use crate::authz::Wish;
use crate::config::User;
use crate::reply::{self, Accept, Reply};
use crate::request::{Address, Request, Target, route};
use crate::resources::Resource;
use crate::sandbox::Inner;
use crate::selector::Selector;
use crate::service::SandboxBody;
use crate::state::State;
use crate::status::{ApiError, Result};
use crate::store::Key;
use crate::watch::{Watch, expired, stream};
use crate::{discovery, openapi, subresource, write};

/// What a request is answered with.
pub(crate) enum Answer {
    Whole(Reply),
    Stream(SandboxBody),
}

/// A request with all that is known about it.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) user: User,
    pub(crate) resource: Arc<Resource>,
    pub(crate) address: Address,
    pub(crate) accept: Accept,
}

impl Call<'_> {
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.resource.place(), &self.address.namespace, &self.address.name)
    }

    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.resource.group, &self.resource.plural, &self.address.name)
    }

    /// Answers with one object in the form that is wanted.
    pub(crate) fn show(&self, state: &State, code: u16, object: &Value) -> Reply {
        let object = state.in_version(object, &self.resource);
        let include = self.request.query.get("includeObject");
        Reply::json(code, &reply::one(&self.resource, &object, self.accept.form, include, state.now()))
    }
}

/// Answers a request.
///
/// # Errors
/// What is answered as a failure.
pub(crate) fn handle(inner: &Arc<Inner>, mut request: Request) -> Result<Answer> {
    let mut state = inner.lock();
    let user = state.caller(&request)?;
    // What is due by now happened before this request.
    inner.settle(&mut state);
    let target = route(&request.path);
    if let Target::Objects(address) = target {
        if address.watch {
            request.query.set("watch", "true");
        }
        let answer = objects(inner, &mut state, &request, user, address);
        inner.settle(&mut state);
        return answer;
    }
    let verb = if request.method == Method::GET { "get".to_owned() } else { request.method.as_str().to_lowercase() };
    state.authorize(&user, &Wish { verb, path: request.path.clone(), ..Wish::default() })?;
    if request.method != Method::GET && request.method != Method::HEAD {
        return Err(ApiError::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ));
    }
    Ok(Answer::Whole(plain(&state, &request, &target)))
}

fn plain(state: &State, request: &Request, target: &Target) -> Reply {
    let accept = reply::accept(request.header("accept"));
    let registry = &state.registry;
    let found = |value: Option<Value>| match value {
        Some(value) => Reply::json(200, &value),
        None => Reply::text(404, "404 page not found\n"),
    };
    let aggregated = |core: bool| {
        let mut reply = Reply::json(200, &discovery::aggregated(registry, core));
        reply.content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        reply
    };
    match target {
        Target::Root => {
            let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
            paths
                .extend(registry.versions.iter().filter(|(g, _)| !g.is_empty()).map(|(g, v)| format!("/apis/{g}/{v}")));
            paths
                .extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
            Reply::json(200, &json!({"paths": paths}))
        }
        Target::Core if accept.discovery.is_some() => aggregated(true),
        Target::Core => Reply::json(200, &discovery::core()),
        Target::Groups if accept.discovery.is_some() => aggregated(false),
        Target::Groups => Reply::json(200, &discovery::groups(registry)),
        Target::Group(name) => found(discovery::group(registry, name)),
        Target::GroupVersion(group, version) => found(discovery::resources(registry, group, version)),
        Target::Version => Reply::json(200, &discovery::version()),
        Target::OpenApi2
            if request.header("accept").contains("protobuf") && !request.header("accept").contains("json") =>
        {
            let mut reply = Reply::text(200, openapi::TWO_IN_PROTOBUF);
            reply.content_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
            reply
        }
        Target::OpenApi2 => Reply::json(200, &openapi::two(registry)),
        Target::OpenApi3 => Reply::json(200, &openapi::index(registry)),
        Target::OpenApi3Of(group, version) => found(openapi::three(registry, group, version)),
        Target::Health(_) => Reply::text(200, "ok"),
        Target::Objects(_) | Target::Nothing => Reply::text(404, "404 page not found\n"),
    }
}

fn verb_of(request: &Request, address: &Address) -> &'static str {
    let one = !address.name.is_empty();
    match request.method {
        Method::GET | Method::HEAD if request.query.flag("watch") && address.subresource.is_empty() => "watch",
        Method::GET | Method::HEAD if one => "get",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if one => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

fn objects(inner: &Arc<Inner>, state: &mut State, request: &Request, user: User, address: Address) -> Result<Answer> {
    let verb = verb_of(request, &address);
    let wish = Wish {
        verb: verb.into(),
        group: address.group.clone(),
        resource: address.plural.clone(),
        subresource: address.subresource.clone(),
        // A namespace is asked about in itself.
        namespace: if address.plural == "namespaces" { address.name.clone() } else { address.namespace.clone() },
        name: address.name.clone(),
        path: String::new(),
    };
    state.authorize(&user, &wish)?;
    let resource = state
        .registry
        .find(&address.group, &address.version, &address.plural)
        .ok_or_else(ApiError::no_such_resource)?;
    let not_allowed = || {
        ApiError::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with_details(json!({}))
    };
    if resource.namespaced && address.namespace.is_empty() && !matches!(verb, "list" | "watch") {
        // The reviews have no namespace in their path; everything else of a namespace has.
        return Err(if address.name.is_empty() { not_allowed() } else { ApiError::no_such_resource() });
    }
    if !resource.namespaced && !address.namespace.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    let accept = reply::accept(request.header("accept"));
    if !accept.json {
        return Err(ApiError::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json",
        ));
    }
    let call = Call { request, user, resource, address, accept };
    if !call.address.subresource.is_empty() {
        return subresource::handle(state, &call, verb).map(Answer::Whole);
    }
    let named = !call.address.name.is_empty();
    let fits = match verb {
        "create" => !named,
        "update" | "patch" => named,
        _ => true,
    };
    if !fits || !call.resource.can(verb) {
        return Err(not_allowed());
    }
    match verb {
        "get" => {
            let object = state.store.get(&call.key()).ok_or_else(|| call.not_found())?;
            Ok(Answer::Whole(call.show(state, 200, &object)))
        }
        "list" => list(state, &call).map(Answer::Whole),
        "watch" => watch(inner, state, &call).map(Answer::Stream),
        "create" if !call.resource.can("get") => subresource::review(state, &call).map(Answer::Whole),
        "create" => write::create(state, &call).map(Answer::Whole),
        "update" => write::update(state, &call).map(Answer::Whole),
        "patch" => write::patch(state, &call).map(Answer::Whole),
        "delete" => write::delete(state, &call).map(Answer::Whole),
        _ => write::delete_collection(state, &call).map(Answer::Whole),
    }
}

pub(crate) fn selector(call: &Call<'_>) -> Result<Selector> {
    let query = &call.request.query;
    let mut fields = query.get("fieldSelector").to_owned();
    if !call.address.name.is_empty() {
        // A watch of one object.
        if !fields.is_empty() {
            fields.push(',');
        }
        fields.push_str(&format!("metadata.name={}", call.address.name));
    }
    Selector::read(&call.resource, query.get("labelSelector"), &fields)
}

fn revision(text: &str) -> Result<u64> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
        ApiError::bad_request(format!("invalid resource version {text:?}: {why}"))
    })
}

fn list(state: &State, call: &Call<'_>) -> Result<Reply> {
    let query = &call.request.query;
    let selector = selector(call)?;
    let asked = revision(query.get("resourceVersion"))?;
    let now = state.store.revision();
    if asked > now {
        let message = format!("Too large resource version: {asked}, current: {now}");
        let details = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
        return Err(ApiError::new(504, "Timeout", message).with_details(details));
    }
    let limit = query.get("limit").parse::<usize>().unwrap_or(0);
    let start = match query.get("continue") {
        "" => None,
        token => Some(
            read_token(token).ok_or_else(|| ApiError::bad_request("continue key is not valid: illegal base64 data"))?,
        ),
    };
    let shown_revision = start.as_ref().map_or(now, |(revision, _, _)| *revision);
    let mut items = Vec::new();
    let mut next = None;
    let mut left = 0_usize;
    for ((namespace, name), object) in state.store.list(&call.resource.place(), &call.address.namespace) {
        if start.as_ref().is_some_and(|(_, ns, n)| (namespace, name) < (ns, n)) || !selector.matches(object) {
            continue;
        }
        if limit > 0 && items.len() == limit {
            if next.is_none() {
                next = Some((namespace.clone(), name.clone()));
            }
            left += 1;
            continue;
        }
        items.push(state.in_version(object, &call.resource));
    }
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".into(), shown_revision.to_string().into());
    if let Some((namespace, name)) = next {
        metadata.insert("continue".into(), write_token(shown_revision, &namespace, &name).into());
        if selector.is_empty() {
            metadata.insert("remainingItemCount".into(), left.into());
        }
    }
    let items: Vec<&Value> = items.iter().collect();
    let include = query.get("includeObject");
    Ok(Reply::json(200, &reply::many(&call.resource, &items, metadata, call.accept.form, include, state.now())))
}

fn write_token(revision: u64, namespace: &str, name: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": [namespace, name]}).to_string())
}

fn read_token(token: &str) -> Option<(u64, String, String)> {
    let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let start = |i: usize| Some(value.get("start")?.get(i)?.as_str()?.to_owned());
    Some((value.get("rv")?.as_u64()?, start(0)?, start(1)?))
}

fn watch(inner: &Arc<Inner>, state: &mut State, call: &Call<'_>) -> Result<SandboxBody> {
    let query = &call.request.query;
    let asked = query.get("resourceVersion");
    let after = revision(asked)?;
    let seconds = query.get("timeoutSeconds").parse::<u64>().unwrap_or(0);
    let mut watch = Watch {
        resource: Arc::clone(&call.resource),
        namespace: call.address.namespace.clone(),
        selector: selector(call)?,
        form: call.accept.form,
        include: query.get("includeObject").to_owned(),
        bookmarks: query.flag("allowWatchBookmarks"),
        after,
        timeout: Duration::from_secs(if seconds == 0 { 3600 } else { seconds.min(86_400) }),
    };
    let now = state.store.revision();
    let send_initial = query.get("sendInitialEvents");
    if send_initial == "true" && query.get("resourceVersionMatch") != "NotOlderThan" {
        let why = "sendInitialEvents: Forbidden: resourceVersionMatch is required when sendInitialEvents is set";
        return Err(ApiError::new(422, "Invalid", format!("ListOptions.meta.k8s.io \"\" is invalid: {why}")));
    }
    let initial = send_initial == "true" || (send_initial.is_empty() && after == 0);
    if !initial {
        let mut first = VecDeque::new();
        let old = after > 0 && after < state.store.forgotten();
        if old {
            first.push_back(expired(after, state.store.forgotten()));
        }
        if after == 0 {
            watch.after = now;
        }
        return Ok(stream(inner, watch, first, old));
    }
    let mut first = watch.initial(state);
    if send_initial == "true" && watch.bookmarks {
        first.push_back(watch.bookmark(now, true));
    }
    watch.after = now;
    Ok(stream(inner, watch, first, false))
}
