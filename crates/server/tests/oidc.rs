//! Tokens of an OIDC issuer: a false one in this process, with keys that it changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::Server;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::elliptic_curve::rand_core::OsRng;
use p256::pkcs8::EncodePrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use server::{Auth, Config, Oidc};

/// What the issuer answers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Good,
    Down,
    /// It says that it is another one.
    Other,
    /// It points elsewhere.
    Redirect,
    /// It never ends.
    Huge,
    /// Its keys are where everybody can change them on the way.
    Plain,
}

#[derive(Default)]
struct Inner {
    address: Mutex<String>,
    keys: Mutex<Vec<Value>>,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

/// A false issuer on loopback.
#[derive(Clone, Default)]
struct Issuer(Arc<Inner>);

/// A key that the issuer signs with.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    public: Value,
}

impl Signer {
    fn ec(id: &'static str) -> Self {
        let secret = p256::SecretKey::random(&mut OsRng);
        let public: Value =
            serde_json::from_str(&public_ec("P-256", &secret.public_key().to_sec1_bytes_uncompressed())).unwrap();
        let key = EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes());
        Self { id, algorithm: Algorithm::ES256, key, public: named(public, id) }
    }

    fn ec384(id: &'static str) -> Self {
        let secret = p384::SecretKey::random(&mut OsRng);
        let public: Value =
            serde_json::from_str(&public_ec("P-384", &secret.public_key().to_sec1_bytes_uncompressed())).unwrap();
        let key = EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes());
        Self { id, algorithm: Algorithm::ES384, key, public: named(public, id) }
    }

    fn rsa(id: &'static str, bits: usize, algorithm: Algorithm) -> Self {
        let secret = rsa::RsaPrivateKey::new(&mut OsRng, bits).unwrap();
        let text = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let public = json!({"kty": "RSA", "n": text(secret.n().to_bytes_be()), "e": text(secret.e().to_bytes_be())});
        let key = EncodingKey::from_rsa_der(secret.to_pkcs1_der().unwrap().as_bytes());
        Self { id, algorithm, key, public: named(public, id) }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

trait Uncompressed {
    fn to_sec1_bytes_uncompressed(&self) -> Vec<u8>;
}

impl Uncompressed for p256::PublicKey {
    fn to_sec1_bytes_uncompressed(&self) -> Vec<u8> {
        use p256::elliptic_curve::sec1::ToEncodedPoint;
        self.to_encoded_point(false).as_bytes().to_vec()
    }
}

impl Uncompressed for p384::PublicKey {
    fn to_sec1_bytes_uncompressed(&self) -> Vec<u8> {
        use p384::elliptic_curve::sec1::ToEncodedPoint;
        self.to_encoded_point(false).as_bytes().to_vec()
    }
}

fn public_ec(curve: &str, point: &[u8]) -> String {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    json!({"kty": "EC", "crv": curve, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)}).to_string()
}

fn named(mut public: Value, id: &str) -> Value {
    public["kid"] = json!(id);
    public["use"] = json!("sig");
    public
}

impl Issuer {
    async fn start() -> Self {
        let issuer = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        *issuer.0.address.lock().unwrap() = format!("http://{}/dex", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/dex/.well-known/openid-configuration", get(document))
            .route("/dex/keys", get(keys))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn address(&self) -> String {
        self.0.address.lock().unwrap().clone()
    }

    fn set(&self, signers: &[&Signer]) {
        *self.0.keys.lock().unwrap() = signers.iter().map(|signer| signer.public.clone()).collect();
    }

    fn mood(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::Relaxed)
    }

    fn settings(&self) -> Oidc {
        Oidc {
            issuer: self.address(),
            audience: "whipstaff".to_owned(),
            username_claim: "email".to_owned(),
            groups_claim: "groups".to_owned(),
            groups_prefix: "oidc:".to_owned(),
            ..Oidc::default()
        }
    }

    fn server(&self) -> Server {
        let auth = Auth { token_review: true, oidc: Some(self.settings()), ..Auth::default() };
        let sandbox = sandbox::Sandbox::default();
        Server::over(sandbox.client(), Config { auth, ..Config::default() })
    }

    fn claims(&self) -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": self.address(), "aud": ["other", "whipstaff"], "sub": "1", "email": "alice@example.com",
            "email_verified": true, "groups": ["web", "system:masters"], "exp": now + 600, "nbf": now, "iat": now,
        })
    }

    fn but(&self, change: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }
}

