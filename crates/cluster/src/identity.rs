//! Speaking for somebody else: Kubernetes' impersonation.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use kube::Client;
use kube::client::Body;
use serde::{Deserialize, Serialize};

/// Whom the API server shall take the caller for, as `user.Info` of Kubernetes has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// The groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What else is known of the user, such as scopes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Identity {
    /// The headers that say so (`Impersonate-User`, `Impersonate-Group`, `Impersonate-Extra-*`).
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Without a user the call would be our own: a name that is none, or that no header can hold, is nobody's.
        let user = Some(&self.user).filter(|user| !user.is_empty());
        let user = user.and_then(|user| HeaderValue::from_bytes(user.as_bytes()).ok());
        let nobody = HeaderValue::from_static("system:anonymous");
        headers.append("impersonate-user", user.unwrap_or(nobody));
        let mut add = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(name, value);
            }
        };
        for group in &self.groups {
            add(HeaderName::from_static("impersonate-group"), group);
        }
        for (key, values) in &self.extra {
            let mut name = "impersonate-extra-".to_owned();
            crate::request::escape(&key.to_ascii_lowercase(), &mut name);
            let Ok(name) = HeaderName::try_from(name) else { continue };
            for value in values {
                add(name.clone(), value);
            }
        }
        headers
    }
}

/// Makes a client that speaks for somebody over the connections of another one, whose own account must be allowed to
/// (`impersonate`).
#[must_use]
pub fn impersonate(client: &Client, identity: &Identity) -> Client {
    let (inner, headers) = (client.clone(), identity.headers());
    let speak = tower::service_fn(move |mut request: http::Request<Body>| {
        let inner = inner.clone();
        for name in headers.keys() {
            request.headers_mut().remove(name);
        }
        for (name, value) in &headers {
            request.headers_mut().append(name, value.clone());
        }
        async move { inner.send(request).await }
    });
    Client::new(speak, client.default_namespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_known_of_a_user_is_said() {
        let identity = Identity {
            user: "alice@example.com".into(),
            groups: vec!["web".into(), "system:authenticated".into()],
            extra: [("example.com/scope".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into(),
        };
        let headers = identity.headers();
        let all = |name: &str| headers.get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(all("impersonate-user"), ["alice@example.com"]);
        assert_eq!(all("impersonate-group"), ["web", "system:authenticated"]);
        assert_eq!(all("impersonate-extra-example.com%2fscope"), ["a", "b"]);
        for nobody in ["", "a\nb"] {
            let broken = Identity { user: nobody.into(), ..Identity::default() };
            assert_eq!(broken.headers().get("impersonate-user").unwrap(), "system:anonymous");
        }
    }
}
