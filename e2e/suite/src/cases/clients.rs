//! What others make of the document: clients in three languages, a linter's rules, and whatever may be asked.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Case, Ctx, alone, case};
use crate::archive;
use crate::check::contains;
use crate::cluster::free_ports;
use crate::http::Http;
use crate::process;
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    case("clients/python", |ctx| client(ctx, "python", 90, ctx.tools().python_client()?)),
    case("clients/typescript", |ctx| client(ctx, "typescript", 95, ctx.tools().typescript_client()?)),
    case("clients/go", |ctx| client(ctx, "go", 100, ctx.tools().go_client()?)),
    case("document/redocly", redocly),
    alone("document/schemathesis", schemathesis),
];

/// How many requests schemathesis makes up for each operation, besides those that it makes of any document: ten thousand in
/// all, which is a minute. `WHIPSTAFF_E2E_EXAMPLES` says otherwise.
const EXAMPLES: &str = "50";

fn sandbox(ctx: &Ctx<'_>, name: &str, port: u16) -> Result<Server> {
    Server::start(ctx.whipstaff, name, &["--sandbox"], ctx.work, ctx.port + port, "/readyz")
}

/// Runs a script with its generated client.
fn client(ctx: &Ctx<'_>, language: &str, port: u16, mut command: Command) -> Result<()> {
    let server = sandbox(ctx, &format!("clients-{language}"), port)?;
    let chart: PathBuf = ctx.work.join(format!("clients-{language}.tgz"));
    fs::write(&chart, archive::folder(&ctx.charts.join("shop"))?)?;
    let output = process::run(command.arg(server.http.base()).arg(chart), Duration::from_secs(180))?.success()?;
    contains("what the script prints", &output.text(), &format!("{language}: ok"))
}

fn redocly(ctx: &Ctx<'_>) -> Result<()> {
    let tools = ctx.tools();
    let mut command = Command::new(tools.redocly()?);
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    process::run(command.current_dir(ctx.work).arg("lint").arg(tools.document()), Duration::from_secs(120))?
        .success()?;
    Ok(())
}

/// Makes a key of somebody who may do everything in the sandbox.
fn key(ctx: &Ctx<'_>, kubernetes: &str) -> Result<String> {
    let http = Http::new(format!("http://{kubernetes}"));
    let json = [("content-type", "application/json")];
    let namespace = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "whipstaff"}}"#;
    http.send("POST", "/api/v1/namespaces", &json, namespace.as_bytes())?.expect_any(&[201, 409])?;
    let binding = r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "alice"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}]}"#;
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    http.send("POST", bindings, &json, binding.as_bytes())?.expect(201)?;
    let kubeconfig = ctx.work.join("schemathesis.yaml");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: s\nclusters: [{{name: s, cluster: {{server: 'http://{kubernetes}'}}}}]\n\
         contexts: [{{name: s, context: {{cluster: s, user: s}}}}]\nusers: [{{name: s, user: {{}}}}]\n"
    );
    fs::write(&kubeconfig, text)?;
    let mut command = Command::new(ctx.whipstaff);
    command.args(["key", "create", "--user", "alice", "--namespace", "whipstaff", "--kubeconfig"]).arg(kubeconfig);
    let printed = process::run(&mut command, Duration::from_secs(60))?.success()?.text();
    let key = printed.split_whitespace().find(|word| word.starts_with("whipstaff_"));
    key.map(str::to_owned).context("`key create` prints the key")
}

/// Asks the served sandbox what the document allows and what it does not, with all checks.
fn schemathesis(ctx: &Ctx<'_>) -> Result<()> {
    let program = ctx.tools().schemathesis()?;
    let kubernetes = format!("127.0.0.1:{}", free_ports(ctx.port + 110, 1)?);
    let flags = ["--sandbox", "--sandbox-listen", &kubernetes, "--auth", "apikey", "--namespace", "whipstaff"];
    let mut server = Server::start(ctx.whipstaff, "schemathesis", &flags, ctx.work, ctx.port + 105, "/readyz")?;
    let base = server.http.base().to_owned();
    let key = key(ctx, &kubernetes)?;
    // It leaves files where it runs.
    let folder = ctx.work.join("schemathesis");
    fs::create_dir_all(&folder)?;
    fs::copy(ctx.root.join("e2e/document/schemathesis.toml"), folder.join("schemathesis.toml"))?;
    let examples = std::env::var("WHIPSTAFF_E2E_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let mut command = Command::new(program);
    command.current_dir(folder).arg("run").arg(format!("{base}/openapi.json"));
    command.args(["--header", &format!("Authorization: Bearer {key}")]);
    command.args(["--url", &base, "--checks", "all", "--max-examples", &examples, "--continue-on-failure"]);
    // The same requests each time, one after the other: what is found can be found again. Streams of events end when their
    // operation does, which none may; the suites look at them.
    command.args(["--seed", "7", "--workers", "1", "--exclude-path-regex", "/events$", "--no-color"]);
    let output = process::run(&mut command, Duration::from_secs(3600))?;
    server.check()?;
    if output.code != 0 {
        let text = output.text();
        let from = text.find("= FAILURES").or_else(|| text.find("= ERRORS")).unwrap_or_default();
        let said: String = text.get(from..).unwrap_or_default().chars().take(12_000).collect();
        bail!("schemathesis ended with {}:\n{said}\n{}", output.code, output.stderr);
    }
    Ok(())
}
