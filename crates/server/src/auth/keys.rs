//! API keys: Secrets in the server's own namespace, each standing for a user of Kubernetes and its groups.
//!
//! A key is `whipstaff_ID_SECRET`. The Secret `whipstaff-key-ID` has the hash of the whole key and never the key itself. It is random in
//! 256 bits, so that one SHA-256 is as good as a slow hash: there is nothing to guess.

mod known;
mod store;

use std::collections::BTreeMap;

use cluster::Identity;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) use known::Known;
pub use store::{Error, Store};

/// What every key begins with.
pub(crate) const PREFIX: &str = "whipstaff_";
/// The type of the Secrets.
const TYPE: &str = "whipstaff.dev/apikey.v1";
/// The label of the Secrets, and its value.
const KIND: (&str, &str) = ("whipstaff.dev/kind", "apikey");
/// What the names of the Secrets begin with.
const NAME: &str = "whipstaff-key-";

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What tells it from others; not secret.
    pub id: String,
    /// The user that it stands for.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// When it ends; never when left out.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Option<Timestamp>,
    hash: [u8; 32],
}

impl Key {
    /// Makes a key, and the text that is shown once.
    fn make(user: &str, groups: &[String], now: Timestamp, expires: Option<Timestamp>) -> Option<(Self, String)> {
        let random = rustls::crypto::ring::default_provider().secure_random;
        let (mut id, mut secret) = ([0; 6], [0; 32]);
        random.fill(&mut id).ok()?;
        random.fill(&mut secret).ok()?;
        let id = hex::encode(id);
        let text = format!("{PREFIX}{id}_{}", hex::encode(secret));
        let hash = Sha256::digest(&text).into();
        let key = Self { id, user: user.to_owned(), groups: groups.to_vec(), expires, created: Some(now), hash };
        Some((key, text))
    }

    /// The key as a Secret.
    fn secret(&self) -> Secret {
        let mut data = BTreeMap::new();
        let mut put = |name: &str, text: String| data.insert(name.to_owned(), ByteString(text.into_bytes()));
        put("hash", format!("sha256:{}", hex::encode(self.hash)));
        put("user", self.user.clone());
        put("groups", serde_json::Value::from(self.groups.clone()).to_string());
        if let Some(expires) = self.expires {
            put("expiresAt", expires.to_string());
        }
        if let Some(created) = self.created {
            put("createdAt", created.to_string());
        }
        let mut secret = Secret { type_: Some(TYPE.to_owned()), data: Some(data), ..Secret::default() };
        secret.metadata.name = Some(format!("{NAME}{}", self.id));
        secret.metadata.labels = Some([(KIND.0.to_owned(), KIND.1.to_owned())].into());
        secret
    }

    /// Reads a Secret; none when it is no key, or one that cannot be understood, which then opens nothing.
    fn read(secret: &Secret) -> Option<Self> {
        let id = secret.metadata.name.as_deref()?.strip_prefix(NAME)?;
        let text = |name: &str| {
            let bytes = secret.data.as_ref()?.get(name)?;
            std::str::from_utf8(&bytes.0).ok()
        };
        // A time that cannot be read must not become none, which would be for ever.
        let time = |name: &str| match text(name) {
            Some(text) => text.parse::<Timestamp>().map(Some).ok(),
            None => Some(None),
        };
        let kind = secret.metadata.labels.as_ref().and_then(|labels| labels.get(KIND.0));
        if secret.type_.as_deref() != Some(TYPE) || kind.map(String::as_str) != Some(KIND.1) {
            return None;
        }
        Some(Self {
            id: id.to_owned(),
            user: text("user")?.to_owned(),
            groups: text("groups").map_or(Some(Vec::new()), |text| serde_json::from_str(text).ok())?,
            expires: time("expiresAt")?,
            created: time("createdAt").flatten(),
            hash: hex::decode(text("hash")?.strip_prefix("sha256:")?).ok()?.try_into().ok()?,
        })
    }

    /// Tells whether this text is the key, in a time that says nothing about how much of it is right.
    fn is(&self, text: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(text).into();
        self.hash.ct_eq(&hash).into()
    }

    /// Tells whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    fn identity(&self) -> Identity {
        Identity { user: self.user.clone(), groups: self.groups.clone(), ..Identity::default() }
    }
}

/// The part of a key that is not secret.
fn id_of(text: &str) -> Option<&str> {
    let (id, _) = text.strip_prefix(PREFIX)?.split_once('_')?;
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_as_its_hash() {
        let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let end: Timestamp = "2026-12-30T00:00:00Z".parse().unwrap();
        let (key, text) = Key::make("alice", &["web".to_owned()], now, Some(end)).unwrap();
        assert_eq!((text.len(), id_of(&text)), (PREFIX.len() + 12 + 1 + 64, Some(key.id.as_str())));
        let secret = key.secret();
        let stored = serde_json::to_string(&secret).unwrap();
        assert!(!stored.contains(&text) && !stored.contains(&text[text.len() - 64..]));
        assert_eq!(Key::read(&secret).as_ref(), Some(&key));
        assert!(key.is(&text) && !key.is(&text[..text.len() - 1]) && !key.is(""));
        assert!(!key.is_over(now) && key.is_over(end));
        let (other, another) = Key::make("alice", &[], now, None).unwrap();
        assert!(text != another && !other.is_over(end) && !other.is(&text));
    }

    #[test]
    fn what_cannot_be_understood_opens_nothing() {
        let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let (key, _) = Key::make("alice", &[], now, None).unwrap();
        let broken = |change: &dyn Fn(&mut Secret)| {
            let mut secret = key.secret();
            change(&mut secret);
            Key::read(&secret)
        };
        let put = |name: &'static str, text: &'static str| {
            move |secret: &mut Secret| {
                drop(secret.data.as_mut().unwrap().insert(name.to_owned(), ByteString(text.into())));
            }
        };
        assert_eq!(broken(&put("expiresAt", "soon")), None);
        assert_eq!(broken(&put("groups", "web")), None);
        assert_eq!(broken(&put("hash", "sha256:00")), None);
        assert_eq!(broken(&|secret: &mut Secret| secret.type_ = Some("Opaque".into())), None);
        assert_eq!(broken(&|secret: &mut Secret| secret.metadata.labels = None), None);
        assert_eq!(broken(&|secret: &mut Secret| drop(secret.data.as_mut().unwrap().remove("user"))), None);
    }
}
