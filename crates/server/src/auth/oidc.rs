//! Tokens of an OIDC issuer, taken as kube-apiserver takes them (`k8s.io/apiserver/plugin/pkg/authenticator/token/oidc`).

mod fetch;
mod signers;

use api::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cluster::Identity;
use http::Uri;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};

use super::settings::Oidc;
use super::unknown;
use crate::config::Clock;
use signers::Signers;

/// How much the issuer's clock and ours may differ, in seconds.
const LEEWAY: f64 = 30.0;

/// The algorithms that are taken: all are asymmetric, so that nobody can sign with what is public.
pub(super) const ALGORITHMS: &[Algorithm] = &[Algorithm::RS256, Algorithm::RS384, Algorithm::ES256, Algorithm::ES384];

/// Checks tokens of one issuer.
pub(super) struct Verifier {
    settings: Oidc,
    signers: Signers,
    now: Clock,
}

impl Verifier {
    pub(super) fn new(settings: Oidc, now: Clock) -> Self {
        let signers = Signers::new(&settings.issuer, settings.ca.clone());
        Self { settings, signers, now }
    }

    /// Tells whether a token says that it is of this issuer.
    pub(super) fn is_meant(&self, token: &str) -> bool {
        let mut parts = token.split('.');
        let payload = parts.nth(1).filter(|_| parts.clone().count() == 1).and_then(object);
        payload.is_some_and(|payload| payload.get("iss").and_then(Value::as_str) == Some(&self.settings.issuer))
    }

