//! Private keys: making, reading and writing them.

use dsa::Components;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore as _;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest as _, Sha256, Sha384};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};

use super::der::{OCTETS, SEQUENCE, bits, first_pem, group, integer, oid, pem, tlv};

const P256: &[u64] = &[1, 2, 840, 10045, 3, 1, 7];
const P384: &[u64] = &[1, 3, 132, 0, 34];

/// A private key.
pub(super) enum Key {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
    /// Only kept: nothing signs with it.
    Dsa(Vec<u8>),
}

/// Sprig's `genPrivateKey`: the key as PEM, or what went wrong.
pub(crate) fn generate(random: &mut ChaCha20Rng, kind: &str) -> String {
    let failed = |error: String| format!("failed to generate private key: {error}");
    match kind {
        "" | "rsa" => match RsaPrivateKey::new(random, 4096) {
            Ok(key) => Key::Rsa(Box::new(key)).pem(),
            Err(error) => failed(error.to_string()),
        },
        "dsa" => {
            let components = Components::generate(random, dsa::KeySize::DSA_2048_256);
            let key = dsa::SigningKey::generate(random, components);
            let public = key.verifying_key();
            let parts = public.components();
            let numbers = [parts.p(), parts.q(), parts.g(), public.y(), key.x()];
            let mut fields = vec![integer(&[0])];
            fields.extend(numbers.iter().map(|n| integer(&n.to_bytes_be())));
            Key::Dsa(group(SEQUENCE, &fields)).pem()
        }
        "ecdsa" => Key::P256(p256::SecretKey::random(random)).pem(),
        "ed25519" => {
            let mut seed = [0; 32];
            random.fill_bytes(&mut seed);
            Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)).pem()
        }
        _ => format!("Unknown type {kind}"),
    }
}

/// An RSA key of 2048 bits, as the certificates have it.
pub(super) fn rsa2048(random: &mut ChaCha20Rng) -> Result<Key, String> {
    let key = RsaPrivateKey::new(random, 2048).map_err(|e| format!("error generating rsa key: {e}"))?;
    Ok(Key::Rsa(Box::new(key)))
}

