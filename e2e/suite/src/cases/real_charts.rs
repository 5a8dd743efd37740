//! Real charts, installed whole.
//!
//! They run one after the other: some of them bring webhooks that judge what the others apply.

use anyhow::{Context, Result};
use serde_json::json;

use super::{Case, Ctx, alone};
use crate::check::{contains, equal, is, list, same_text, text};
use crate::corpus::NAMED;
use crate::rest::{body, release};

pub(super) const CASES: &[Case] = &[
    alone("real-charts/nginx", |ctx| install(ctx, "nginx")),
    alone("real-charts/ingress-nginx", |ctx| install(ctx, "ingress-nginx")),
    alone("real-charts/cert-manager", |ctx| install(ctx, "cert-manager")),
    alone("real-charts/prometheus", |ctx| install(ctx, "prometheus")),
    alone("real-charts/traefik", |ctx| install(ctx, "traefik")),
];

fn install(ctx: &Ctx<'_>, name: &str) -> Result<()> {
    let http = ctx.http()?;
    let (_, path) = NAMED.iter().find(|(named, _)| *named == name).context("the chart has a place in the corpus")?;
    let digest = http.upload_file(&ctx.corpus.chart(path)?)?;
    let ns = format!("real-{name}");
    let mut spec = body(&digest, json!({}));
    spec["wait"]["timeout"] = json!("120s");
    is(&http.put(&ns, name, &spec)?, "/result/revision", 1)?;
    let found = http.expect_release(&ns, name, 1, "deployed")?;
    is(&found, "/chart/name", name)?;
    let part = |part: &str| http.get_json(&format!("{}/{part}", release(&ns, name)));
    let manifest = part("manifest")?;
    contains("the manifest", text(&manifest, "/manifest")?, "# Source: ")?;
    if let (Some(kubectl), Some(helm)) = (ctx.kubectl, ctx.helm) {
        let listed = helm.json(&ns, &["list"])?;
        equal("helm list", list(&listed, "")?.len(), 1)?;
        is(&listed, "/0/name", name)?;
        is(&listed, "/0/status", "deployed")?;
        is(&listed, "/0/chart", format!("{name}-{}", text(&found, "/chart/version")?))?;
        let accept = [("Accept", "application/yaml")];
        let ours = http.send("GET", &format!("{}/manifest", release(&ns, name)), &accept, b"")?.expect(200)?.text();
        same_text("helm get manifest", &ours, &helm.ok(&["get", "manifest", name, "-n", &ns])?.text())?;
        contains("helm get all", &helm.ok(&["get", "all", name, "-n", &ns])?.text(), "STATUS: deployed")?;
        contains("helm status", &helm.ok(&["status", name, "-n", &ns])?.text(), "STATUS: deployed")?;
        // Every deployment is really there and ready.
        for deployment in list(&kubectl.get(&ns, &["deployments"])?, "/items")? {
            let label = deployment.pointer("/metadata/labels/app.kubernetes.io~1managed-by");
            equal("managed by", label.and_then(|l| l.as_str()), Some("Helm"))?;
            equal("ready", deployment.pointer("/status/readyReplicas"), deployment.pointer("/spec/replicas"))?;
        }
    }
    http.put(&ns, name, &spec)?;
    http.expect_release(&ns, name, 2, "deployed")?;
    http.uninstall(&ns, name)?;
    http.expect_no_releases(&ns)?;
    if let Some(kubectl) = ctx.kubectl {
        equal(
            "deployments left",
            list(&kubectl.get(&ns, &["deployments,services,daemonsets,statefulsets"])?, "/items")?.len(),
            0,
        )?;
    }
    Ok(())
}