    /// Finds out whose a token is.
    pub(super) async fn verify(&self, token: &str) -> Result<Identity, Box<Problem>> {
        let header = token.split('.').next().and_then(object).ok_or_else(unknown)?;
        // Extensions that have to be understood: none is.
        if header.contains_key("crit") {
            return Err(unknown());
        }
        let text = |key: &str| header.get(key).and_then(Value::as_str);
        let algorithm: Algorithm = text("alg").and_then(|alg| alg.parse().ok()).ok_or_else(unknown)?;
        if !ALGORITHMS.contains(&algorithm) {
            return Err(unknown());
        }
        let mut rules = Validation::new(algorithm);
        rules.set_issuer(&[&self.settings.issuer]);
        rules.set_audience(&[&self.settings.audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The time is checked below, by the server's clock.
        rules.validate_exp = false;
        let claims = self
            .signers
            .find(text("kid"), algorithm)
            .await?
            .iter()
            .find_map(|key| jsonwebtoken::decode::<Map<String, Value>>(token, key, &rules).ok());
        let claims = claims.ok_or_else(unknown)?.claims;
        if !in_time(&claims, (self.now)().as_second()) {
            return Err(unknown());
        }
        who(&claims, &self.settings).ok_or_else(unknown)
    }
}

/// Reads a part of a token.
fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn in_time(claims: &Map<String, Value>, now: i64) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    let now = now as f64;
    let before_end = claims.get("exp").and_then(Value::as_f64).is_some_and(|end| now < end + LEEWAY);
    let after_begin = claims.get("nbf").is_none_or(|begin| begin.as_f64().is_some_and(|begin| begin <= now + LEEWAY));
    before_end && after_begin
}

/// The user and the groups that claims name.
fn who(claims: &Map<String, Value>, settings: &Oidc) -> Option<Identity> {
    let claim = if settings.username_claim.is_empty() { "sub" } else { &settings.username_claim };
    let name = claims.get(claim)?.as_str().filter(|name| !name.is_empty())?;
    // An address that nobody has checked is anybody's.
    if claim == "email" && claims.get("email_verified").is_some_and(|verified| verified != &Value::Bool(true)) {
        return None;
    }
    let prefix = match settings.username_prefix.as_str() {
        "-" => String::new(),
        "" if claim == "email" => String::new(),
        "" => format!("{}#", settings.issuer),
        given => given.to_owned(),
    };
    let named = Some(&settings.groups_claim).filter(|claim| !claim.is_empty()).and_then(|claim| claims.get(claim));
    let groups: Vec<&str> = match named {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    let groups = groups.iter().map(|group| format!("{}{group}", settings.groups_prefix)).collect();
    Some(Identity { user: format!("{prefix}{name}"), groups, ..Identity::default() })
}

/// Reads an address that a secret may be sent to or trust be taken from: by TLS, or on this machine.
pub(super) fn address(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let is_trusted = match uri.scheme_str()? {
        "https" => true,
        "http" => crate::guard::is_loopback(uri.authority()?.as_str()),
        _ => false,
    };
    (is_trusted && !host.contains('@') && !uri.authority()?.as_str().contains('@')).then_some(uri)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn names_and_groups_are_those_of_kube_apiserver() {
        let issuer = "https://dex.example.com";
        let settings = Oidc { issuer: issuer.into(), audience: "w".into(), ..Oidc::default() };
        let alice = json!({"sub": "alice", "email": "a@example.com", "groups": ["web", "db"], "team": "web"});
        let of = |settings: &Oidc, value: &Value| who(&claims(value.clone()), settings).map(|it| (it.user, it.groups));
        let some = |user: &str, groups: &[&str]| {
            Some((user.to_owned(), groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>()))
        };
        assert_eq!(of(&settings, &alice), some("https://dex.example.com#alice", &[]));
        let email = Oidc { username_claim: "email".into(), groups_claim: "groups".into(), ..settings.clone() };
        assert_eq!(of(&email, &alice), some("a@example.com", &["web", "db"]));
        let prefixed = Oidc {
            username_prefix: "oidc:".into(),
            groups_claim: "team".into(),
            groups_prefix: "oidc:".into(),
            ..settings.clone()
        };
        assert_eq!(of(&prefixed, &alice), some("oidc:alice", &["oidc:web"]));
        assert_eq!(of(&Oidc { username_prefix: "-".into(), ..settings.clone() }, &alice), some("alice", &[]));
        for wrong in [
            json!({"email": "a@example.com", "email_verified": false}),
            json!({"email": "a@example.com", "email_verified": "true"}),
            json!({"email": ""}),
            json!({"email": 1}),
            json!({}),
            json!({"email": "a@example.com", "groups": [1]}),
            json!({"email": "a@example.com", "groups": {"a": 1}}),
        ] {
            assert_eq!(of(&email, &wrong), None, "{wrong}");
        }
        assert!(of(&email, &json!({"email": "a@example.com", "email_verified": true, "groups": null})).is_some());
    }

    #[test]
    fn times_have_to_be_said_and_clocks_may_differ_a_little() {
        let holds = |value: Value| in_time(&claims(value), 1_000);
        assert!(
            holds(json!({"exp": 1_001})) && holds(json!({"exp": 971})) && holds(json!({"exp": 1_000.5, "nbf": 1_030}))
        );
        for over in [
            json!({"exp": 970}),
            json!({}),
            json!({"exp": "2000"}),
            json!({"exp": 2_000, "nbf": 1_031}),
            json!({"exp": 2_000, "nbf": "0"}),
        ] {
            assert!(!holds(over.clone()), "{over}");
        }
    }

    #[test]
    fn a_token_is_the_issuers_when_it_says_so() {
        let settings = Oidc { issuer: "https://dex.example.com".into(), audience: "w".into(), ..Oidc::default() };
        let verifier = Verifier::new(settings, std::sync::Arc::new(jiff::Timestamp::now));
        let token = |payload: &str| format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(payload));
        assert!(verifier.is_meant(&token(r#"{"iss":"https://dex.example.com"}"#)));
        for other in [
            token(r#"{"iss":"https://dex.example.com/"}"#),
            token("{}"),
            token("x"),
            "a.b".into(),
            "e30.eyJpc3MiOiJodHRwczovL2RleC5leGFtcGxlLmNvbSJ9".into(),
        ] {
            assert!(!verifier.is_meant(&other), "{other}");
        }
    }
}
