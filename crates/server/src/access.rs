//! Whether the caller may: what each operation needs, and asking the cluster about it.
//!
//! What is done is done in the caller's name, and the cluster decides. Three things need a question beforehand: reads of callers who
//! may not read Secrets but may read the virtual resource `releases` of the API group `whipstaff.dev`, which the server makes in its
//! own name; plans, which change nothing and so would never be refused; and records that are not in the cluster.

mod rules;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{EngineKind, MissingRight, Problem, Reason};
use cluster::Wish;
use engine::Engine;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::clusters::{DEFAULT, Member};
use crate::ctx::Ctx;
use crate::{own_repository, problems};

pub(crate) use rules::{Kept, Need, Part, is_audited, is_for_tillers};

/// The API group of the virtual resources.
pub(crate) const GROUP: &str = "whipstaff.dev";
/// How long an answer of the cluster is believed.
const FRESH: Duration = Duration::from_secs(10);
/// How many answers are remembered.
const MANY: usize = 10_000;
/// How long the cluster may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// In whose name a request that was let through reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The caller's, who sees what records hold.
    #[default]
    Caller,
    /// The server's: the caller may see releases, and not what Secrets hold.
    Server,
}

/// What callers may, as far as it was asked lately.
#[derive(Default)]
pub(crate) struct Access {
    seen: Mutex<HashMap<Question, (bool, Instant)>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    /// The very cluster, not another one that has its name now.
    cluster: u64,
    caller: Caller,
    wish: Wish,
}

impl Access {
    /// Asks whether a caller may do something; where there is no authentication, everybody may everything.
    pub(crate) async fn may(&self, member: &Member, caller: &Caller, wish: Wish) -> Result<bool, Box<Problem>> {
        let Some(identity) = caller.identity() else { return Ok(true) };
        let question = Question { cluster: member.serial, caller: caller.clone(), wish };
        let now = Instant::now();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&question).copied();
        if let Some((answer, _)) = seen.filter(|(_, until)| *until > now) {
            return Ok(answer);
        }
        let asked = member.own().cluster().access_review(identity, &question.wish);
        let answer = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(problems::of(engine::Error::Cluster(error))),
            Err(_) => return Err(problems::slow_cluster(PATIENCE)),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MANY {
            seen.retain(|_, (_, until)| *until > now);
        }
        if seen.len() >= MANY {
            seen.clear();
        }
        seen.insert(question, (answer, now + FRESH));
        Ok(answer)
    }

    /// As [`Self::may`], of several things; says which of them the caller may not first.
    async fn first_missing(
        &self,
        member: &Member,
        caller: &Caller,
        wishes: Vec<Wish>,
    ) -> Result<Option<Wish>, Box<Problem>> {
        for wish in wishes {
            if !self.may(member, caller, wish.clone()).await? {
                return Ok(Some(wish));
            }
        }
        Ok(None)
    }

    /// Finds out in whose name parts of releases are read: of one (a name), or of all in a namespace or in the cluster (none).
    pub(crate) async fn read(
        &self,
        member: &Member,
        caller: &Caller,
        namespace: &str,
        name: Option<&str>,
        parts: &[Part],
    ) -> Result<Grant, Box<Problem>> {
        if member.kind() == EngineKind::Tiller {
            self.tiller(member, caller, "get").await?;
            return Ok(Grant::Caller);
        }
        let records = records(member);
        let all = ["list", "get"].map(|verb| Wish::new(verb, "", records, namespace)).to_vec();
        if self.first_missing(member, caller, all).await?.is_none() {
            return Ok(Grant::Caller);
        }
        let verb = if name.is_some() { "get" } else { "list" };
        let wishes =
            parts.iter().map(|part| Wish::new(verb, GROUP, part.resource(), namespace).named(name.unwrap_or_default()));
        let wishes = wishes.collect();
        match self.first_missing(member, caller, wishes).await? {
            None => Ok(Grant::Server),
            Some(missing) => {
                let also = format!("who may `get` and `list` `{records}` there needs no other right");
                Err(forbidden(caller, &missing, Some(&also)))
            }
        }
    }

    /// Refuses a caller who may not change releases in a namespace.
    pub(crate) async fn change(&self, member: &Member, caller: &Caller, namespace: &str) -> Result<(), Box<Problem>> {
        if member.kind() == EngineKind::Tiller {
            return self.tiller(member, caller, "update").await;
        }
        let records = records(member);
        let needed: &[&str] = if is_kept_by_cluster(member) { &["create"] } else { &["create", "get", "list"] };
        let wishes = needed.iter().map(|verb| Wish::new(verb, "", records, namespace)).collect();
        match self.first_missing(member, caller, wishes).await? {
            None => Ok(()),
            Some(missing) => {
                Err(forbidden(caller, &missing, Some("releases are changed by who may write their records")))
            }
        }
    }

    /// Refuses a caller who may not read, or change, what a Tiller has. Tiller knows no users, and the namespaces of its releases may be
    /// those of another cluster: one right is for all that it has.
    async fn tiller(&self, member: &Member, caller: &Caller, verb: &str) -> Result<(), Box<Problem>> {
        let wish = Wish::new(verb, GROUP, "tillers", "").named(&member.name);
        if self.may(member, caller, wish.clone()).await? {
            return Ok(());
        }
        Err(forbidden(caller, &wish, Some("it is asked of cluster `default`")))
    }

    /// What reads the releases of a namespace (none: of the whole cluster), in a name that may.
    pub(crate) async fn lister(
        &self,
        member: &Member,
        caller: &Caller,
        namespace: Option<&str>,
    ) -> Result<Arc<Engine>, Box<Problem>> {
        let grant = self.read(member, caller, namespace.unwrap_or_default(), None, &[Part::Release]).await?;
        Ok(reader(member, caller, grant))
    }
}

