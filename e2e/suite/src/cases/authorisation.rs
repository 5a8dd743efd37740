//! Who may do what: the table of `docs/authorisation.md`, every cell of it, with the roles that the page has, over HTTP against a
//! server with an account of its own.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Case, Ctx, alone};
use crate::archive;
use crate::check::{equal, text};
use crate::http::{Http, Response};
use crate::rest::{JSON, WAIT, releases};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[alone("authorisation/table", table)];

const PAGE: &str = include_str!("../../../../docs/authorisation.md");
const REQUESTS: &str = include_str!("../../../authorisation/requests.txt");
/// Where the identities have their rights.
const NAMESPACE: &str = "authorisation";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The identities of the table that have a token, and their roles.
const IDENTITIES: &[(&str, &str)] = &[
    ("admin", "cluster-admin"),
    ("editor", "edit"),
    ("viewer", "whipstaff-viewer"),
    ("values", "whipstaff-viewer-of-values"),
    ("manifests", "whipstaff-viewer-of-manifests"),
    ("nobody", ""),
];

fn table(ctx: &Ctx<'_>) -> Result<()> {
    let kubernetes = ctx.kubernetes.context("this case needs the Kubernetes API")?;
    roles(kubernetes)?;
    let tokens = identities(kubernetes)?;
    let own = token(kubernetes, "whipstaff", "whipstaff")?;
    let config = ctx.work.join("authorisation.kubeconfig");
    std::fs::write(&config, kubeconfig(ctx, kubernetes, &own)?.to_string())?;
    let config = config.to_string_lossy().into_owned();
    let flags = ["--kubeconfig", &config, "--namespace", "whipstaff", "--auth", "tokenreview,apikey"];
    let server = Server::start(ctx.whipstaff, "authorisation", &flags, ctx.work, ctx.port + 85, "/readyz")?;
    let result = cells(ctx, &server.http, &tokens);
    let log = server.output()?;
    result?;
    for token in tokens.values() {
        equal("a token is in the log", log.contains(token.as_str()), false)?;
    }
    Ok(())
}

/// Makes the roles and the server's account that the page has.
fn roles(kubernetes: &Http) -> Result<()> {
    for block in PAGE.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for document in block.split("---\n") {
            let line = |key: &str| document.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
            let kind = line("kind:");
            let namespace = line("metadata:").split_once("namespace: ").map(|(_, rest)| rest.trim_end_matches('}'));
            create(kubernetes, kind, namespace, "application/yaml", document)?;
        }
    }
    Ok(())
}

fn create(kubernetes: &Http, kind: &str, namespace: Option<&str>, media: &str, body: &str) -> Result<()> {
    let base = if matches!(kind, "Namespace" | "ServiceAccount") { "/api/v1" } else { RBAC };
    let below = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
    let path = format!("{base}{below}/{}s", kind.to_lowercase());
    // What an earlier run has left is the same.
    kubernetes.send("POST", &path, &[("Content-Type", media)], body.as_bytes())?.expect_any(&[201, 409]).map(drop)
}

/// Makes an account for each identity, and returns the tokens.
fn identities(kubernetes: &Http) -> Result<BTreeMap<&'static str, String>> {
    let make = |kind: &str, namespace: Option<&str>, body: &Value| {
        create(kubernetes, kind, namespace, "application/json", &body.to_string())
    };
    make("Namespace", None, &json!({"metadata": {"name": NAMESPACE}}))?;
    let mut tokens = BTreeMap::from([("bad token", "abc.def.ghi".to_owned())]);
    for (who, role) in IDENTITIES {
        make("ServiceAccount", Some(NAMESPACE), &json!({"metadata": {"name": who}}))?;
        tokens.insert(*who, token(kubernetes, NAMESPACE, who)?);
        let binding = json!({
            "metadata": {"name": format!("authorisation-{who}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": who, "namespace": NAMESPACE}],
        });
        match *who {
            "nobody" => {}
            "admin" => make("ClusterRoleBinding", None, &binding)?,
            _ => make("RoleBinding", Some(NAMESPACE), &binding)?,
        }
    }
    Ok(tokens)
}

fn token(kubernetes: &Http, namespace: &str, account: &str) -> Result<String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let made = kubernetes.send_json("POST", &path, &[], &body)?.expect(201)?.json()?;
    Ok(text(&made, "/status/token")?.to_owned())
}

