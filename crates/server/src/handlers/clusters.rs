//! Clusters.

use std::time::Duration;

use api::{Cluster, ClusterBody, ClusterSource, EngineKind, InputError, Problem, Reason};
use cluster::Wish;
use futures::future::join_all;
use http::{StatusCode, header};
use k8s_openapi::api::core::v1::Secret;

use super::preconditions;
use crate::access::{self, GROUP};
use crate::clusters::{DEFAULT, Member, State, Stored, check_client, is_name, read_kubeconfig, tree_of};
use crate::ctx::{Ctx, Outcome};
use crate::home::{Home, NotWritten};
use crate::reply::Reply;

/// How long a cluster may take to say its version.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a kubeconfig is written over what others write at the same time.
const TRIES: u32 = 4;

pub(super) async fn cluster_list(ctx: Ctx) -> Outcome {
    let details = sees_details(&ctx, None).await;
    let members = ctx.app.clusters.all();
    let looks = members.iter().map(|member| async {
        // One that did not answer a moment ago is looked after already.
        let error = match member.down() {
            Some(problem) => Err(problem),
            None => version(member).await,
        };
        shown(member, error, details)
    });
    let mut items = join_all(looks).await;
    items.extend(ctx.app.clusters.broken().into_iter().map(|(name, text)| broken(&name, &text, details)));
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Reply::ok().value(&ctx, &api::ClusterList { items })
}

pub(super) async fn cluster_get(ctx: Ctx) -> Outcome {
    let name = ctx.path("cluster").to_owned();
    if ctx.app.clusters.find(&name).is_none() {
        return Err(missing(&name));
    }
    answer(&ctx, StatusCode::OK, &name).await
}

pub(super) async fn cluster_create(ctx: Ctx) -> Outcome {
    let body: ClusterBody = ctx.input("ClusterBody")?;
    let name = body.name.clone().ok_or_else(|| wrong("/name", "POST needs the cluster's name in the body"))?;
    if !is_name(&name) {
        return Err(wrong("/name", NAMES));
    }
    let text = checked(&ctx, &body)?;
    if ctx.app.clusters.find(&name).is_some() {
        return Err(exists(&name));
    }
    match ctx.app.home.write_cluster(&name, None, &text).await {
        Ok(secret) => {
            take(&ctx, &secret);
            answer(&ctx, StatusCode::CREATED, &name).await
        }
        Err(NotWritten::Conflict) => Err(exists(&name)),
        Err(NotWritten::Refused(problem)) => Err(problem),
    }
}

pub(super) async fn cluster_apply(ctx: Ctx) -> Outcome {
    let name = ctx.path("cluster").to_owned();
    check_name(&name)?;
    let body: ClusterBody = ctx.input("ClusterBody")?;
    if body.name.as_ref().is_some_and(|other| *other != name) {
        return Err(wrong("/name", &format!("not the name in the path, `{name}`; leave it out")));
    }
    refuse_fixed(&ctx, &name)?;
    let text = checked(&ctx, &body)?;
    let home = &ctx.app.home;
    for _ in 0..TRIES {
        let there = home.cluster(&name).await?;
        preconditions::check(&ctx, "cluster", there.as_ref().map(version_of).as_deref())?;
        let status = if there.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        if there.is_none() {
            access::home(&ctx, "clusters", "create", "").await?;
        }
        match home.write_cluster(&name, there, &text).await {
            Ok(secret) => {
                take(&ctx, &secret);
                return answer(&ctx, status, &name).await;
            }
            // The preconditions decide whether that matters.
            Err(NotWritten::Conflict) => {}
            Err(NotWritten::Refused(problem)) => return Err(problem),
        }
    }
    Err(busy())
}

pub(super) async fn cluster_delete(ctx: Ctx) -> Outcome {
    let name = ctx.path("cluster").to_owned();
    refuse_fixed(&ctx, &name)?;
    if !is_name(&name) {
        return Err(missing(&name));
    }
    let home: &Home = &ctx.app.home;
    for _ in 0..TRIES {
        let Some(there) = home.cluster(&name).await? else {
            ctx.app.clusters.remove(&name);
            return Err(missing(&name));
        };
        preconditions::check(&ctx, "cluster", Some(&version_of(&there)))?;
        match home.delete_cluster(&name, there.metadata.resource_version.clone()).await {
            Ok(()) => {
                ctx.app.clusters.remove(&name);
                return Ok(Reply::new(StatusCode::NO_CONTENT).end(axum::body::Body::empty()));
            }
            Err(NotWritten::Conflict) => {}
            Err(NotWritten::Refused(problem)) => return Err(problem),
        }
    }
    Err(busy())
}

const NAMES: &str =
    "expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit";

fn check_name(name: &str) -> Result<(), Box<Problem>> {
    if is_name(name) {
        return Ok(());
    }
    Err(Box::new(Problem::input(vec![InputError::parameter("cluster", NAMES)])))
}

fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}

fn missing(name: &str) -> Box<Problem> {
    let text = format!("there is no cluster `{name}`; `/v1/clusters` has those there are");
    Box::new(Problem::new(Reason::ClusterNotFound, text))
}

