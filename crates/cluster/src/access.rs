//! Asking the cluster who somebody is and what somebody may do.

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::error::{Action, Error};
use crate::identity::Identity;
use crate::request::Call;

/// What somebody wants to do with a resource, as Kubernetes' `resourceAttributes` say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wish {
    /// The verb: `get`, `list`, `create` …
    pub verb: String,
    /// The API group; empty for Kubernetes' own first group.
    pub group: String,
    /// The resource: `secrets`.
    pub resource: String,
    /// The part of the resource; empty for the whole.
    pub subresource: String,
    /// The namespace; empty for all of them.
    pub namespace: String,
    /// The object; empty for all of them.
    pub name: String,
}

impl Wish {
    /// Makes a wish about all objects of a resource (`secrets`, `releases/values`) in a namespace.
    pub fn new(verb: &str, group: &str, resource: &str, namespace: &str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: String::new(),
        }
    }

    /// The same about one object.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The resource as RBAC names it, with its part.
    pub fn whole_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

impl Cluster {
    /// Asks whose a bearer token is; nobody's when the cluster does not take it, or not for any of these audiences.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and refusals: the caller needs the right to create `tokenreviews`.
    pub async fn token_review(&self, token: &str, audiences: &[String]) -> Result<Option<Identity>, Error> {
        let mut spec = json!({"token": token});
        if !audiences.is_empty()
            && let Some(spec) = spec.as_object_mut()
        {
            spec.insert("audiences".to_owned(), audiences.into());
        }
        let status = self.review("authentication.k8s.io", "tokenreviews", "TokenReview", &spec).await?;
        if status.get("authenticated").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        // An authenticator that knows no audiences leaves them out, and then nobody has checked them.
        let meant: Vec<&str> = texts(status.get("audiences"));
        if !audiences.is_empty() && !audiences.iter().any(|wanted| meant.contains(&wanted.as_str())) {
            return Ok(None);
        }
        let user = status.get("user").unwrap_or(&Value::Null);
        let name = user.get("username").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() {
            return Ok(None);
        }
        let owned = |list: Option<&Value>| texts(list).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let extra: BTreeMap<String, Vec<String>> = user
            .get("extra")
            .and_then(Value::as_object)
            .map(|map| map.iter().map(|(key, values)| (key.clone(), owned(Some(values)))).collect())
            .unwrap_or_default();
        Ok(Some(Identity { user: name.to_owned(), groups: owned(user.get("groups")), extra }))
    }

    /// Asks whether somebody may do something.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and refusals: the caller needs the right to create `subjectaccessreviews`.
    pub async fn access_review(&self, who: &Identity, wish: &Wish) -> Result<bool, Error> {
        let attributes = json!({
            "verb": wish.verb, "group": wish.group, "resource": wish.resource, "subresource": wish.subresource,
            "namespace": wish.namespace, "name": wish.name,
        });
        let spec = json!({
            "user": who.user, "groups": who.groups, "extra": who.extra, "resourceAttributes": attributes,
        });
        let status = self.review("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", &spec).await?;
        let flag = |key: &str| status.get(key).and_then(Value::as_bool).unwrap_or(false);
        Ok(flag("allowed") && !flag("denied"))
    }

    /// Makes a review, and returns its status. Asking changes nothing, so it may be asked again.
    async fn review(&self, group: &str, resource: &str, kind: &str, spec: &Value) -> Result<Value, Error> {
        let body = json!({"apiVersion": format!("{group}/v1"), "kind": kind, "spec": spec});
        let call = Call::new(Action::Create, Method::POST, format!("/apis/{group}/v1/{resource}"));
        let answer = call.body("application/json", &body).insist(self.client(), self.patience()).await?;
        Ok(answer.json()?.get_mut("status").map(Value::take).unwrap_or_default())
    }
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use sandbox::{Config, Sandbox, User};

    use super::*;

