//! The keys that an issuer signs with, which it changes whenever it wants.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use api::{Problem, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::address;
use super::fetch::Fetch;
use crate::auth::unknown;

/// How long keys are taken for the issuer's without asking: for so long one that it has given up is still taken.
const FRESH: Duration = Duration::from_secs(15 * 60);
/// How long they are where it does not answer.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often it is asked at most, whatever tokens say which key they were signed with.
const PAUSE: Duration = Duration::from_secs(10);

/// The keys of an issuer.
pub(super) struct Signers {
    issuer: String,
    ca: Vec<u8>,
    known: RwLock<Option<Known>>,
    /// When it was asked last; who asks holds it, and the others wait for the same answer.
    asked: Mutex<Option<Asked>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<Vec<Signer>>,
    at: Instant,
}

struct Asked {
    at: Instant,
    failure: Option<String>,
}

struct Signer {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Signers {
    pub(super) fn new(issuer: &str, ca: Vec<u8>) -> Self {
        Self { issuer: issuer.to_owned(), ca, known: RwLock::default(), asked: Mutex::default() }
    }

    /// Returns the keys that a token may have been signed with.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>, Box<Problem>> {
        if let Some(known) = self.known(FRESH)
            && let found @ [_, ..] = known.find(id, algorithm).as_slice()
        {
            return Ok(found.to_vec());
        }
        let mut asked = self.asked.lock().await;
        if asked.as_ref().is_none_or(|asked| asked.at.elapsed() >= PAUSE) {
            let failure = match self.ask().await {
                Ok(keys) => {
                    let known = Known { keys: Arc::new(keys), at: Instant::now() };
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
                    None
                }
                Err(error) => {
                    tracing::warn!(error, "the keys of the issuer cannot be read");
                    Some(error)
                }
            };
            *asked = Some(Asked { at: Instant::now(), failure });
        }
        let found = self.known(STALE).map(|known| known.find(id, algorithm)).unwrap_or_default();
        match asked.as_ref().and_then(|asked| asked.failure.as_ref()) {
            Some(failure) if found.is_empty() => {
                let text = format!("the issuer of the token cannot be asked for its keys: {failure}");
                Err(Box::new(Problem::new(Reason::IssuerUnreachable, text)))
            }
            _ if found.is_empty() => Err(unknown()),
            _ => Ok(found),
        }
    }

    fn known(&self, age: Duration) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| known.at.elapsed() < age)
    }

    /// Asks the issuer: where its keys are, and which.
    async fn ask(&self) -> Result<Vec<Signer>, String> {
        let fetch = Fetch::new(&self.ca)?;
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let place = address(&place).ok_or("the issuer is no address with `https`")?;
        let document = fetch.json(&place).await?;
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
        // Whoever answers for the issuer has to say that it is the issuer (OpenID Connect Discovery 1.0, section 4.3).
        if text("issuer") != self.issuer {
            return Err(format!("`{place}` is of the issuer `{}`", text("issuer")));
        }
        let keys = address(text("jwks_uri")).ok_or_else(|| format!("`{place}` names no `jwks_uri` with `https`"))?;
        if keys.scheme_str() == Some("http") && place.scheme_str() == Some("https") {
            return Err(format!("`{place}` names a `jwks_uri` without `https`"));
        }
        let set = fetch.json(&keys).await?;
        let set = set.get("keys").and_then(Value::as_array).ok_or_else(|| format!("`{keys}` has no `keys`"))?;
        // Keys for other purposes and of kinds that are not known are passed over.
        Ok(set.iter().filter_map(signer).collect())
    }
}

impl Known {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        let fits = |signer: &&Signer| {
            signer.algorithms.contains(&algorithm)
                && (id.is_none() || signer.id.is_none() || signer.id.as_deref() == id)
        };
        self.keys.iter().filter(fits).map(|signer| signer.key.clone()).collect()
    }
}

/// Reads a key of a set (RFC 7517).
fn signer(key: &Value) -> Option<Signer> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (mut algorithms, made) = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            // Shorter ones can be broken, and longer ones cost more than they are worth.
            let bytes = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
            if !(256..=1_024).contains(&bytes.iter().skip_while(|byte| **byte == 0).count()) {
                return None;
            }
            let made = DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?;
            (vec![Algorithm::RS256, Algorithm::RS384], made)
        }
        ("EC", Some("P-256")) => {
            (vec![Algorithm::ES256], DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        ("EC", Some("P-384")) => {
            (vec![Algorithm::ES384], DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        _ => return None,
    };
    if let Some(only) = text("alg") {
        algorithms.retain(|algorithm| only.parse() == Ok(*algorithm));
    }
    Some(Signer { id: text("kid").map(str::to_owned), algorithms, key: made })
}
