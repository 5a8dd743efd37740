//! A server in process: requests go through the whole router, and every answer is held against the document.

#![allow(dead_code)]

pub(crate) mod mortal;
pub(crate) mod registry;
pub(crate) mod time;
pub(crate) mod web;

use std::io::Write;
use std::sync::Arc;

use api::{Route, Shape};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use release::{Release, Status};
use serde_json::Value;
use tower::ServiceExt;

/// A server and the way to ask it.
#[derive(Clone)]
pub(crate) struct Server {
    app: server::App,
    router: Router,
    token: Option<String>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Server {
    /// A server over any Kubernetes API.
    pub(crate) fn over(client: kube::Client, config: server::Config) -> Self {
        Self::of_engine(engine::Engine::new(client, engine::Settings::guarded()), config)
    }

    /// A server over any engine.
    pub(crate) fn of_engine(engine: engine::Engine, config: server::Config) -> Self {
        Self::of(server::App::new(config, engine))
    }

    /// A server of a state.
    pub(crate) fn of(app: server::App) -> Self {
        Self { router: server::router(app.clone()), app, token: None }
    }

    /// Does what a replica does unasked.
    pub(crate) async fn watch_over(&self) {
        self.app.watch_over().await;
    }

    /// The same server, asked with a bearer token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A server whose cluster is not there.
    pub(crate) fn without_cluster() -> Self {
        Self::without_cluster_but(server::Config::default())
    }

    pub(crate) fn without_cluster_but(config: server::Config) -> Self {
        let refuse = tower::service_fn(|_: Request<kube::client::Body>| async {
            Err::<http::Response<Body>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
        });
        Self::over(kube::Client::new(refuse, "default"), config)
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().as_str().to_lowercase(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        answer.check(&method, &path);
        answer
    }

    /// Sends a request with headers, as a program of this machine would.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Opens a stream of events: its status and headers, and the body, of which nothing was read.
    pub(crate) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> http::Response<Body> {
        let mut request = Request::builder().uri(path).header("host", "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.ask("GET", path, &[("accept", accept)], Body::empty()).await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask(method, path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// Sends a change and waits for its end.
    pub(crate) async fn change(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("prefer", "wait=60")];
        self.ask(method, path, &headers, body.to_string()).await
    }

    /// Uploads a chart and returns its digest.
    pub(crate) async fn upload(&self, archive: Vec<u8>) -> String {
        let answer = self.ask("POST", "/v1/charts", &[("content-type", "application/gzip")], archive).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()["digest"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The problem's status and reason.
    pub(crate) fn reason(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// The places that a problem points at.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().filter_map(|e| e["pointer"].as_str().map(str::to_owned)).collect()
    }

    /// Holds the answer against the document: the status is one that the operation has, the body is what it says.
    fn check(&self, method: &str, path: &str) {
        let status = self.status.as_u16();
        let media = self.header("content-type").split(';').next().unwrap_or_default().to_owned();
        assert_ne!(status, 500, "{method} {path}: {}", self.text());
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        if status >= 400 && method != "head" {
            assert_eq!(media, "application/problem+json", "{method} {path}: {}", self.text());
            let problem = self.json();
            assert_eq!(api::check("Problem", &problem), [], "{problem:#}");
            assert_eq!(problem["status"], status);
        }
        let Some(route) = find(method, path) else {
            // The repository speaks as Helm and ChartMuseum do.
            if path.starts_with("/repository/") {
                return;
            }
            assert!(status >= 400 || method == "head", "{method} {path} is in no document and answers {status}");
            return;
        };
        if status >= 400 {
            let reason = self.json()["reason"].as_str().unwrap_or_default().to_owned();
            let known = reason != "INTERNAL" && route.all_problems().any(|r| r.as_str() == reason);
            assert!(known, "`{}` does not document {reason}: {}", route.id, self.text());
            return;
        }
        if status == 304 {
            assert!(route.is_conditional() && self.body.is_empty(), "`{}`", route.id);
            return;
        }
        let response = route.responses.iter().find(|r| r.status == status);
        let response = response.unwrap_or_else(|| panic!("`{}` does not document {status}: {}", route.id, self.text()));
        if response.media.is_empty() {
            assert!(self.body.is_empty());
            return;
        }
        let found = response.media.iter().find(|m| m.name == media);
        let found = found.unwrap_or_else(|| panic!("`{}` does not document {media}", route.id));
        for header in response.headers.iter().filter(|h| !matches!(**h, "Retry-After" | "Preference-Applied")) {
            let only_of_operations = *header == "Location" && matches!(response.shape, Shape::Either(..));
            assert!(only_of_operations || self.headers.contains_key(*header), "`{}` lacks {header}", route.id);
        }
        if media != "application/json" || found.text {
            return;
        }
        let (name, values) = match response.shape {
            Shape::Of(name) => (name, vec![self.json()]),
            Shape::Either(a, b) => (if self.json().get("dryRun").is_some() { b } else { a }, vec![self.json()]),
            Shape::List(name) => (name, self.json()["items"].as_array().unwrap().clone()),
            _ => return,
        };
        for value in values {
            assert_eq!(api::check(name, &value), [], "`{}`: {value:#}", route.id);
        }
    }
}

/// A record of a revision.
pub(crate) fn record(namespace: &str, name: &str, version: u32, status: Status) -> Release {
    let mut chart = chart::Chart::default();
    chart.metadata.name = "shop".into();
    chart.metadata.version = format!("0.{version}.0");
    let mut release = Release {
        name: name.into(),
        namespace: namespace.into(),
        version,
        chart: Arc::new(chart),
        ..Release::default()
    };
    release.set_status(status, "");
    release
}

/// A client of the sandbox that sends a bearer token.
pub(crate) fn with_token(sandbox: &sandbox::Sandbox, token: &str) -> kube::Client {
    let (inner, value) = (sandbox.client(), http::HeaderValue::try_from(format!("Bearer {token}")).unwrap());
    let speak = tower::service_fn(move |mut request: Request<kube::client::Body>| {
        let inner = inner.clone();
        request.headers_mut().insert("authorization", value.clone());
        async move { inner.send(request).await }
    });
    kube::Client::new(speak, "default")
}

/// Finds the operation of a request.
pub(crate) fn find(method: &str, path: &str) -> Option<&'static Route> {
    let parts: Vec<&str> = path.split('/').collect();
    api::routes().iter().find(|route| {
        let pattern: Vec<&str> = route.path.split('/').collect();
        let rest = route.id == "chart_file" && parts.len() > pattern.len();
        route.method.as_str() == method
            && (pattern.len() == parts.len() || rest)
            && pattern.iter().zip(&parts).all(|(p, s)| if p.starts_with('{') { !s.is_empty() } else { p == s })
    })
}

/// Packs files as `helm package` does.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        // The name is written as it is, so that bad ones can be tried too.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    let mut gzip = tar.into_inner().unwrap();
    gzip.flush().unwrap();
    gzip.finish().unwrap()
}

/// A chart with all that the tests look at.
pub(crate) fn shop() -> Vec<u8> {
    archive(&[
        ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\nappVersion: \"4.5\"\ndescription: A shop.\n"),
        ("shop/values.yaml", "# how many\nreplicas: 1\nmessage: hello\nport: 80\n"),
        ("shop/values.schema.json", r#"{"type":"object","properties":{"replicas":{"type":"integer","minimum":0}}}"#),
        ("shop/README.md", "# Shop\n"),
        ("shop/crds/till.yaml", CRD),
        (
            "shop/templates/config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  message: {{ .Values.message | quote }}\n  replicas: {{ .Values.replicas | quote }}\n",
        ),
        (
            "shop/templates/NOTES.txt",
            "{{ .Values.message }} from {{ .Release.Name }}, revision {{ .Release.Revision }}\n",
        ),
        (
            "shop/templates/hook.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n  annotations:\n    helm.sh/hook: pre-install\n    helm.sh/hook-weight: \"-5\"\n",
        ),
    ])
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: tills.shop.example.com\nspec:\n  group: shop.example.com\n  scope: Namespaced\n  names: {kind: Till, plural: tills, singular: till, listKind: TillList}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n";