async fn document(State(issuer): State<Issuer>) -> Response {
    issuer.0.asked.fetch_add(1, Ordering::Relaxed);
    let mood = *issuer.0.mood.lock().unwrap();
    let address = issuer.address();
    let uri = if mood == Mood::Plain { "http://keys.example.com/keys".to_owned() } else { format!("{address}/keys") };
    match mood {
        Mood::Down => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Redirect => Redirect::temporary("/elsewhere").into_response(),
        Mood::Other => Json(json!({"issuer": "https://evil.example.com", "jwks_uri": uri})).into_response(),
        Mood::Huge => vec![b' '; 2 << 20].into_response(),
        Mood::Good | Mood::Plain => Json(json!({"issuer": address, "jwks_uri": uri})).into_response(),
    }
}

async fn keys(State(issuer): State<Issuer>) -> Response {
    // Keys of kinds that nobody knows, and for other purposes, are in such sets too.
    let mut keys = issuer.0.keys.lock().unwrap().clone();
    keys.push(json!({"kty": "future", "kid": "f"}));
    keys.push(json!({"kty": "EC", "crv": "P-521", "kid": "p", "x": "AA", "y": "AA"}));
    Json(json!({"keys": keys})).into_response()
}

const PATH: &str = "/v1/clusters/default/namespaces/web/releases";

async fn status(server: &Server, token: &str) -> (u16, String) {
    let answer = server.with_token(token).get("/v1/charts").await;
    let reason = if answer.status == 200 { String::new() } else { answer.reason().1 };
    let signature = token.rsplit('.').next().unwrap();
    assert!(signature.is_empty() || !answer.text().contains(signature), "a problem has the token in it");
    (answer.status.as_u16(), reason)
}

#[tokio::test]
async fn a_token_of_the_issuer_says_who_asks() {
    let issuer = Issuer::start().await;
    let signers = [
        Signer::ec("a"),
        Signer::ec384("b"),
        Signer::rsa("c", 2048, Algorithm::RS256),
        Signer::rsa("d", 2048, Algorithm::RS384),
    ];
    issuer.set(&signers.iter().collect::<Vec<_>>());
    let server = issuer.server();
    for signer in &signers {
        assert_eq!(status(&server, &signer.sign(&issuer.claims())).await.0, 200, "{:?}", signer.algorithm);
    }
    let refused = server.with_token(&signers[0].sign(&issuer.claims())).get(PATH).await.json();
    assert!(refused["detail"].as_str().unwrap().starts_with("user `alice@example.com` may not"), "{refused}");
    assert_eq!(issuer.asked(), 1);
    // Tokens of others are shown to the cluster still.
    assert_eq!(status(&server, "admin").await.0, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_token_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let (known, stranger) = (Signer::ec("a"), Signer::ec("a"));
    let short = Signer::rsa("short", 1024, Algorithm::RS256);
    let unusual = Signer::rsa("r", 2048, Algorithm::RS512);
    issuer.set(&[&known, &short, &unusual]);
    let server = issuer.server();
    assert_eq!(status(&server, &known.sign(&issuer.claims())).await.0, 200);
    let now = Timestamp::now().as_second();
    let claims = [
        json!({"aud": "other"}),
        json!({"aud": null}),
        json!({"exp": now - 60}),
        json!({"exp": null}),
        json!({"nbf": now + 60}),
        json!({"email": null}),
        json!({"email_verified": false}),
        json!({"groups": 5}),
        json!({"email": "system:admin"}),
        json!({"email": "system:serviceaccount:kube-system:x"}),
    ];
    let mut tokens: Vec<(String, String)> =
        claims.iter().map(|change| (change.to_string(), known.sign(&issuer.but(change)))).collect();
    let good = known.sign(&issuer.claims());
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encode(&json!({"alg": "none"}));
    tokens.push(("another key".into(), stranger.sign(&issuer.claims())));
    tokens.push(("a short key".into(), short.sign(&issuer.claims())));
    tokens.push(("RS512".into(), unusual.sign(&issuer.claims())));
    tokens.push(("no signature".into(), format!("{head}.{payload}.")));
    tokens.push(("alg none".into(), format!("{none}.{payload}.")));
    tokens.push(("alg none, signed".into(), format!("{none}.{payload}.{signature}")));
    tokens
        .push(("other claims".into(), format!("{head}.{}.{signature}", encode(&issuer.but(&json!({"email": "bob"}))))));
    tokens.push(("crit".into(), {
        let head = encode(&json!({"alg": "ES256", "kid": "a", "crit": ["x"]}));
        format!("{head}.{payload}.{signature}")
    }));
    // The public key as the secret of an HMAC.
    let secret = EncodingKey::from_secret(known.public.to_string().as_bytes());
    let hmac = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &issuer.claims(), &secret).unwrap();
    tokens.push(("HMAC".into(), hmac));
    for (what, token) in tokens {
        assert_eq!(status(&server, &token).await, (401, "UNAUTHENTICATED".into()), "{what}");
    }
    // Clocks differ a little.
    for near in [json!({"exp": now - 5}), json!({"nbf": now + 5})] {
        assert_eq!(status(&server, &known.sign(&issuer.but(&near))).await.0, 200, "{near}");
    }
}