impl Key {
    /// Reads a key from PEM, with Sprig's error texts.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let Some((kind, der)) = first_pem(text) else { return Err("no PEM data in input".to_owned()) };
        match kind.as_str() {
            "PRIVATE KEY" => pkcs8(&der).ok_or_else(|| {
                "decoding PEM as PKCS#8: asn1: structure error: the key is of no kind that is known".to_owned()
            }),
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&der)
                .map(|key| Key::Rsa(Box::new(key)))
                .map_err(|e| format!("parsing RSA private key from PEM: {e}")),
            "EC PRIVATE KEY" => p256::SecretKey::from_sec1_der(&der)
                .map(Key::P256)
                .or_else(|_| p384::SecretKey::from_sec1_der(&der).map(Key::P384))
                .map_err(|e| format!("parsing EC private key from PEM: {e}")),
            "DSA PRIVATE KEY" => match dsa_numbers(&der) {
                true => Ok(Key::Dsa(der)),
                false => Err("parsing DSA private key from PEM: asn1: structure error".to_owned()),
            },
            _ => match kind.strip_suffix(" PRIVATE KEY") {
                Some(kind) => Err(format!("invalid private key type {kind}")),
                None => Err(format!("no private key data in PEM block of type {kind}")),
            },
        }
    }

    /// Reads an RSA key from PKCS #1.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, String> {
        RsaPrivateKey::from_pkcs1_der(der).map(|key| Key::Rsa(Box::new(key))).map_err(|e| e.to_string())
    }

    /// Writes it as Sprig's `pemBlockForKey`.
    pub(super) fn pem(&self) -> String {
        match self {
            Key::Rsa(key) => {
                key.to_pkcs1_der().map_or_else(|_| String::new(), |der| pem("RSA PRIVATE KEY", der.as_bytes()))
            }
            Key::P256(key) => {
                let public = key.public_key().to_encoded_point(false);
                pem("EC PRIVATE KEY", &sec1(&key.to_bytes(), P256, public.as_bytes()))
            }
            Key::P384(key) => {
                let public = key.public_key().to_encoded_point(false);
                pem("EC PRIVATE KEY", &sec1(&key.to_bytes(), P384, public.as_bytes()))
            }
            Key::Ed25519(key) => {
                let inner = tlv(OCTETS, &tlv(OCTETS, &key.to_bytes()));
                let algorithm = group(SEQUENCE, &[oid(&[1, 3, 101, 112])]);
                pem("PRIVATE KEY", &group(SEQUENCE, &[integer(&[0]), algorithm, inner]))
            }
            Key::Dsa(der) => pem("DSA PRIVATE KEY", der),
        }
    }

    /// The public key as `SubjectPublicKeyInfo`, and its bits alone.
    pub(super) fn public(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let (algorithm, content) = match self {
            Key::Rsa(key) => {
                let content = group(SEQUENCE, &[integer(&key.n().to_bytes_be()), integer(&key.e().to_bytes_be())]);
                (group(SEQUENCE, &[oid(&[1, 2, 840, 113549, 1, 1, 1]), tlv(0x05, &[])]), content)
            }
            Key::P256(key) => (ec(P256), key.public_key().to_encoded_point(false).as_bytes().to_vec()),
            Key::P384(key) => (ec(P384), key.public_key().to_encoded_point(false).as_bytes().to_vec()),
            Key::Ed25519(key) => {
                let der = key.verifying_key().to_public_key_der().map_err(|e| e.to_string())?;
                let content = der.as_bytes().get(der.as_bytes().len().saturating_sub(32)..).unwrap_or(&[]).to_vec();
                (group(SEQUENCE, &[oid(&[1, 3, 101, 112])]), content)
            }
            Key::Dsa(_) => return Err("x509: certificate private key does not implement crypto.Signer".to_owned()),
        };
        Ok((group(SEQUENCE, &[algorithm, bits(0, &content)]), content))
    }

    /// The algorithm it signs with, as DER.
    pub(super) fn algorithm(&self) -> Vec<u8> {
        match self {
            Key::Rsa(_) => group(SEQUENCE, &[oid(&[1, 2, 840, 113549, 1, 1, 11]), tlv(0x05, &[])]),
            Key::P256(_) => group(SEQUENCE, &[oid(&[1, 2, 840, 10045, 4, 3, 2])]),
            Key::P384(_) => group(SEQUENCE, &[oid(&[1, 2, 840, 10045, 4, 3, 3])]),
            Key::Ed25519(_) | Key::Dsa(_) => group(SEQUENCE, &[oid(&[1, 3, 101, 112])]),
        }
    }

    /// Signs.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        use p256::ecdsa::signature::Signer as _;
        match self {
            Key::Rsa(key) => {
                key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message)).map_err(|e| e.to_string())
            }
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(key).sign(message);
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Key::P384(key) => {
                use p384::ecdsa::signature::hazmat::PrehashSigner as _;
                let key = p384::ecdsa::SigningKey::from(key);
                let signature: p384::ecdsa::Signature =
                    key.sign_prehash(&Sha384::digest(message)).map_err(|e| e.to_string())?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Key::Ed25519(key) => Ok(key.sign(message).to_bytes().to_vec()),
            Key::Dsa(_) => Err("x509: certificate private key does not implement crypto.Signer".to_owned()),
        }
    }
}

fn ec(curve: &[u64]) -> Vec<u8> {
    group(SEQUENCE, &[oid(&[1, 2, 840, 10045, 2, 1]), oid(curve)])
}

fn sec1(secret: &[u8], curve: &[u64], public: &[u8]) -> Vec<u8> {
    group(SEQUENCE, &[integer(&[1]), tlv(OCTETS, secret), tlv(0xA0, &oid(curve)), tlv(0xA1, &bits(0, public))])
}

fn pkcs8(der: &[u8]) -> Option<Key> {
    if let Ok(key) = RsaPrivateKey::from_pkcs8_der(der) {
        return Some(Key::Rsa(Box::new(key)));
    }
    if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
        return Some(Key::P256(key));
    }
    if let Ok(key) = p384::SecretKey::from_pkcs8_der(der) {
        return Some(Key::P384(key));
    }
    ed25519_dalek::SigningKey::from_pkcs8_der(der).ok().map(Key::Ed25519)
}

/// Whether a text of DER is a sequence of the six numbers of a DSA key.
fn dsa_numbers(der: &[u8]) -> bool {
    let read = || -> Result<usize, x509_cert::der::Error> {
        let mut reader = SliceReader::new(der)?;
        reader.sequence(|inner| {
            let mut count = 0;
            while !inner.is_finished() {
                x509_cert::der::asn1::UintRef::decode(inner)?;
                count += 1;
            }
            Ok(count)
        })
    };
    read().is_ok_and(|count| count == 6)
}
