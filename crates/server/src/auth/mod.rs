//! Finding out who asks.
//!
//! A bearer token is an API key of ours (by its prefix), else a token of the configured OIDC issuer (by its `iss`), else one
//! that the cluster knows. It is one of them only: what looks like a key and is none is not asked about elsewhere.

mod audit;
pub mod keys;
mod oidc;
mod review;
mod settings;

use std::sync::Arc;

use api::{Problem, Reason};
use base64::Engine as _;
use cluster::Identity;
use http::{HeaderMap, header};

use crate::caller::{Caller, Means};
use crate::clusters::Member;
use crate::config::Config;

pub use audit::Network;
pub(crate) use audit::{Peer, Seen, Subject};
pub use settings::{Auth, Oidc, Unusable};

/// The longest token; those of providers that put a user's groups into them have some kilobytes.
const MAX_TOKEN: usize = 16 << 10;

/// The group of everybody who is known.
const AUTHENTICATED: &str = "system:authenticated";

/// Finds out who asks.
pub(crate) struct Authenticator {
    keys: Option<keys::Known>,
    oidc: Option<oidc::Verifier>,
    reviews: Option<review::Reviews>,
}

impl Authenticator {
    /// Makes what the configuration asks for; nothing when it asks for no authentication.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let auth = &config.auth;
        auth.is_on().then(|| Self {
            keys: auth.api_keys.then(|| keys::Known::new(&config.namespace, config.now.clone())),
            oidc: auth.oidc.as_ref().map(|oidc| oidc::Verifier::new(oidc.clone(), config.now.clone())),
            reviews: auth.token_review.then(|| review::Reviews::new(auth.audiences.clone())),
        })
    }

    /// Finds out whose a request is; a token may be sent as a password where that is said.
    pub(crate) async fn caller(
        &self,
        headers: &HeaderMap,
        passwords: bool,
        member: &Arc<Member>,
    ) -> Result<Caller, Box<Problem>> {
        let password = if passwords { password(headers)? } else { None };
        let token = password.as_deref().map_or_else(|| bearer(headers), Ok)?;
        if token.starts_with(keys::PREFIX) {
            let keys = self.keys.as_ref().ok_or_else(unknown)?;
            let identity = keys.find(token, member).await?;
            return Ok(Caller::authenticated(ordinary(identity)?, Means::ApiKey));
        }
        if let Some(oidc) = &self.oidc
            && oidc.is_meant(token)
        {
            let identity = oidc.verify(token).await?;
            return Ok(Caller::authenticated(ordinary(identity)?, Means::Oidc));
        }
        let reviews = self.reviews.as_ref().ok_or_else(unknown)?;
        Ok(Caller::authenticated(reviews.find(token, member).await?, Means::TokenReview))
    }
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Result<&str, Box<Problem>> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (all.next(), all.next());
    let Some(value) = first else {
        return Err(refused("say who you are: `Authorization: Bearer TOKEN`"));
    };
    let token = value.to_str().ok().and_then(|text| text.split_once(' ')).filter(|_| second.is_none());
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.filter(is_token).ok_or_else(|| refused("this server takes one header `Authorization: Bearer TOKEN`"))
}