#[tokio::test]
async fn groups_get_their_prefix_and_no_group_of_kubernetes_comes_out() {
    let issuer = Issuer::start().await;
    let signer = Signer::ec("a");
    issuer.set(&[&signer]);
    let auth = Auth { oidc: Some(Oidc { groups_prefix: String::new(), ..issuer.settings() }), ..Auth::default() };
    let sandbox = sandbox::Sandbox::default();
    let server = Server::over(sandbox.client(), Config { auth, ..Config::default() });
    // `system:masters` would be allowed to.
    let answer = server.with_token(&signer.sign(&issuer.claims())).get(PATH).await;
    assert_eq!(answer.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    // The cluster is not asked about tokens where that was not wanted.
    assert_eq!(status(&server, "admin").await.0, 401);
}

#[tokio::test]
async fn keys_are_asked_for_again_when_the_issuer_has_new_ones_but_not_all_the_time() {
    let issuer = Issuer::start().await;
    let (old, new, made_up) = (Signer::ec("old"), Signer::ec("new"), Signer::ec("made-up"));
    issuer.set(&[&old]);
    let server = issuer.server();
    assert_eq!(status(&server, &old.sign(&issuer.claims())).await.0, 200);
    issuer.set(&[&new]);
    assert_eq!(status(&server, &new.sign(&issuer.claims())).await.0, 401, "it was asked a moment ago");
    assert_eq!(issuer.asked(), 1);
    // From here on time goes by itself; the issuer's answers are real.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert_eq!(status(&server, &new.sign(&issuer.claims())).await.0, 200);
    assert_eq!(status(&server, &old.sign(&issuer.claims())).await.0, 401, "it was given up");
    for _ in 0..20 {
        assert_eq!(status(&server, &made_up.sign(&issuer.claims())).await.0, 401);
    }
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_well_is_not_trusted() {
    for mood in [Mood::Down, Mood::Other, Mood::Redirect, Mood::Huge, Mood::Plain] {
        let issuer = Issuer::start().await;
        let signer = Signer::ec("a");
        issuer.set(&[&signer]);
        issuer.mood(mood);
        let server = issuer.server();
        let token = signer.sign(&issuer.claims());
        assert_eq!(status(&server, &token).await, (503, "ISSUER_UNREACHABLE".into()), "{mood:?}");
        // Others get in all the same.
        assert_eq!(status(&server, "admin").await.0, 200);
        assert_eq!(status(&server, &token).await.0, 503);
        assert_eq!(issuer.asked(), 1, "{mood:?}");
    }
    // What was known stays known for a while.
    let issuer = Issuer::start().await;
    let signer = Signer::ec("a");
    issuer.set(&[&signer]);
    let server = issuer.server();
    let token = signer.sign(&issuer.claims());
    assert_eq!(status(&server, &token).await.0, 200);
    issuer.mood(Mood::Down);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16 * 60)).await;
    tokio::time::resume();
    let token = signer.sign(&issuer.but(&json!({"exp": Timestamp::now().as_second() + 7200})));
    assert_eq!(status(&server, &token).await.0, 200);
    assert_eq!(issuer.asked(), 2);
}
