//! Helm's rules for what is wrong with a chart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{ChartRef, InputError, LintBody, LintFinding, LintResult, LintSeverity, Problem, Reason};
use bytes::Bytes;
use chart::Limits;
use engine::Error;
use lint::{Files, Finding, Kind, Notices, Options, Severity, Source as _};
use render::{Limit, RenderError};

use super::template::{NAMESPACE, check_namespace_of, kube_version, wrong};
use crate::convert;
use crate::ctx::{Ctx, Outcome, check_namespace};
use crate::problems;
use crate::reply::Reply;

/// What is linted, and how.
struct Job {
    archive: Bytes,
    options: Options,
    strict: bool,
    with_subcharts: bool,
}

/// What was found in one chart.
struct Linted {
    /// Where it is below the one that was given.
    place: String,
    findings: Vec<Finding>,
}

pub(super) async fn lint(ctx: Ctx) -> Outcome {
    let body: LintBody = ctx.input("LintBody")?;
    let wanted = body.chart.as_ref().ok_or_else(|| wrong("/chart", "missing"))?;
    check_namespace_of(body.namespace.as_deref())?;
    let base = convert::to_yaml_map(&body.values);
    let options = Options {
        values: convert::user_values(base, &body.values_input()).map_err(Problem::input)?,
        namespace: body.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
        kube_version: body.kube_version.as_deref().map(kube_version).transpose()?,
        skip_schema_validation: body.skip_schema_validation,
        ..Options::new((ctx.app.config.now)())
    };
    let archive = archive(&ctx, wanted).await?;
    run(&ctx, Job { archive, options, strict: body.strict, with_subcharts: body.with_subcharts }).await
}

pub(super) async fn chart_lint(ctx: Ctx) -> Outcome {
    let upload = super::charts::find(&ctx).await?;
    let namespace = ctx.query.get("namespace").unwrap_or(NAMESPACE);
    check_namespace(namespace)
        .map_err(|text| Problem::of_errors(Reason::InvalidNamespace, vec![InputError::parameter("namespace", text)]))?;
    let version = ctx.query.get("kubeVersion").map(|text| {
        chart::capabilities::KubeVersion::parse(text).map_err(|error| {
            let errors = vec![InputError::parameter("kubeVersion", error.to_string())];
            Problem::of_errors(Reason::InvalidParameter, errors)
        })
    });
    let options = Options {
        namespace: namespace.to_owned(),
        kube_version: version.transpose()?,
        skip_schema_validation: ctx.query.flag("skipSchemaValidation"),
        ..Options::new((ctx.app.config.now)())
    };
    let (strict, with_subcharts) = (ctx.query.flag("strict"), ctx.query.flag("withSubcharts"));
    run(&ctx, Job { archive: upload.archive, options, strict, with_subcharts }).await
}

/// The archive that a body means; unlike elsewhere it need not be a good chart.
async fn archive(ctx: &Ctx, wanted: &ChartRef) -> Result<Bytes, Box<Problem>> {
    Ok(convert::chart_source(ctx, wanted).await?.archive())
}

async fn run(ctx: &Ctx, job: Job) -> Outcome {
    let strict = job.strict;
    let work = ctx.app.clusters.settings().guard(move |limits, interrupt| {
        let big = render::on_big_stack(|| {
            let options = Options { limits, interrupt: Some(Arc::clone(&interrupt)), ..job.options };
            all(&job.archive, &options, job.with_subcharts, &interrupt)
        });
        big.map_err(Error::from).and_then(|done| done)
    });
    let charts = work.await.map_err(problems::of)?.map_err(|text| Problem::new(Reason::InvalidChart, text))?;
    let least = if strict { Severity::Warning } else { Severity::Error };
    let failed = charts.iter().filter(|chart| chart.findings.iter().any(|found| found.severity >= least)).count();
    if ctx.media().text {
        return Reply::ok().text(ctx, "text/plain", text(&charts, failed));
    }
    let result = LintResult {
        passed: failed == 0,
        linted: count(charts.len()),
        failed: count(failed),
        findings: charts.into_iter().flat_map(findings).collect(),
    };
    Reply::ok().value(ctx, &result)
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Lints a chart and its subcharts; the inner error is that of an archive that is none.
fn all(
    archive: &[u8],
    options: &Options,
    with_subcharts: bool,
    interrupt: &AtomicBool,
) -> Result<Result<Vec<Linted>, String>, Error> {
    let limits = Limits::default();
    let files = match Files::of_archive(archive, &limits) {
        Ok(files) if files.kind("Chart.yaml") != Kind::Missing => files,
        Ok(_) => return Ok(Err("the archive holds no chart: there is no `Chart.yaml` in its folder".to_owned())),
        Err(error) => return Ok(Err(format!("unable to load chart archive: {error}"))),
    };
    // What Helm only logs is no finding.
    let notices: Notices = Arc::new(|_| {});
    let mut charts = vec![one(&files, options, &notices)?];
    let subcharts = with_subcharts.then(|| files.subcharts(&limits)).into_iter().flatten();
    for subchart in subcharts {
        if interrupt.load(Ordering::Relaxed) {
            let place = charts.last().map_or_else(String::new, |last| last.place.clone());
            let (limit, reason) = (Limit::Interrupted, "interrupted".to_owned());
            return Err(Error::Render(RenderError::Limit { template: place, limit, reason }));
        }
        charts.push(match subchart {
            Ok(subchart) => one(&subchart, options, &notices)?,
            Err((place, error)) => {
                let text = format!("unable to extract tarball: {error}");
                let finding = Finding { severity: Severity::Error, path: String::new(), text };
                Linted { place, findings: vec![finding] }
            }
        });
    }
    Ok(Ok(charts))
}

fn one(files: &Files, options: &Options, notices: &Notices) -> Result<Linted, Error> {
    Ok(Linted { place: files.place().to_owned(), findings: lint::run(files, options, notices)? })
}

fn findings(chart: Linted) -> impl Iterator<Item = LintFinding> {
    let Linted { place, findings } = chart;
    findings.into_iter().map(move |found| LintFinding {
        severity: match found.severity {
            Severity::Info => LintSeverity::Info,
            Severity::Warning => LintSeverity::Warning,
            Severity::Error => LintSeverity::Error,
        },
        // Paths are below the chart that was given.
        path: match (place.as_str(), found.path.as_str()) {
            ("", path) => path.to_owned(),
            (place, "") => place.to_owned(),
            (place, path) => format!("{place}/{path}"),
        },
        message: found.text,
    })
}

/// What `helm lint` prints of a chart in the folder one is in.
fn text(charts: &[Linted], failed: usize) -> String {
    let mut text = String::new();
    for chart in charts {
        let place = if chart.place.is_empty() { "." } else { &chart.place };
        text.push_str(&format!("==> Linting {place}\n"));
        chart.findings.iter().for_each(|finding| text.push_str(&format!("{finding}\n")));
        text.push('\n');
    }
    text.push_str(&format!("{} chart(s) linted, {failed} chart(s) failed\n", charts.len()));
    text
}
