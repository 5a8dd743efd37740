//! Who asks, and whether they may: bearer tokens, impersonation, and role-based access control.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::config::User;
use crate::json::{at, list, text};
use crate::request::{Request, unescape_path};
use crate::resources::GroupResource;
use crate::state::State;
use crate::status::{ApiError, Result, qualified};

const RBAC: &str = "rbac.authorization.k8s.io";

/// What somebody wants to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Set for a path that is no resource.
    pub(crate) path: String,
}

impl State {
    /// Finds out who asks.
    ///
    /// # Errors
    /// The token is not known, or the caller may not be who it wants to be.
    pub(crate) fn caller(&self, request: &Request) -> Result<User> {
        let header = request.header("authorization");
        let user = match header.strip_prefix("Bearer ").map(str::trim) {
            Some(token) => {
                self.user_of_token(token).ok_or_else(|| ApiError::new(401, "Unauthorized", "Unauthorized"))?
            }
            None => match &self.config.anonymous {
                Some(user) => user.clone(),
                None => User::new("system:anonymous", &["system:unauthenticated"]),
            },
        };
        let wanted = request.header("impersonate-user");
        let groups: Vec<String> = request
            .headers
            .get_all("impersonate-group")
            .iter()
            .filter_map(|v| v.to_str().ok())
            .map(str::to_owned)
            .collect();
        if wanted.is_empty() {
            if !groups.is_empty() {
                let why = "requested [{Group  impersonated}] without impersonating a user";
                return Err(ApiError::new(
                    500,
                    "InternalError",
                    format!("Internal Server Error: {:?}: {why}", request.path),
                ));
            }
            return Ok(user);
        }
        let extra = wanted_extra(request);
        self.may_impersonate(&user, wanted, &groups, &extra)?;
        let mut out = User { name: wanted.to_owned(), groups, extra };
        if let Some((namespace, _)) = wanted.strip_prefix("system:serviceaccount:").and_then(|a| a.split_once(':')) {
            for group in ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")] {
                if !out.groups.contains(&group) {
                    out.groups.push(group);
                }
            }
        }
        if wanted != "system:anonymous" && !out.groups.iter().any(|g| g == "system:authenticated") {
            out.groups.push("system:authenticated".into());
        }
        Ok(out)
    }

    /// The service account whose token this is: tokens say whose they are.
    fn account_of_token(&self, token: &str) -> Option<User> {
        let (namespace, name) = token.strip_prefix("sandbox.")?.split_once('.')?;
        let (name, _) = name.rsplit_once('.')?;
        self.get("", "serviceaccounts", namespace, name)?;
        Some(User {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".into(),
            ],
            extra: BTreeMap::new(),
        })
    }

    /// Whose a bearer token is.
    pub(crate) fn user_of_token(&self, token: &str) -> Option<User> {
        self.config.tokens.get(token).cloned().or_else(|| self.account_of_token(token))
    }

    /// Whether a user may be taken for another one (as `k8s.io/apiserver/pkg/endpoints/filters/impersonation`).
    fn may_impersonate(
        &self,
        user: &User,
        wanted: &str,
        groups: &[String],
        extra: &BTreeMap<String, Vec<String>>,
    ) -> Result<()> {
        let about = |resource: &str, name: &str| Wish {
            verb: "impersonate".into(),
            resource: resource.into(),
            name: name.into(),
            ..Wish::default()
        };
        let account = wanted.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
        let mut wishes = vec![match account {
            Some((namespace, name)) => Wish { namespace: namespace.into(), ..about("serviceaccounts", name) },
            None => about("users", wanted),
        }];
        wishes.extend(groups.iter().map(|group| about("groups", group)));
        for (key, values) in extra {
            let of = |value: &String| Wish {
                group: "authentication.k8s.io".into(),
                subresource: key.clone(),
                ..about("userextras", value)
            };
            wishes.extend(values.iter().map(of));
        }
        wishes.iter().try_for_each(|wish| self.authorize(user, wish))
    }

    /// Whether a user may do something.
    pub(crate) fn allowed(&self, user: &User, wish: &Wish) -> bool {
        if user.is_master() {
            return true;
        }
        if !wish.path.is_empty() && wish.verb == "get" {
            let open = ["/version", "/healthz", "/livez", "/readyz"];
            let discovery = ["/api", "/apis", "/openapi"];
            let under = |list: &[&str]| list.iter().any(|p| wish.path == *p || wish.path.starts_with(&format!("{p}/")));
            if under(&open) || (under(&discovery) && user.groups.iter().any(|g| g == "system:authenticated")) {
                return true;
            }
        }
        if matches!(
            wish.resource.as_str(),
            "selfsubjectaccessreviews" | "selfsubjectrulesreviews" | "selfsubjectreviews"
        ) && wish.verb == "create"
        {
            return user.groups.iter().any(|g| g == "system:authenticated");
        }
        self.rules(user, &wish.namespace).iter().any(|rule| covers(rule, wish))
    }

    /// The rules that hold for a user in a namespace (empty: in the cluster).
    pub(crate) fn rules(&self, user: &User, namespace: &str) -> Vec<Value> {
        let mut out = Vec::new();
        for (_, binding) in self.store.list(&GroupResource::new(RBAC, "clusterrolebindings"), "") {
            if binds(binding, user, "") {
                out.extend(self.role_rules(binding, ""));
            }
        }
        if !namespace.is_empty() {
            for (_, binding) in self.store.list(&GroupResource::new(RBAC, "rolebindings"), namespace) {
                if binds(binding, user, namespace) {
                    out.extend(self.role_rules(binding, namespace));
                }
            }
        }
        out
    }

    fn role_rules(&self, binding: &Value, namespace: &str) -> Vec<Value> {
        let name = text(binding, &["roleRef", "name"]);
        let role: Option<Arc<Value>> = match text(binding, &["roleRef", "kind"]) {
            "ClusterRole" => self.get(RBAC, "clusterroles", "", name),
            _ => self.get(RBAC, "roles", namespace, name),
        };
        let Some(role) = role else { return Vec::new() };
        let mut rules = list(&role, &["rules"]).to_vec();
        // An aggregated role has the rules of those that its selectors find.
        for selector in list(&role, &["aggregationRule", "clusterRoleSelectors"]) {
            for (_, other) in self.store.list(&GroupResource::new(RBAC, "clusterroles"), "") {
                if crate::selector::label_selector_matches(selector, at(other, &["metadata", "labels"])) {
                    rules.extend(list(other, &["rules"]).iter().cloned());
                }
            }
        }
        rules
    }

    /// Refuses what a user may not do.
    ///
    /// # Errors
    /// The user may not.
    pub(crate) fn authorize(&self, user: &User, wish: &Wish) -> Result<()> {
        if self.allowed(user, wish) { Ok(()) } else { Err(refusal(user, wish)) }
    }
}