/// What reads in the name that was found.
pub(crate) fn reader(member: &Member, caller: &Caller, grant: Grant) -> Arc<Engine> {
    match grant {
        Grant::Caller => member.engine(caller),
        Grant::Server => member.own().clone(),
    }
}

/// The resource that stands for records; for those that are not in the cluster it is the one that they would be.
fn records(member: &Member) -> &'static str {
    if member.own().ledger().driver() == "ConfigMap" { "configmaps" } else { "secrets" }
}

/// Whether the cluster itself refuses who may not read or write records.
fn is_kept_by_cluster(member: &Member) -> bool {
    matches!(member.own().ledger().driver(), "Secret" | "ConfigMap")
}

/// Checks what the operation of a request needs, and finds out in whose name it reads.
pub(crate) async fn gate(ctx: &Ctx) -> Result<Grant, Box<Problem>> {
    let Some(need) = rules::need(ctx.route.id).or_else(|| own_repository::need(ctx.route.id)) else {
        return Err(crate::reply::internal(format!("it is not said who may `{}`", ctx.route.id)));
    };
    if ctx.caller.identity().is_none() {
        // Without authentication the guard has let nobody in but programs of this machine.
        return match need {
            _ if !ctx.app.config.auth.is_on() => Ok(Grant::Caller),
            Need::Open => Ok(Grant::Caller),
            _ if crate::guard::is_open(&ctx.app.config, ctx.route.path) => Ok(Grant::Caller),
            _ => Err(Box::new(Problem::new(Reason::Unauthenticated, "say who you are"))),
        };
    }
    let (access, caller) = (&ctx.app.access, &ctx.caller);
    match need {
        Need::Open | Need::Anybody | Need::EachCluster | Need::Operations => Ok(Grant::Caller),
        Need::Home(kept, verb) => {
            home(ctx, kept.resource, verb, kept.parameter.map_or("", |name| ctx.path(name))).await?;
            Ok(Grant::Caller)
        }
        Need::Read(parts) => {
            let (member, target) = (ctx.cluster()?, ctx.target()?);
            access.read(&member, caller, &target.namespace, Some(&target.name), parts).await
        }
        Need::List => {
            let (member, namespace) = (ctx.cluster()?, ctx.namespace()?);
            access.read(&member, caller, namespace, None, &[Part::Release]).await
        }
        Need::ListCluster => access.read(&*ctx.cluster()?, caller, "", None, &[Part::Release]).await,
        Need::Change => {
            let (member, namespace) = (ctx.cluster()?, ctx.namespace()?);
            access.change(&member, caller, namespace).await?;
            Ok(Grant::Caller)
        }
        Need::Operation(parts) => {
            let Some((member, release)) = operation(ctx).await? else { return Ok(Grant::Caller) };
            access.read(&member, caller, &release.namespace, Some(&release.name), parts).await
        }
        Need::ChangeOperation => {
            let Some((member, release)) = operation(ctx).await? else { return Ok(Grant::Caller) };
            access.change(&member, caller, &release.namespace).await?;
            Ok(Grant::Caller)
        }
    }
}

/// The release of the operation that the path names; none when there is no such operation, as the handler then says.
async fn operation(ctx: &Ctx) -> Result<Option<(Arc<Member>, api::ReleaseRef)>, Box<Problem>> {
    let Some(listing) = ctx.app.operations.listing(ctx.path("id")).await? else { return Ok(None) };
    let Some(member) = ctx.app.clusters.get(&listing.release.cluster) else {
        // Nobody can be asked who may see it.
        let text = format!("the operation is of cluster `{}`, which is not there", listing.release.cluster);
        return Err(Box::new(Problem::new(Reason::OperationNotFound, text)));
    };
    match member.down() {
        None => Ok(Some((member, listing.release))),
        Some(problem) => Err(problem),
    }
}