fn is_token(token: &&str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

/// The token that a request has as a password (RFC 7617), whatever the user's name; `None` when it has no password.
fn password(headers: &HeaderMap) -> Result<Option<String>, Box<Problem>> {
    let wrong = || refused("the password has to be a token or an API key; the user's name does not matter");
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (all.next(), all.next());
    let sent = first.and_then(|value| value.to_str().ok()).and_then(|text| text.split_once(' '));
    let Some((_, sent)) = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else { return Ok(None) };
    // A browser sends a password that it knows with what pages of others ask for; programs name no page.
    if headers.contains_key(header::ORIGIN) {
        let text = "with a password no web page is answered; send `Authorization: Bearer TOKEN`";
        return Err(Box::new(Problem::new(Reason::OriginNotAllowed, text)));
    }
    let sent = Some(sent.trim()).filter(|sent| second.is_none() && sent.len() <= 2 * MAX_TOKEN).ok_or_else(wrong)?;
    let plain =
        base64::engine::general_purpose::STANDARD.decode(sent).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let token = plain.as_deref().and_then(|plain| plain.split_once(':')).map(|(_, token)| token);
    token.filter(is_token).map(|token| Some(token.to_owned())).ok_or_else(wrong)
}

/// A user that Kubernetes has not vouched for: none of its own names, which stand for its parts and its administrators.
fn ordinary(mut identity: Identity) -> Result<Identity, Box<Problem>> {
    if !is_ordinary(&identity.user) {
        return Err(refused("the token is one of a user that only Kubernetes itself may have"));
    }
    identity.groups.retain(|group| is_ordinary(group));
    identity.groups.push(AUTHENTICATED.to_owned());
    Ok(identity)
}

/// Tells whether a user or a group may have this name without being a part of Kubernetes.
pub(crate) fn is_ordinary(name: &str) -> bool {
    !name.is_empty() && !name.starts_with("system:") && !name.chars().any(char::is_control)
}

/// The problem of a token that nobody knows; it does not say why, since whoever has stolen one would learn from it.
fn unknown() -> Box<Problem> {
    refused("the token is not known, or its time is over")
}

fn refused(text: &str) -> Box<Problem> {
    Box::new(Problem::new(Reason::Unauthenticated, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_token() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned).map_err(|problem| problem.reason)
        };
        assert_eq!(read(&["Bearer abc.D-_~+/="]), Ok("abc.D-_~+/=".to_owned()));
        assert_eq!(read(&["bearer   abc"]), Ok("abc".to_owned()));
        let long = format!("Bearer {}", "x".repeat(MAX_TOKEN + 1));
        for wrong in [
            &[][..],
            &["Bearer a", "Bearer b"],
            &["Basic abc"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a b"],
            &[&long],
            &["abc"],
        ] {
            assert_eq!(read(wrong), Err(Reason::Unauthenticated), "{wrong:?}");
        }
    }

    #[test]
    fn a_password_is_a_token() {
        let read = |values: &[&str], origin: bool| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            if origin {
                headers.insert(header::ORIGIN, "https://example.com".parse().unwrap());
            }
            password(&headers).map_err(|problem| problem.reason)
        };
        let basic = |text: &str| format!("basic {}", base64::engine::general_purpose::STANDARD.encode(text));
        assert_eq!(read(&[&basic("any one:abc.D=")], false), Ok(Some("abc.D=".to_owned())));
        assert_eq!(read(&[&basic(":abc")], false), Ok(Some("abc".to_owned())));
        assert_eq!(read(&["Bearer abc"], true), Ok(None));
        assert_eq!(read(&[], false), Ok(None));
        assert_eq!(read(&[&basic("a:abc")], true), Err(Reason::OriginNotAllowed));
        let long = basic(&format!("a:{}", "x".repeat(MAX_TOKEN + 1)));
        for wrong in [
            &[&*basic("abc")][..],
            &[&basic("a:")],
            &[&basic("a:b c")],
            &["Basic %"],
            &[&long],
            &[&basic("a:b"), "Bearer c"],
        ] {
            assert_eq!(read(wrong, false), Err(Reason::Unauthenticated), "{wrong:?}");
        }
    }

    #[test]
    fn nobody_gets_the_names_of_kubernetes_from_elsewhere() {
        let of = |user: &str, groups: &[&str]| {
            let groups = groups.iter().map(|group| (*group).to_owned()).collect();
            ordinary(Identity { user: user.into(), groups, ..Identity::default() }).map(|identity| identity.groups)
        };
        let groups = of("alice", &["web", "system:masters", "system:serviceaccounts", ""]).unwrap();
        assert_eq!(groups, ["web", AUTHENTICATED]);
        for user in ["system:admin", "system:serviceaccount:kube-system:x", "system:", "", "a\nb"] {
            assert!(of(user, &[]).is_err(), "{user:?}");
        }
    }
}
