//! Who makes and who uses: a table of all that is made of charts, by whipstaff for Helm and by Helm for whipstaff.
//!
//! A row is something that is made, a column a command that takes it. A cell holds when both tools take it, and print the same.
//! Cells that another case has looked at name it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::oci::Both;
use super::repositories::Repository;
use super::{Case, Ctx, case};
use crate::check::equal;
use crate::process::Output;

pub(super) const CASES: &[Case] = &[case("charts-interop/table", table)];

/// Something that is made, and what takes it. In lines `MADE` is the folder that it is made in, `CHARTS` that of our own charts,
/// `REPO` the folder that is served at `SITE`, `REGISTRY` a place in a registry for what this maker makes, `STOCK` a repository of Helm's, `SECRET` and `PUBLIC` are rings of keys.
struct Row {
    name: &'static str,
    make: &'static [&'static str],
    cells: &'static [(&'static str, Cell)],
}

enum Cell {
    /// This command.
    Run(&'static str),
    /// In another case.
    In(&'static str),
}

use Cell::{In, Run};

const ROWS: &[Row] = &[
    Row {
        name: "create",
        make: &["create MADE/web"],
        cells: &[
            ("lint --strict", In("making/our-starter")),
            ("template", In("making/our-starter")),
            ("show all", Run("show all MADE/web")),
            ("install --dry-run", Run("install r MADE/web --dry-run=client")),
            ("package", Run("package MADE/web -d MADE/packed")),
            ("dependency list", Run("dependency list MADE/web")),
        ],
    },
    Row {
        name: "package",
        make: &["package CHARTS/shop -d MADE"],
        cells: &[
            ("lint --strict", Run("lint --strict MADE/shop-1.4.0.tgz")),
            ("template", In("making/same-archives")),
            ("show all", In("making/same-archives")),
            ("install --dry-run", Run("install r MADE/shop-1.4.0.tgz --dry-run=client")),
            ("push", Run("push MADE/shop-1.4.0.tgz REGISTRY/again --plain-http")),
            ("repo index", Run("repo index MADE")),
        ],
    },
    Row {
        name: "package --sign",
        make: &["package CHARTS/shop --sign --key Ann --keyring SECRET -d MADE"],
        cells: &[
            ("verify", In("making/signatures-of-…")),
            ("template", In("making/signatures-of-…")),
            ("show all", Run("show all MADE/shop-1.4.0.tgz --verify --keyring PUBLIC")),
            ("install --dry-run", Run("install r MADE/shop-1.4.0.tgz --verify --keyring PUBLIC --dry-run=client")),
            ("push", Run("push MADE/shop-1.4.0.tgz REGISTRY/again --plain-http")),
        ],
    },
    Row {
        name: "push",
        make: &["package CHARTS/shop -d MADE", "push MADE/shop-1.4.0.tgz REGISTRY/plain --plain-http"],
        cells: &[
            ("pull", In("oci/push")),
            ("pull --untar", Run("pull REGISTRY/plain/shop --plain-http --untar -d MADE/untarred")),
            ("template", Run("template r REGISTRY/plain/shop --plain-http --version ^1")),
            ("show all", Run("show all REGISTRY/plain/shop --plain-http")),
            ("install --dry-run", Run("install r REGISTRY/plain/shop --plain-http --dry-run=client")),
            ("dependency update", Run("dependency update MADE/of-registry --plain-http")),
            ("dependency build", Run("dependency build MADE/of-registry --plain-http")),
        ],
    },
    Row {
        name: "push with provenance",
        make: &[
            "package CHARTS/shop --sign --key Ann --keyring SECRET -d MADE",
            "push MADE/shop-1.4.0.tgz REGISTRY/signed --plain-http",
        ],
        cells: &[
            ("pull --verify", In("oci/provenance")),
            ("pull --prov", In("oci/provenance")),
            ("show all", Run("show all REGISTRY/signed/shop --plain-http --verify --keyring PUBLIC")),
            ("template", Run("template r REGISTRY/signed/shop --plain-http --verify --keyring PUBLIC")),
            (
                "install --dry-run",
                Run("install r REGISTRY/signed/shop --plain-http --verify --keyring PUBLIC --dry-run=client"),
            ),
        ],
    },
    Row {
        name: "repo index",
        make: &[
            "package CHARTS/shop --sign --key Ann --keyring SECRET -d REPO",
            "package CHARTS/shop --version 1.3.0 -d REPO",
            "package CHARTS/family -d REPO",
            "repo index REPO",
        ],
        cells: REPOSITORY,
    },
    Row {
        name: "repo index --merge",
        make: &[
            "package CHARTS/shop --version 1.3.0 -d REPO",
            "package CHARTS/family -d REPO",
            "repo index REPO",
            "package CHARTS/shop --sign --key Ann --keyring SECRET -d REPO",
            "repo index REPO --merge REPO/index.yaml",
        ],
        cells: REPOSITORY,
    },
    Row {
        name: "repo index --json",
        make: &["package CHARTS/shop --sign --key Ann --keyring SECRET -d REPO", "repo index REPO --json"],
        cells: REPOSITORY,
    },
    Row {
        name: "Chart.lock",
        make: &["dependency update MADE/of-site"],
        cells: &[
            ("repo add", Run("repo add made STOCK --force-update")),
            ("dependency list", Run("dependency list MADE/of-site")),
            ("dependency build", Run("dependency build MADE/of-site")),
            ("dependency update", Run("dependency update MADE/of-site")),
            ("lint --strict", Run("lint --strict MADE/of-site")),
            ("template", Run("template r MADE/of-site")),
            ("install --dry-run", Run("install r MADE/of-site --dry-run=client")),
            ("package", Run("package MADE/of-site -d MADE/packed")),
        ],
    },
    Row {
        name: "requirements.lock",
        make: &["dependency update MADE/old"],
        cells: &[
            ("repo add", Run("repo add made STOCK --force-update")),
            ("dependency list", Run("dependency list MADE/old")),
            ("dependency build", Run("dependency build MADE/old")),
            ("dependency update", Run("dependency update MADE/old")),
            ("template", Run("template r MADE/old")),
            ("package", Run("package MADE/old -d MADE/packed")),
        ],
    },
];

const REPOSITORY: &[(&str, Cell)] = &[
    ("repo add", Run("repo add made SITE --force-update")),
    ("search", Run("search repo made/ -l --devel")),
    ("pull", Run("pull made/shop -d MADE")),
    ("pull --untar", Run("pull made/shop --untar -d MADE/untarred")),
    ("pull --verify", Run("pull made/shop --verify --keyring PUBLIC -d MADE")),
    ("template", Run("template r made/shop --version ^1")),
    ("show all", Run("show all shop --repo SITE")),
    ("install --dry-run", Run("install r made/shop --dry-run=client --verify --keyring PUBLIC")),
    ("dependency update", Run("dependency update MADE/of-made")),
    ("dependency build", Run("dependency build MADE/of-made")),
];

const TOOLS: [&str; 2] = ["whipstaff", "helm"];

/// Where the table is filled.
struct Table<'a> {
    ctx: &'a Ctx<'a>,
    both: Both<'a>,
    site: Repository,
    root: PathBuf,
}

impl Table<'_> {
    /// Puts the places of a maker, and the folder of whoever runs it, into a line.
    fn line(&self, line: &str, maker: &str, row: &str, made: &Path) -> String {
        let ring = |name: &str| self.ctx.root.join("e2e/oracle/world/ring").join(name).to_string_lossy().into_owned();
        let row = row.replace([' ', '.'], "-").to_lowercase();
        let made = made.to_string_lossy();
        line.replace("MADE", &made)
            .replace("REPO", &format!("{made}/repo"))
            .replace("CHARTS", &self.ctx.charts.to_string_lossy())
            .replace("REGISTRY", &format!("oci://{}/{maker}/{row}", self.both.host()))
            .replace("SITE", &format!("{}/{maker}/{row}", self.site.url))
            .replace("STOCK", &format!("{}/stock", self.site.url))
            .replace("SECRET", &ring("secret.gpg"))
            .replace("PUBLIC", &ring("public.gpg"))
    }

