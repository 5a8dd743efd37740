//! `dependency update` and `dependency build`: `whipstaff` and the real Helm, side by side, against the same repository.

use std::fs;

use anyhow::{Context, Result};

use super::repositories::Both;
use super::{Case, Ctx, case};
use crate::check::equal;

pub(super) const CASES: &[Case] = &[
    case("dependencies/update-and-build", update_and_build),
    case("dependencies/what-cannot-be-had", what_cannot_be_had),
    case("dependencies/of-version-1", of_version_1),
];

/// Writes the chart `top` for both, with these dependencies, a line each.
fn write(both: &Both<'_>, dependencies: &str) -> Result<()> {
    let list: String = dependencies.lines().map(|line| format!("- {{{}}}\n", line.trim())).collect();
    let list = list.replace("URL", &both.repository.url);
    for tool in ["helm", "whipstaff"] {
        let folder = both.root.join(tool).join("out/top");
        fs::create_dir_all(folder.join("charts/loc"))?;
        fs::write(
            folder.join("Chart.yaml"),
            format!("apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n{list}"),
        )?;
        fs::write(folder.join("charts/loc/Chart.yaml"), "apiVersion: v2\nname: loc\nversion: 1.2.0\n")?;
        fs::write(folder.join("charts/_notes"), "ours")?;
    }
    Ok(())
}

/// Makes a repository, added by both as `r`, and a chart beside both of them.
fn with_repository<'a>(ctx: &'a Ctx<'a>, name: &str) -> Result<Both<'a>> {
    let both = Both::new(ctx, name)?;
    both.stock("/charts", "0.0.1")?;
    let beside = both.root.join("beside");
    fs::create_dir_all(&beside)?;
    fs::write(beside.join("Chart.yaml"), "apiVersion: v2\nname: beside\nversion: 0.3.1\n")?;
    both.alike("repo add r URL/charts")?;
    Ok(both)
}

/// What is asked for is the same, in whatever order.
fn same(both: &Both<'_>, line: &str) -> Result<()> {
    let (mut ours, mut theirs) = both.alike(line)?;
    ours.sort();
    theirs.sort();
    equal("what is asked for", ours, theirs).with_context(|| line.to_owned())
}

fn update_and_build(ctx: &Ctx<'_>) -> Result<()> {
    let both = with_repository(ctx, "dependencies")?;
    for dependencies in [
        "name: shop, version: '>=0.0.2 <100 || ^0.0', repository: '@r', condition: 'a,b', tags: [x], import-values: [data]
         name: family, version: '*', repository: 'alias:r', alias: other
         name: family, version: '*', repository: 'URL/charts/', import-values: [{child: a.b, parent: c}]
         name: beside, version: ~0.3, repository: 'file://../../../beside'
         name: loc, version: ^1",
        "name: hooked, version: '>0', repository: 'URL/charts'",
        "name: beside, version: 0.3.1, repository: 'file://../../../beside/'",
        "name: loc, version: 1.2.0",
    ] {
        write(&both, dependencies)?;
        for line in [
            "dependency build top",
            "dependency update top --skip-refresh",
            "dependency update top",
            "dependency update top",
            "dependency build top",
            "dependency build top --skip-refresh",
            "dependency list top",
            "template x top --dependency-update",
            // Where it is not compared: the times of its files are not the same.
            "package -u top -d ../../packed",
        ] {
            same(&both, line).with_context(|| dependencies.to_owned())?;
        }
    }
    // A repository that nobody added: Helm fetches its index twice, we once.
    both.stock("/others", "0.0.1")?;
    write(&both, "name: shop, version: '*', repository: 'URL/others'")?;
    let (ours, mut theirs) = both.alike("dependency update top")?;
    theirs.dedup();
    theirs.sort();
    theirs.dedup();
    let mut ours = ours;
    ours.sort();
    equal("what is asked for", ours, theirs)?;
    same(&both, "dependency update top --skip-refresh")?;
    same(&both, "dependency build top")
}

