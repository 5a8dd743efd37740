//! Lists of releases: filters, order and pages.

use anyhow::Result;
use serde_json::json;

use super::{Case, Ctx, case};
use crate::check::{column, equal, is, list, text};
use crate::rest::{body, releases};

pub(super) const CASES: &[Case] = &[case("lists/filters-order-pages", filters_order_pages), case("lists/empty", empty)];

fn filters_order_pages(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "lists");
    let (family, crds) = (ctx.upload("family")?, ctx.upload("crds-owner")?);
    for (name, digest, team) in
        [("delta", &family, "deck"), ("alpha", &family, "deck"), ("charlie", &crds, "hull"), ("bravo", &family, "hull")]
    {
        let mut spec = body(digest, json!({}));
        spec["labels"] = json!({"team": team});
        http.put(ns, name, &spec)?;
    }
    http.put(ns, "alpha", &body(&family, json!({"cellar": {"barrels": 2}})))?;

    let names = |query: &str| -> Result<Vec<String>> {
        let found = http.get_json(&format!("{}{query}", releases(ns)))?;
        Ok(column(list(&found, "/items")?, "/name")?.into_iter().map(str::to_owned).collect())
    };
    for (query, expected) in [
        ("", vec!["alpha", "bravo", "charlie", "delta"]),
        ("?sort=-name", vec!["delta", "charlie", "bravo", "alpha"]),
        ("?filter=%5E%5Bab%5D", vec!["alpha", "bravo"]),
        ("?chart=crds-owner", vec!["charlie"]),
        ("?status=deployed&limit=2", vec!["alpha", "bravo"]),
        ("?status=failed", vec![]),
        ("?selector=team%3Dhull", vec!["bravo", "charlie"]),
        ("?selector=team!%3Dhull&chart=family", vec!["alpha", "delta"]),
    ] {
        equal(&format!("{}{query}", releases(ns)), names(query)?, expected)?;
    }

    let mut seen = Vec::new();
    let mut path = format!("{}?limit=3", releases(ns));
    loop {
        let page = http.get_json(&path)?;
        for item in list(&page, "/items")? {
            seen.push((text(item, "/name")?.to_owned(), item["revision"].as_u64()));
            equal("a list's item is small", item.get("manifest").or(item.get("values")).is_none(), true)?;
        }
        let Some(next) = page["continue"].as_str() else { break };
        path = format!("{}?limit=3&continue={}", releases(ns), escape(next));
    }
    let expected = [("alpha", 2), ("bravo", 1), ("charlie", 1), ("delta", 1)].map(|(n, r)| (n.to_owned(), Some(r)));
    equal("the pages", seen.as_slice(), &expected[..])?;

    for path in ["/v1/clusters/default/releases", "/v1/releases"] {
        let all = http.get_json(&format!("{path}?filter=%5Echarlie$&limit=10000"))?;
        let items = list(&all, "/items")?;
        equal(path, items.iter().filter(|i| i["namespace"] == ns).count(), 1)?;
        is(&all, "/items/0/cluster", "default")?;
    }
    http.get(&format!("{}?limit=none", releases(ns)))?.problem(400, "INVALID_PARAMETER")?;
    http.get(&format!("{}?filter=%5B", releases(ns)))?.problem(400, "INVALID_PARAMETER")?;
    http.get(&format!("{}?colour=red", releases(ns)))?.problem(400, "INVALID_PARAMETER")?;
    Ok(())
}

/// Escapes what a query cannot hold.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// A namespace that is not there has no releases; that is no error, as for Helm.
fn empty(ctx: &Ctx<'_>) -> Result<()> {
    ctx.http()?.expect_no_releases("nobody-was-ever-here")
}
