//! The charts of repositories: found, and taken apart as uploaded ones are.

use std::sync::Arc;

use api::{Problem, Reason, RepositoryChartList};

use crate::ctx::{Ctx, Outcome};
use crate::page::{Place, Window, page};
use crate::reply::{Reply, internal};
use crate::repositories::{Catalog, Live, Repositories, Row, fitting, sort_key, wrong_parameter};

pub(super) use super::charts::{
    chart_archive as repository_chart_archive, chart_crds as repository_chart_crds,
    chart_dependencies as repository_chart_dependencies, chart_file as repository_chart_file,
    chart_files as repository_chart_files, chart_metadata as repository_chart_metadata,
    chart_readme as repository_chart_readme, chart_schema as repository_chart_schema,
    chart_values as repository_chart_values,
};

pub(super) async fn repository_charts(ctx: Ctx) -> Outcome {
    let (filter, words) = (ctx.query.get("filter"), ctx.query.get("q").map(str::to_owned));
    let scope = format!("charts of {} {filter:?} {words:?}", ctx.path("repository"));
    let window = Window::read(&ctx.query, &scope, false)?;
    let filter = filter.map(super::regex).transpose()?;
    let live = find(&ctx).await?;
    let catalog = ctx.app.repositories.catalog(&live).await?;
    if matches!(*catalog, Catalog::Silent) {
        return Err(Repositories::unlisted(&live));
    }
    // There may be thousands.
    let work = move || {
        let wanted = |name: &str| filter.as_ref().is_none_or(|filter| filter.is_match(name));
        let base = &live.settings.url;
        match words {
            None => {
                let named = catalog.names().into_iter().filter(|name| wanted(name));
                let (names, cont) =
                    window.close_of(named.map(|name| (Place { by: name.to_owned(), id: Vec::new() }, name)));
                (names.into_iter().filter_map(|name| catalog.newest(base, name)).collect::<Vec<Row>>(), cont)
            }
            Some(words) => {
                let hits = catalog.search(&live.name, base, &words).into_iter().filter(|(_, row)| wanted(&row.name));
                let place =
                    |(score, row): (usize, Row)| (Place { by: format!("{score:04}"), id: vec![row.name.clone()] }, row);
                window.close_of(hits.map(place))
            }
        }
    };
    let (rows, cont) = tokio::task::spawn_blocking(work).await.map_err(internal)?;
    let items = rows.iter().map(Row::shown).collect();
    Reply::ok().value(&ctx, &RepositoryChartList { items, cont })
}

pub(super) async fn repository_chart(ctx: Ctx) -> Outcome {
    let live = find(&ctx).await?;
    let rows = ctx.app.repositories.rows(&live, ctx.path("chart")).await?;
    let is_stable = fitting("*").map_err(internal)?;
    let newest = rows.iter().find(|row| is_stable(&row.version)).or_else(|| rows.first()).cloned();
    show(&ctx, &live, newest.unwrap_or_default()).await
}

pub(super) async fn repository_chart_versions(ctx: Ctx) -> Outcome {
    let (constraint, devel) = (ctx.query.get("constraint"), ctx.query.flag("devel"));
    let usual = if devel { ">=0.0.0-0" } else { ">=0.0.0" };
    let fits = fitting(constraint.unwrap_or(usual)).map_err(|text| wrong_parameter("constraint", text))?;
    let live = find(&ctx).await?;
    let rows = ctx.app.repositories.rows(&live, ctx.path("chart")).await?;
    let scope = format!("versions of {} {} {constraint:?} {devel}", ctx.path("repository"), ctx.path("chart"));
    let place = |row: &Row| Place { by: sort_key(&row.version), id: vec![row.version.clone()] };
    let found = rows.into_iter().filter(|row| fits(&row.version));
    let (rows, cont) = page(found, place, true, &ctx.query, &scope)?;
    let items = rows.iter().map(Row::shown).collect();
    Reply::ok().value(&ctx, &RepositoryChartList { items, cont })
}

pub(super) async fn repository_chart_version(ctx: Ctx) -> Outcome {
    let live = find(&ctx).await?;
    let row = ctx.app.repositories.row(&live, ctx.path("chart"), ctx.path("version")).await?;
    show(&ctx, &live, row).await
}

pub(super) async fn repository_chart_provenance(ctx: Ctx) -> Outcome {
    let [repository, chart, version] = ["repository", "chart", "version"].map(|name| ctx.path(name));
    let found = ctx.app.repositories.provenance(repository, chart, version).await?;
    let Some(proof) = found else {
        let text = format!("the repository has no provenance file of chart `{chart}` {version}");
        return Err(Box::new(Problem::new(Reason::ChartPartNotFound, text)));
    };
    Reply::ok().text(&ctx, "text/plain", String::from_utf8_lossy(&proof).into_owned())
}

async fn find(ctx: &Ctx) -> Result<Arc<Live>, Box<Problem>> {
    ctx.app.repositories.find(ctx.path("repository")).await
}

async fn show(ctx: &Ctx, live: &Arc<Live>, row: Row) -> Outcome {
    let row = ctx.app.repositories.details(live, row).await?;
    Reply::ok().value(ctx, &row.shown())
}