fn what_cannot_be_had(ctx: &Ctx<'_>) -> Result<()> {
    let both = with_repository(ctx, "lost-dependencies")?;
    both.repository.put(
        "/wrong/index.yaml",
        "apiVersion: v1\nentries:\n  gone:\n  - {name: gone, version: 1.0.0, urls: [gone.tgz]}\n  none:\n  \
         - {name: none, version: 1.0.0}\n  far:\n  - {name: far, version: 1.0.0, urls: ['ftp://h/far.tgz']}\n",
    );
    write(&both, "name: shop, version: '*', repository: '@r'\nname: loc, version: ^1")?;
    same(&both, "dependency update top")?;
    for dependencies in [
        "name: shop, version: ^90, repository: '@r'",
        "name: shop, version: what, repository: '@r'",
        "name: shop, repository: '@r'",
        "name: nowhere, version: '1', repository: '@r'",
        "name: shop, version: '1', repository: '@s'",
        "name: shop, version: '1', repository: stable",
        "name: shop, version: '1', repository: 'alias:s'",
        "name: shop, version: '1', repository: '/charts'",
        "name: shop, version: '1', repository: 'ftp://h/charts'",
        "name: shop, version: '1', repository: 'http://127.0.0.1:1/charts'",
        "name: shop, version: '1', repository: 'file://../nowhere'",
        "name: shop, version: '1', repository: 'file://Chart.yaml'",
        "name: beside, version: '1', repository: 'file://../../../beside'",
        "name: nowhere, version: '1'",
        "name: loc, version: ^2",
        "name: gone, version: '1', repository: 'URL/wrong'",
        "name: none, version: '1', repository: 'URL/wrong'",
        "name: far, version: '1', repository: 'URL/wrong'",
        "version: '1', repository: '@r'",
    ] {
        write(&both, dependencies)?;
        for line in ["dependency update top", "dependency build top"] {
            both.alike(line).with_context(|| dependencies.to_owned())?;
        }
    }
    for line in [
        "dependency update nowhere",
        "dependency update top/Chart.yaml",
        "dependency build nowhere",
        "dependency update .",
    ] {
        both.alike(line)?;
    }
    // CVE-2025-53547: the lock file leads elsewhere.
    write(&both, "name: shop, version: '*', repository: '@r'\nname: family, version: '*', repository: '@r'")?;
    for tool in ["helm", "whipstaff"] {
        let out = both.root.join(tool).join("out");
        fs::write(out.join("mine"), "digest: mine\n")?;
        fs::remove_file(out.join("top/Chart.lock"))?;
        std::os::unix::fs::symlink("../mine", out.join("top/Chart.lock"))?;
    }
    both.alike("dependency update top")?;
    equal(
        "what a link leads to",
        fs::read_to_string(both.root.join("whipstaff/out/mine"))?,
        "digest: mine\n".to_owned(),
    )
}

/// A chart of version 1 has `requirements.yaml`, and its lock file may be one of Helm 2.
fn of_version_1(ctx: &Ctx<'_>) -> Result<()> {
    let both = with_repository(ctx, "old-dependencies")?;
    let change = |file: &str, text: &str| {
        ["helm", "whipstaff"]
            .iter()
            .try_for_each(|tool| fs::write(both.root.join(tool).join("out/top").join(file), text))
    };
    write(&both, "")?;
    change("Chart.yaml", "apiVersion: v1\nname: top\nversion: 1.0.0\n")?;
    change("requirements.yaml", "dependencies:\n- {name: shop, version: '>0', repository: '@r'}\n")?;
    for line in ["dependency update top", "dependency build top", "dependency update top"] {
        same(&both, line)?;
    }
    change("requirements.lock", "dependencies: []\ndigest: sha256:0\ngenerated: '2020-01-01T00:00:00Z'\n")?;
    same(&both, "dependency build top")?;
    change("Chart.yaml", "apiVersion: v2\nname: top\nversion: 1.0.0\n")?;
    same(&both, "dependency build top")?;
    same(&both, "dependency update top")
}
