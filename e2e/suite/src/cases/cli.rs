//! `whipstaff template` and `helm template`, side by side.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Case, Ctx, case};
use crate::archive;
use crate::check::{contains, equal, same_text};
use crate::corpus::{NAMED, masked};
use crate::process::{self, Output};
use crate::runner::Skip;

pub(super) const CASES: &[Case] = &[
    case("template/own-charts", own_charts),
    case("template/flags", flags),
    case("template/archives", archives),
    case("template/failures", failures),
    case("template/golden-nginx", |ctx| golden(ctx, "nginx")),
    case("template/golden-ingress-nginx", |ctx| golden(ctx, "ingress-nginx")),
    case("template/golden-cert-manager", |ctx| golden(ctx, "cert-manager")),
    case("template/golden-prometheus", |ctx| golden(ctx, "prometheus")),
    case("template/golden-traefik", |ctx| golden(ctx, "traefik")),
];

const OWN: [&str; 5] = ["shop", "hooked", "family", "crds-owner", "faulty"];

fn whipstaff(ctx: &Ctx<'_>, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(ctx.whipstaff);
    command.env("HOME", ctx.work).env("KUBECONFIG", "/nonexistent").args(arguments);
    process::run(&mut command, Duration::from_secs(60))
}

/// Runs both with the same arguments; codes and outputs are the same.
fn same(ctx: &Ctx<'_>, arguments: &[&str]) -> Result<()> {
    let helm = ctx.helm.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
    let theirs = helm.run(&[&["template"], arguments].concat())?;
    let ours = whipstaff(ctx, &[&["template"], arguments].concat())?;
    let what = arguments.join(" ");
    if ours.code != theirs.code {
        bail!("{what}: exit code {} instead of {}: {}{}", ours.code, theirs.code, ours.stderr, theirs.stderr);
    }
    same_text(&what, &ours.text(), &theirs.text())
}

fn own_charts(ctx: &Ctx<'_>) -> Result<()> {
    for chart in OWN {
        same(ctx, &["r", &ctx.chart(chart)])?;
        same(ctx, &["other-name", &ctx.chart(chart), "--namespace", "elsewhere", "--include-crds"])?;
        same(ctx, &["r", &ctx.chart(chart), "--is-upgrade", "--kube-version", "1.27.3", "--api-versions", "e2e/v1"])?;
    }
    same(ctx, &["r", &format!("{}/", ctx.chart("shop"))])
}

fn flags(ctx: &Ctx<'_>) -> Result<()> {
    let (shop, family) = (ctx.chart("shop"), ctx.chart("family"));
    let write = |name: &str, text: &str| -> Result<String> {
        let path = ctx.work.join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let first = write("first.yaml", "replicas: 2\nextra: {a: 1, b: [1, 2], c: null}\ngreeting: first\n")?;
    let second =
        write("second.yaml", "extra:\n  a: 0777\n  b: [3]\n  d: 2001-02-03\n---\ngreeting: second document\n")?;
    let content = write("content.txt", "line one\nline two\n")?;
    let file = format!("extra.file={content}");
    for arguments in [
        &["-f", &first][..],
        &["-f", &first, "-f", &second],
        &["--values", &format!("{first},{second}"), "--set", "replicas=4"],
        &["--set", "extra.x=1,extra.y=true,extra.z=null", "--set", "extra.list[1].k=v", "--set", "greeting=a\\,b"],
        &["--set-string", "extra.x=1,extra.y=true", "--set-json", "extra.j={\"a\":[1,{\"b\":null}]}"],
        &["--set-file", &file, "--set-literal", "extra.l=a,b=c"],
        &["-f", &first, "--set", "extra=null"],
        &["--set", "podAnnotations.a=b", "--set", "fixedName=fixed"],
    ] {
        same(ctx, &[&["r", &shop], arguments].concat())?;
    }
    for arguments in [
        &["--set", "cellar.enabled=false"][..],
        &["--set", "tags.market=false,booth.enabled=true"],
        &["--set", "global.town=quay,cellar.barrels=null"],
    ] {
        same(ctx, &[&["r", &family], arguments].concat())?;
    }
    Ok(())
}

fn archives(ctx: &Ctx<'_>) -> Result<()> {
    for chart in OWN {
        let path = ctx.work.join(format!("archive-{chart}.tgz"));
        std::fs::write(&path, archive::folder(&ctx.charts.join(chart))?)?;
        same(ctx, &["r", &path.to_string_lossy(), "--include-crds"])?;
    }
    Ok(())
}

/// Both fail, and whipstaff says why in Helm's words.
fn failures(ctx: &Ctx<'_>) -> Result<()> {
    let helm = ctx.helm.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
    let (faulty, shop) = (ctx.chart("faulty"), ctx.chart("shop"));
    let nowhere = ctx.chart("nowhere");
    for arguments in [
        &["template", "r", &faulty, "--set", "fault=fail"][..],
        &["template", "r", &faulty, "--set", "fault=nil"],
        &["template", "r", &faulty, "--set", "fault=required"],
        &["template", "r", &faulty, "--set", "fault=yaml"],
        &["template", "r", &shop, "--set", "replicas=many"],
        &["template", "Bad_Name", &shop],
        &["template", "r", &shop, "--set", "a"],
        &["template", "r", &shop, "-f", "/nonexistent/values.yaml"],
        &["template", "r", &nowhere],
    ] {
        let (theirs, ours) = (helm.run(arguments)?, whipstaff(ctx, arguments)?);
        let context = || format!("{arguments:?}\nours: {}\ntheirs: {}", ours.stderr, theirs.stderr);
        equal("the exit codes", ours.code, theirs.code).with_context(context)?;
        let why = theirs.stderr.lines().find(|line| line.starts_with("Error: ")).unwrap_or_default();
        contains("the error", &ours.stderr, why).with_context(context)?;
    }
    Ok(())
}

/// `whipstaff template` prints what the corpus says that Helm printed.
fn golden(ctx: &Ctx<'_>, name: &str) -> Result<()> {
    let (_, path) = NAMED.iter().find(|(named, _)| *named == name).context("the chart has a place in the corpus")?;
    let cases = ctx.corpus.cases(path)?;
    equal("there are cases", cases.is_empty(), false)?;
    for case in cases {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut arguments =
            vec!["template".to_owned(), "rel".to_owned(), text(&case.chart), "--namespace".to_owned(), "ns".to_owned()];
        arguments.extend(case.flags.iter().cloned());
        for values in case.values.iter().map(PathBuf::as_path) {
            arguments.extend(["-f".to_owned(), text(values)]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = whipstaff(ctx, &arguments)?.success()?;
        same_text(
            &format!("{name} {}", case.name),
            &masked(&output.text(), &case.mask),
            &masked(&case.golden, &case.mask),
        )?;
    }
    Ok(())
}
