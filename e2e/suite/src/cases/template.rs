//! Rendering with no cluster.

use anyhow::Result;
use serde_json::json;

use super::{Case, Ctx, case};
use crate::check::{column, contains, equal, list, same_text, text};

pub(super) const CASES: &[Case] =
    &[case("template/json", as_json), case("template/as-helm-prints-it", as_helm_prints_it)];

fn as_json(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let digest = ctx.upload("shop")?;
    let spec = json!({"chart": {"upload": digest}, "name": "corner", "namespace": "web", "values": {"replicas": 4}, "isUpgrade": true});
    let rendered = http.send_json("POST", "/v1/template", &[], &spec)?.expect(200)?.json()?;
    for line in ["replicas: 4", "corner in web, revision 1, upgrade"] {
        contains("the manifest", text(&rendered, "/manifest")?, line)?;
    }
    contains("the notes", text(&rendered, "/notes")?, "corner in web")?;
    equal("the hooks", column(list(&rendered, "/hooks")?, "/name")?, vec!["corner-shop-greeting"])
}

fn as_helm_prints_it(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    for chart in ["shop", "hooked", "family", "crds-owner"] {
        let digest = ctx.upload(chart)?;
        let spec = json!({"chart": {"upload": digest}, "name": "r", "namespace": "ns", "includeCrds": true, "kubeVersion": "v1.30.0"});
        let answer = http.send_json("POST", "/v1/template", &[("Accept", "application/yaml")], &spec)?.expect(200)?;
        contains("the content type", answer.need_header("content-type")?, "yaml")?;
        let Some(helm) = ctx.helm else { continue };
        let flags =
            ["template", "r", &ctx.chart(chart), "--namespace", "ns", "--include-crds", "--kube-version", "v1.30.0"];
        same_text(chart, &answer.text(), &helm.ok(&flags)?.text())?;
    }
    Ok(())
}