/// The same cluster as that of the suite, for somebody else.
fn kubeconfig(ctx: &Ctx<'_>, kubernetes: &Http, token: &str) -> Result<Value> {
    let mut cluster = json!({"server": kubernetes.base()});
    if let Some(kubectl) = ctx.kubectl {
        // The proxy speaks for its own user, so the real one is needed; kubectl reads whatever form the file has.
        let shown = kubectl.run(&["config", "view", "--raw", "--minify", "--output", "json"])?.success()?;
        let shown: Value = serde_json::from_slice(&shown.stdout)?;
        cluster = shown.pointer("/clusters/0/cluster").context("the kubeconfig has no cluster")?.clone();
    }
    Ok(json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }))
}

fn cells(ctx: &Ctx<'_>, http: &Http, tokens: &BTreeMap<&str, String>) -> Result<()> {
    let bearer = |who: &str| tokens.get(who).map(|token| format!("Bearer {token}"));
    let locker = archive::folder(&ctx.charts.join("locker"))?;
    let admin = bearer("admin").context("no admin")?;
    let headers = [("Authorization", admin.as_str()), ("Content-Type", "application/gzip")];
    let uploaded = http.send("POST", "/v1/charts", &headers, &locker)?.expect_any(&[200, 201])?.json()?;
    let chart = text(&uploaded, "/digest")?.to_owned();
    let base = releases(NAMESPACE);
    let install = json!({"chart": {"upload": chart}, "values": {"password": "hunter2"}});
    let mut operation = String::new();
    for _ in 0..2 {
        let headers = [JSON, WAIT, ("Authorization", admin.as_str())];
        let path = format!("{base}/shop");
        let made = http.send("PUT", &path, &headers, install.to_string().as_bytes())?.expect(200)?.json()?;
        operation = text(&made, "/id")?.to_owned();
    }

    let rows = PAGE.lines().skip_while(|line| !line.starts_with("| operation |"));
    let mut rows = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let head = rows.next().context("the page has no table")?;
    let rows: BTreeMap<&str, Vec<&str>> =
        rows.skip(1).map(|row| (row.first().copied().unwrap_or_default(), row)).collect();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for line in REQUESTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let id = line.split(' ').next().unwrap_or_default();
        let row = rows.get(id).with_context(|| format!("`{id}` has no row"))?;
        for (who, wanted) in head.iter().zip(row).skip(1) {
            let line = line
                .replace("$R", &base)
                .replace("$chart", &chart)
                .replace("$operation", &operation)
                .replace("$namespace", NAMESPACE)
                .replace("$who", &who.replace(' ', "-"));
            let mut words = line.splitn(4, ' ').skip(1);
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (kind, body) = match words.next() {
                Some("@chart") => ("application/gzip", locker.clone()),
                Some(body) => ("application/json", body.as_bytes().to_vec()),
                None => ("", Vec::new()),
            };
            let token = bearer(who);
            let mut headers = vec![WAIT];
            headers.extend(Some(("Content-Type", kind)).filter(|(_, kind)| !kind.is_empty()));
            headers.extend(token.as_deref().map(|token| ("Authorization", token)));
            let answer = http.send(method, path, &headers, &body)?;
            let found = outcome(&answer)?;
            tried += 1;
            if found != *wanted {
                wrong.push(format!("{id} as {who}: {found}, not {wanted}: {}", answer.text()));
            }
        }
    }
    for name in ["shop", "installed-admin", "installed-editor"] {
        let headers = [WAIT, ("Authorization", admin.as_str())];
        http.send("DELETE", &format!("{base}/{name}"), &headers, b"")?.expect(200)?;
    }
    if !wrong.is_empty() {
        bail!("{} of {tried} cells:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}

/// What a cell would say of an answer.
fn outcome(answer: &Response) -> Result<String> {
    Ok(match answer.status {
        401 => {
            equal("how to say who asks", answer.need_header("WWW-Authenticate")?, "Bearer")?;
            "401".to_owned()
        }
        403 => {
            let problem = answer.problem(403, "CLUSTER_FORBIDDEN")?;
            format!("{} {}", text(&problem, "/missing/verb")?, text(&problem, "/missing/resource")?)
        }
        // There is no such host as the repository is at, which only who may is told.
        200..300 | 409 | 502 => "yes".to_owned(),
        other => other.to_string(),
    })
}