    fn sandbox() -> Sandbox {
        let mut config = Config::default();
        let mut alice = User::new("alice", &["web", "system:authenticated"]);
        alice.extra.insert("example.com/scope".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
        config.tokens.insert("of-alice".to_owned(), alice);
        Sandbox::new(config)
    }

    #[tokio::test]
    async fn a_token_is_somebodys_or_nobodys() {
        let cluster = Cluster::new(sandbox().client());
        let alice = cluster.token_review("of-alice", &[]).await.unwrap().unwrap();
        assert_eq!((alice.user.as_str(), alice.groups.len()), ("alice", 2));
        assert_eq!(alice.extra["example.com/scope"], ["a", "b"]);
        assert_eq!(cluster.token_review("of-nobody", &[]).await.unwrap(), None);
        let other = ["example.com".to_owned()];
        assert_eq!(cluster.token_review("of-alice", &other).await.unwrap(), None, "a token for somebody else");
    }

    #[tokio::test]
    async fn what_somebody_may_do_is_what_roles_say() {
        let sandbox = sandbox();
        let cluster = Cluster::new(sandbox.client());
        let alice = cluster.token_review("of-alice", &[]).await.unwrap().unwrap();
        let wish = Wish::new("get", "whipstaff.dev", "releases/values", "web");
        assert!(!cluster.access_review(&alice, &wish).await.unwrap());
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/web";
        let make = async |path: &str, body: Value| {
            let call = Call::new(Action::Create, Method::POST, path).body("application/json", &body);
            call.send(cluster.client()).await.unwrap();
        };
        make("/api/v1/namespaces", json!({"metadata": {"name": "web"}})).await;
        let rules = json!([{"verbs": ["get"], "apiGroups": ["whipstaff.dev"], "resources": ["releases/values"],
            "resourceNames": ["shop"]}]);
        make(&format!("{rbac}/roles"), json!({"metadata": {"name": "r"}, "rules": rules})).await;
        let binding = json!({"metadata": {"name": "r"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "web"}]});
        make(&format!("{rbac}/rolebindings"), binding).await;
        assert!(cluster.access_review(&alice, &wish.clone().named("shop")).await.unwrap());
        assert!(!cluster.access_review(&alice, &wish).await.unwrap());
        assert!(!cluster.access_review(&alice, &Wish { namespace: "db".into(), ..wish.named("shop") }).await.unwrap());
    }

    #[tokio::test]
    async fn who_speaks_for_somebody_needs_the_right_to_all_that_is_said_of_them() {
        let mut config = Config::default();
        config.tokens.insert("of-server".to_owned(), User::new("server", &["system:authenticated"]));
        let sandbox = Sandbox::new(config);
        let admin = Cluster::new(sandbox.client());
        let rbac = "/apis/rbac.authorization.k8s.io/v1";
        let make = async |path: String, body: Value| {
            let call = Call::new(Action::Create, Method::POST, path).body("application/json", &body);
            call.send(admin.client()).await.unwrap();
        };
        let rules = json!([
            {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users", "groups"]},
            {"verbs": ["impersonate"], "apiGroups": ["authentication.k8s.io"], "resources": ["userextras/example.com/scope"]},
        ]);
        make(format!("{rbac}/clusterroles"), json!({"metadata": {"name": "r"}, "rules": rules})).await;
        let binding = json!({"metadata": {"name": "r"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "server"}]});
        make(format!("{rbac}/clusterrolebindings"), binding).await;
        let inner = sandbox.client();
        let own = kube::Client::new(
            tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
                let inner = inner.clone();
                request.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer of-server"));
                async move { inner.send(request).await }
            }),
            "default",
        );
        let seen = async |identity: &Identity| {
            let speaking = Cluster::new(crate::impersonate(&own, identity));
            let status =
                speaking.review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", &json!({})).await;
            status.map(|status| status["userInfo"].clone()).map_err(|error| error.to_string())
        };
        let alice = Identity {
            user: "alice".into(),
            groups: vec!["web".into()],
            extra: [("example.com/scope".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into(),
        };
        let info = seen(&alice).await.unwrap();
        let wanted = json!({"username": "alice", "groups": ["web", "system:authenticated"], "extra": {"example.com/scope": ["a", "b"]}});
        assert_eq!(info, wanted);
        let more = Identity { extra: [("other".to_owned(), vec!["a".to_owned()])].into(), ..alice };
        let error = seen(&more).await.unwrap_err();
        assert!(
            error.contains("cannot impersonate resource \"userextras/other\" in API group \"authentication.k8s.io\""),
            "{error}"
        );
        let account = Identity { user: "system:serviceaccount:web:x".into(), ..Identity::default() };
        let error = seen(&account).await.unwrap_err();
        assert!(error.contains("cannot impersonate resource \"serviceaccounts\""), "{error}");
    }
}