/// What else the caller wants to be known of the user it wants to be.
fn wanted_extra(request: &Request) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &request.headers {
        let Some(key) = name.as_str().strip_prefix("impersonate-extra-") else { continue };
        let Ok(value) = value.to_str() else { continue };
        extra.entry(unescape_path(key)).or_default().push(value.to_owned());
    }
    extra
}

fn binds(binding: &Value, user: &User, namespace: &str) -> bool {
    list(binding, &["subjects"]).iter().any(|subject| {
        let name = text(subject, &["name"]);
        match text(subject, &["kind"]) {
            "User" => name == user.name,
            "Group" => user.groups.iter().any(|g| g == name),
            "ServiceAccount" => {
                let own = text(subject, &["namespace"]);
                let namespace = if own.is_empty() { namespace } else { own };
                user.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

fn covers(rule: &Value, wish: &Wish) -> bool {
    let has = |key: &str, want: &str| list(rule, &[key]).iter().any(|v| v == "*" || v == want);
    if !has("verbs", &wish.verb) {
        return false;
    }
    if !wish.path.is_empty() {
        return list(rule, &["nonResourceURLs"]).iter().filter_map(Value::as_str).any(|url| {
            match url.strip_suffix('*') {
                Some(prefix) => wish.path.starts_with(prefix),
                None => url == wish.path,
            }
        });
    }
    let whole = if wish.subresource.is_empty() {
        wish.resource.clone()
    } else {
        format!("{}/{}", wish.resource, wish.subresource)
    };
    let any = format!("*/{}", wish.subresource);
    let resource = list(rule, &["resources"])
        .iter()
        .filter_map(Value::as_str)
        .any(|r| r == "*" || r == whole || (!wish.subresource.is_empty() && r == any));
    let names = list(rule, &["resourceNames"]);
    has("apiGroups", &wish.group) && resource && (names.is_empty() || names.iter().any(|n| *n == *wish.name))
}

fn refusal(user: &User, wish: &Wish) -> ApiError {
    if !wish.path.is_empty() {
        let why = format!("forbidden: User {:?} cannot {} path {:?}", user.name, wish.verb, wish.path);
        return ApiError::new(403, "Forbidden", why).with_details(serde_json::json!({}));
    }
    let resource = if wish.subresource.is_empty() {
        wish.resource.clone()
    } else {
        format!("{}/{}", wish.resource, wish.subresource)
    };
    let scope = if wish.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", wish.namespace)
    };
    let why = format!(
        "User {:?} cannot {} resource {resource:?} in API group {:?} {scope}",
        user.name, wish.verb, wish.group
    );
    let error = ApiError::forbidden(&wish.group, &wish.resource, &wish.name, &why);
    debug_assert!(error.message.starts_with(&qualified(&wish.group, &wish.resource)));
    error
}
