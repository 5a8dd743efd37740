//! Uploaded charts.

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::{Case, Ctx, case};
use crate::archive::{self, Entry};
use crate::check::{column, contains, equal, is, list, text};
use crate::http::Http;

pub(super) const CASES: &[Case] = &[
    case("uploads/once-and-again", once_and_again),
    case("uploads/parts", parts),
    case("uploads/without-content-type", without_content_type),
    case("uploads/no-archive", no_archive),
    case("uploads/no-chart", no_chart),
    case("uploads/climbs-out", climbs_out),
    case("uploads/unknown-digest", unknown_digest),
];

const GZIP: (&str, &str) = ("Content-Type", "application/gzip");

fn once_and_again(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    // An archive that no other case uploads, so that the first time is the first time.
    let archive = archive::pack(&[
        Entry::file(
            "once/Chart.yaml",
            b"apiVersion: v2\nname: once\nversion: 1.2.3+meta\nappVersion: '7'\ndescription: d\n",
        ),
        Entry::file("once/values.yaml", b"a: 1\n"),
    ])?;
    let first = http.send("POST", "/v1/charts", &[GZIP], &archive)?.expect(201)?;
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&archive)));
    equal("Location", first.header("location"), Some(format!("/v1/charts/{digest}").as_str()))?;
    let chart = first.json()?;
    is(&chart, "/digest", digest.as_str())?;
    is(&chart, "/metadata/name", "once")?;
    is(&chart, "/metadata/version", "1.2.3+meta")?;
    is(&chart, "/metadata/appVersion", "7")?;
    is(&chart, "/size", archive.len())?;

    let again = http.send("POST", "/v1/charts", &[GZIP], &archive)?.expect_any(&[200, 201])?;
    equal("Location", again.header("location"), first.header("location"))?;
    is(&again.json()?, "/digest", digest.as_str())?;
    let same = http.get_json("/v1/charts")?;
    let count = column(list(&same, "/items")?, "/digest")?.iter().filter(|d| **d == digest).count();
    equal("charts of this digest", count, 1)?;
    is(&http.get_json(&format!("/v1/charts/{digest}"))?, "/metadata/name", "once")
}

fn parts(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let archive = archive::folder(&ctx.charts.join("shop"))?;
    let digest = http.upload(&archive)?;
    let part = |name: &str| http.get(&format!("/v1/charts/{digest}/{name}"))?.expect(200);
    equal("the archive", part("archive")?.body, archive)?;
    is(&part("values")?.json()?, "/numbers/build", 20_260_822)?;
    is(&part("schema")?.json()?, "/properties/replicas/type", "integer")?;
    contains("the readme", text(&part("readme")?.json()?, "/readme")?, "end-to-end")?;
    let files = part("files")?.json()?;
    contains("the files", &files.to_string(), "templates/deployment.yaml")?;
    contains("a file", &part("files/files/hours.txt")?.text(), "open from nine")?;
    http.get(&format!("/v1/charts/{digest}/files/no/such.txt"))?.problem(404, "CHART_PART_NOT_FOUND")?;
    Ok(())
}

fn without_content_type(ctx: &Ctx<'_>) -> Result<()> {
    let archive = archive::folder(&ctx.charts.join("shop"))?;
    ctx.http()?
        .send("POST", "/v1/charts", &[("Content-Type", "text/html")], &archive)?
        .problem(415, "UNSUPPORTED_MEDIA_TYPE")?;
    Ok(())
}

fn refused(http: &Http, body: &[u8]) -> Result<()> {
    let before = list(&http.get_json("/v1/charts?limit=10000")?, "/items")?.len();
    let problem = http.send("POST", "/v1/charts", &[GZIP], body)?.problem(422, "INVALID_CHART")?;
    equal("`retryable`", problem["retryable"].as_bool(), Some(false))?;
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(body)));
    http.get(&format!("/v1/charts/{digest}"))?.problem(404, "CHART_NOT_FOUND")?;
    // Other cases upload at the same time, so there may be more; a refused one is not among them.
    let after = http.get_json("/v1/charts?limit=10000")?;
    if list(&after, "/items")?.len() < before {
        anyhow::bail!("charts have gone");
    }
    Ok(())
}

fn no_archive(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let good = archive::folder(&ctx.charts.join("shop"))?;
    for body in [&b"this is no archive"[..], b"", b"\x1f\x8b\x08", &good[..good.len() / 2], b"{}"] {
        refused(http, body)?;
    }
    Ok(())
}

fn no_chart(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let chart_yaml = |text: &'static [u8]| archive::pack(&[Entry::file("x/Chart.yaml", text)]);
    refused(http, &archive::pack(&[])?)?;
    refused(http, &archive::pack(&[Entry::file("x/values.yaml", b"a: 1\n")])?)?;
    refused(http, &chart_yaml(b"")?)?;
    refused(http, &chart_yaml(b"]: no yaml\n")?)?;
    refused(http, &chart_yaml(b"apiVersion: v2\nname: x\n")?)?;
    refused(http, &chart_yaml(b"apiVersion: v2\nversion: 1.0.0\n")?)?;
    refused(http, &chart_yaml(b"apiVersion: v2\nname: x\nversion: one\n")?)?;
    refused(http, &chart_yaml(b"apiVersion: v2\nname: ../x\nversion: 1.0.0\n")?)
}

fn climbs_out(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    let chart = Entry::file("x/Chart.yaml", b"apiVersion: v2\nname: x\nversion: 1.0.0\n");
    let with = |entry: Entry<'_>| {
        let chart = Entry::file("x/Chart.yaml", b"apiVersion: v2\nname: x\nversion: 1.0.0\n");
        archive::pack(&[chart, entry])
    };
    for name in ["x/../../outside", "../outside", "/etc/outside", "x/templates/../../../outside", "x\\..\\..\\outside"]
    {
        refused(http, &with(Entry::file(name, b"outside"))?)?;
    }
    refused(http, &archive::pack(&[chart, Entry::file("c:/outside", b"outside")])?)?;
    // Helm reads no links from an archive; whether it is refused or left out, what it points at must not be there.
    let answer = http.send("POST", "/v1/charts", &[GZIP], &with(Entry::link("x/files/passwd", "/etc/passwd"))?)?;
    if answer.status == 201 {
        let digest = text(&answer.json()?, "/digest")?.to_owned();
        let files = http.get(&format!("/v1/charts/{digest}/files"))?.expect(200)?.text();
        equal("the link is among the files", files.contains("passwd"), false)?;
    } else {
        answer.problem(422, "INVALID_CHART")?;
    }
    Ok(())
}

fn unknown_digest(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    http.get(&format!("/v1/charts/sha256:{}", "0".repeat(64)))?.problem(404, "CHART_NOT_FOUND")?;
    for digest in ["sha256:xyz", "latest", "sha256:"] {
        http.get(&format!("/v1/charts/{digest}"))?.any_problem()?;
    }
    Ok(())
}