    /// What a row's dependencies need.
    fn prepare(&self, maker: &str, row: &str, made: &Path) -> Result<()> {
        let chart = |name: &str, api: &str, file: &str, repository: &str| -> Result<()> {
            let folder = made.join(name);
            fs::create_dir_all(folder.join("templates"))?;
            fs::write(folder.join("templates/a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")?;
            fs::write(folder.join("values.yaml"), "")?;
            let head = format!("apiVersion: {api}\nname: {name}\nversion: 0.1.0\nicon: https://example.com/i.png\n");
            let wanted = format!("dependencies:\n- {{name: shop, version: ^1.0.0, repository: '{repository}'}}\n");
            match file {
                "Chart.yaml" => fs::write(folder.join(file), head + &wanted)?,
                _ => {
                    fs::write(folder.join("Chart.yaml"), head)?;
                    fs::write(folder.join(file), wanted)?;
                }
            }
            Ok(())
        };
        let stock = format!("{}/stock", self.site.url);
        chart("of-site", "v2", "Chart.yaml", &stock)?;
        chart("old", "v1", "requirements.yaml", &stock)?;
        chart("of-made", "v2", "Chart.yaml", &self.line("SITE", maker, row, made))?;
        chart("of-registry", "v2", "Chart.yaml", &self.line("REGISTRY/plain", maker, row, made))
    }

    /// Serves what is in the folder of a repository.
    fn serve(&self, made: &Path, path: &str) -> Result<()> {
        for entry in fs::read_dir(made.join("repo")).into_iter().flatten() {
            let entry = entry?;
            self.site.put(&format!("{path}/{}", entry.file_name().to_string_lossy()), fs::read(entry.path())?);
        }
        Ok(())
    }

    /// Has one tool make something, and both take it. Gives what came of each cell.
    fn fill(&self, row: &Row, maker: &'static str) -> Result<Vec<(&'static str, String)>> {
        let made = self.root.join(maker).join(row.name.replace(' ', "-"));
        fs::create_dir_all(made.join("repo"))?;
        self.prepare(maker, row.name, &made)?;
        for line in row.make {
            self.both.run(maker, &self.line(line, maker, row.name, &made))?.success()?;
        }
        let path = self.line("SITE", maker, row.name, &made).replace(&self.site.url, "");
        self.serve(&made, &path)?;
        let taken: Vec<PathBuf> = TOOLS.iter().map(|tool| made.with_extension(*tool)).collect();
        taken.iter().try_for_each(|folder| copy(&made, folder))?;
        let mut cells = Vec::new();
        for (column, cell) in row.cells {
            let what = match cell {
                In(case) => (*case).to_owned(),
                Run(line) => {
                    let mut seen = Vec::new();
                    for (tool, folder) in TOOLS.iter().zip(&taken) {
                        let output = self.both.run(tool, &self.line(line, maker, row.name, folder))?;
                        seen.push((masked(&output, folder, self.both.home(tool)), output));
                    }
                    let [(ours, output), (theirs, _)] = seen.as_slice() else { bail!("there are two tools") };
                    equal("what is printed", ours, theirs)?;
                    equal("the exit code", output.code, 0).with_context(|| format!("{ours:?}"))?;
                    equal("the files", files(&taken[0])?, files(&taken[1])?)?;
                    "ok".to_owned()
                }
            };
            cells.push((*column, what));
        }
        Ok(cells)
    }
}

/// What was printed, without folders and times.
fn masked(output: &Output, folder: &Path, home: PathBuf) -> Vec<String> {
    let text = format!("{}\n---\n{}", output.text(), output.stderr);
    let text = text.replace(&*folder.to_string_lossy(), "MADE").replace(&*home.to_string_lossy(), "HOME");
    text.lines().filter(|line| !line.starts_with("LAST DEPLOYED: ")).map(str::to_owned).collect()
}

/// The names of all files below a folder, with the texts of lock files but for the time.
fn files(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(&below)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            let text = if name.ends_with(".lock") { fs::read_to_string(&path)? } else { String::new() };
            found.insert(name, text.lines().filter(|line| !line.starts_with("generated: ")).collect());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn table(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "interop", 165, false)?;
    let root = ctx.work.join("charts-interop");
    let table = Table { ctx, both, site: Repository::start()?, root };
    // What locks are of.
    let stock = table.root.join("stock");
    fs::create_dir_all(stock.join("repo"))?;
    for line in ["package CHARTS/shop -d REPO", "repo index REPO"] {
        table.both.run("helm", &table.line(line, "helm", "stock", &stock))?.success()?;
    }
    table.serve(&stock, "/stock")?;
    let mut failures = Vec::new();
    for row in ROWS {
        for maker in TOOLS {
            let taker = if maker == "helm" { "whipstaff" } else { "helm" };
            match table.fill(row, maker).with_context(|| format!("{} by {maker}", row.name)) {
                Ok(cells) => {
                    let cells: Vec<String> = cells.iter().map(|(column, what)| format!("{column}: {what}")).collect();
                    println!("        {} by {maker}, for {taker}: {}", row.name, cells.join(", "));
                }
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { bail!(failures.join("\n\n")) }
}