/// Refuses a caller who may not do something with what the server keeps (none named: with all); the cluster `default` decides.
pub(crate) async fn home(ctx: &Ctx, resource: &str, verb: &str, name: &str) -> Result<(), Box<Problem>> {
    let home = ctx.app.clusters.get(DEFAULT).ok_or_else(|| crate::reply::internal("the cluster `default` is gone"))?;
    let wish = Wish::new(verb, GROUP, resource, "").named(name);
    if ctx.app.access.may(&home, &ctx.caller, wish.clone()).await? {
        return Ok(());
    }
    Err(forbidden(&ctx.caller, &wish, None))
}

/// The clusters whose operations the caller may list, of those that are asked for; `None` for all. One that does not answer, or where
/// the caller may not look, takes nothing away from the others.
pub(crate) async fn clusters_of_operations(ctx: &Ctx) -> Result<Option<Vec<String>>, Box<Problem>> {
    if ctx.caller.identity().is_none() {
        return Ok(None);
    }
    let namespace = ctx.query.get("namespace").unwrap_or_default();
    let wanted = ctx.query.get("cluster");
    let members = ctx.app.clusters.all();
    let members: Vec<_> = members.iter().filter(|member| wanted.is_none_or(|name| name == member.name)).collect();
    let asked = members.iter().map(|member| {
        let asked = ctx.app.access.read(member, &ctx.caller, namespace, None, &[Part::Release]);
        member.patiently(PATIENCE, asked)
    });
    let (mut seen, mut problem) = (Vec::new(), None);
    for (member, answer) in members.iter().zip(futures::future::join_all(asked).await) {
        match answer {
            Ok(_) => seen.push(member.name.clone()),
            Err(other) if problem.as_deref().is_none_or(|first: &Problem| first.retryable && !other.retryable) => {
                problem = Some(other);
            }
            Err(_) => {}
        }
    }
    match problem.filter(|_| seen.is_empty()) {
        Some(problem) => Err(problem),
        None => Ok(Some(seen)),
    }
}

/// The problem of a right that the caller lacks.
pub(crate) fn forbidden(caller: &Caller, wish: &Wish, also: Option<&str>) -> Box<Problem> {
    let user = caller.user().unwrap_or_default();
    let (verb, resource, group) = (&wish.verb, wish.whole_resource(), &wish.group);
    let name = if wish.name.is_empty() { String::new() } else { format!(" `{}`", wish.name) };
    let place = match wish.namespace.as_str() {
        "" => "in the whole cluster".to_owned(),
        namespace => format!("in namespace `{namespace}`"),
    };
    let also = also.map(|also| format!("; {also}")).unwrap_or_default();
    let text = format!("user `{user}` may not `{verb}` `{resource}`{name} of API group `{group}` {place}{also}");
    Box::new(Problem { missing: Some(Box::new(missing(wish))), ..Problem::new(Reason::ClusterForbidden, text) })
}

/// The right that grants a wish.
fn missing(wish: &Wish) -> MissingRight {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    MissingRight {
        verb: wish.verb.clone(),
        group: wish.group.clone(),
        resource: wish.whole_resource(),
        namespace: given(&wish.namespace),
        name: given(&wish.name),
    }
}

/// Finds the right in what Kubernetes says when it refuses: `secrets "a" is forbidden: User "alice" cannot get resource "secrets" in
/// API group "" in the namespace "web"`. It says so nowhere else.
pub(crate) fn missing_in(message: &str) -> Option<MissingRight> {
    let (about, rest) = message.split_once(" is forbidden: User ")?;
    let name = about.split_once(" \"").and_then(|(_, name)| name.strip_suffix('"'));
    let (_, rest) = rest.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once("\" in API group \"")?;
    let (group, rest) = rest.split_once('"')?;
    let namespace = rest.split_once(" in the namespace \"").and_then(|(_, rest)| rest.split_once('"'));
    Some(MissingRight {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.map(|(namespace, _)| namespace.to_owned()),
        name: name.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_refuses_is_taken_apart() {
        let found = missing_in(
            "create failed: secrets \"a\" is forbidden: User \"al ice\" cannot get resource \"secrets\" in API group \"\" in the namespace \"web\"",
        );
        let right = |verb: &str, group: &str, resource: &str| MissingRight {
            verb: verb.into(),
            group: group.into(),
            resource: resource.into(),
            ..MissingRight::default()
        };
        let secrets =
            MissingRight { namespace: Some("web".into()), name: Some("a".into()), ..right("get", "", "secrets") };
        assert_eq!(found, Some(secrets));
        let found = missing_in(
            "deployments.apps is forbidden: User \"x\" cannot patch resource \"deployments/scale\" in API group \"apps\" at the cluster scope",
        );
        assert_eq!(found, Some(right("patch", "apps", "deployments/scale")));
        for other in ["pods \"a\" is forbidden: exceeded quota: q", "", "no"] {
            assert_eq!(missing_in(other), None);
        }
    }
}