fn exists(name: &str) -> Box<Problem> {
    let text = format!("there is a cluster `{name}` already; exchange its kubeconfig with PUT, or choose another name");
    Box::new(Problem::new(Reason::ClusterExists, text))
}

fn busy() -> Box<Problem> {
    Box::new(Problem::new(Reason::ClusterError, "the cluster's Secret is being written to all the time; ask again"))
}

/// Refuses to change what no Secret names.
fn refuse_fixed(ctx: &Ctx, name: &str) -> Result<(), Box<Problem>> {
    let why = match ctx.app.clusters.get(name).map(|member| member.source) {
        Some(ClusterSource::Default) => "is where the server keeps what is its own",
        Some(ClusterSource::Flag) => "was named by a flag of the server",
        _ => return Ok(()),
    };
    let text = format!("cluster `{name}` {why}; it cannot be changed over the API");
    Err(Box::new(Problem::new(Reason::ClusterReadOnly, text)))
}

/// Checks a kubeconfig, and returns what of it is kept.
fn checked(ctx: &Ctx, body: &ClusterBody) -> Result<String, Box<Problem>> {
    let hosts = ctx.app.clusters.hosts();
    let tree = tree_of(&body.kubeconfig).map_err(|fault| Problem::input(vec![fault.in_body(&body.kubeconfig)]))?;
    let reading = read_kubeconfig(&tree, body.context.as_deref(), hosts)
        .map_err(|faults| Problem::input(faults.into_iter().map(|fault| fault.in_body(&body.kubeconfig)).collect()))?;
    check_client(&reading, hosts).map_err(|text| wrong("/kubeconfig", &text))?;
    Ok(reading.text)
}

/// What stands for the kubeconfig.
fn version_of(secret: &Secret) -> String {
    secret.metadata.resource_version.clone().unwrap_or_default()
}

/// Takes in what was just written, before the watch tells of it.
fn take(ctx: &Ctx, secret: &Secret) {
    if let Some(stored) = Stored::read(secret) {
        ctx.app.clusters.put(&stored);
    }
}

/// Answers with a cluster as it stands.
async fn answer(ctx: &Ctx, status: StatusCode, name: &str) -> Outcome {
    let details = sees_details(ctx, Some(name)).await;
    let shown = match ctx.app.clusters.find(name) {
        Some(State::Ready(member)) => shown(&member, version(&member).await, details),
        Some(State::Broken(text)) => broken(name, &text, details),
        None => return Err(missing(name)),
    };
    let version = ctx.app.clusters.version(name);
    let tag = preconditions::etag(version.as_deref().unwrap_or("fixed"), &shown)?;
    let mut reply = Reply::new(status).etag(&tag);
    if status == StatusCode::CREATED {
        reply = reply.header(header::LOCATION, &format!("/v1/clusters/{name}"));
    }
    reply.value(ctx, &shown)
}

/// Tells whether the caller may see how a cluster is reached; the cluster `default` decides.
async fn sees_details(ctx: &Ctx, name: Option<&str>) -> bool {
    let Some(home) = ctx.app.clusters.get(DEFAULT) else { return false };
    let wish = Wish::new("get", GROUP, "clusters", "").named(name.unwrap_or_default());
    ctx.app.access.may(&home, &ctx.caller, wish).await.unwrap_or(false)
}

async fn version(member: &std::sync::Arc<Member>) -> Result<String, Box<Problem>> {
    let version = member.version(PATIENCE).await;
    if let Err(problem) = &version {
        member.heard(problem);
    }
    version
}

fn shown(member: &Member, version: Result<String, Box<Problem>>, details: bool) -> Cluster {
    let info = Some(&member.info).filter(|_| details);
    let (version, error) = match version {
        Ok(version) => (Some(version), None),
        Err(problem) => (None, Some(*problem)),
    };
    let (kubernetes_version, tiller_version) = match member.kind() {
        EngineKind::Native => (version, None),
        EngineKind::Tiller => (None, version),
    };
    Cluster {
        name: member.name.clone(),
        engine: member.kind(),
        source: member.source,
        reachable: error.is_none(),
        kubernetes_version,
        tiller_version,
        server: info.and_then(|info| info.server.clone()),
        context: info.and_then(|info| info.context.clone()),
        credentials: info.and_then(|info| info.credentials),
        error: error.map(|error| if details { error } else { veiled(error.reason) }),
    }
}

/// A cluster whose Secret says what cannot be followed.
fn broken(name: &str, text: &str, details: bool) -> Cluster {
    let problem = Problem::new(Reason::ClusterUnreachable, format!("the cluster's Secret cannot be used: {text}"));
    Cluster {
        name: name.to_owned(),
        engine: EngineKind::Native,
        source: ClusterSource::Secret,
        reachable: false,
        kubernetes_version: None,
        tiller_version: None,
        server: None,
        context: None,
        credentials: None,
        error: Some(if details { problem } else { veiled(Reason::ClusterUnreachable) }),
    }
}

/// A problem without its text, which may name addresses.
fn veiled(reason: Reason) -> Problem {
    Problem::new(reason, "the cluster cannot be used; who may `get` `clusters` of API group `whipstaff.dev` sees why")
}
