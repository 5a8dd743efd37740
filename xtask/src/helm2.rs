//! `cargo xtask helm2`: Helm 2's dialect of the renderer against the real Helm 2.17 and its Tiller.
//!
//! Our own cases and the corpus are compared by `crates/render/tests/helm2`, inputs that nobody wrote by `e2e/differential`;
//! this builds what they ask.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use e2e::fixture;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with `helm`, `faketiller` and `helm2-engine` of Helm 2.17; else they are built
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Write down what they say of our own cases, for `cargo test`
    #[arg(long)]
    bless: bool,
    /// Only the parts whose name contains this text: snippets, releases, corpus
    #[arg(long, value_name = "TEXT", default_value = "")]
    part: String,
    /// Only charts of the corpus whose path contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How many inputs that nobody wrote are compared besides
    #[arg(long, value_name = "N", default_value_t = 12_000)]
    cases: u64,
    /// Where their random numbers start
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = crate::root();
    let programs = match &arguments.programs {
        Some(programs) => std::path::absolute(programs)?,
        None => {
            let cache = crate::e2e::default_cache()?;
            let helm2 = fixture::helm2(&root, &cache)?;
            let engine = fixture::helm2_engine(&root, &cache)?;
            let programs = cache.join("helm2-programs");
            fs::create_dir_all(&programs)?;
            let all = [(helm2.helm, "helm"), (helm2.faketiller, "faketiller"), (engine, "helm2-engine")];
            for (program, name) in all {
                let link = programs.join(name);
                let _ = fs::remove_file(&link);
                std::os::unix::fs::symlink(&program, &link).with_context(|| format!("linking {}", link.display()))?;
            }
            programs
        }
    };
    let mut command = crate::cargo();
    command.args(["test", "--quiet", "--package", "whipstaff-render", "--test", "helm2", "--", "--nocapture"]);
    command.arg("--test-threads=1").arg(&arguments.part);
    command.env("WHIPSTAFF_HELM2", &programs).env("WHIPSTAFF_FILTER", &arguments.filter);
    command.env("WHIPSTAFF_CORPUS", crate::e2e::corpus(&root));
    if arguments.bless {
        command.env("WHIPSTAFF_BLESS", "1");
    }
    crate::succeed(&mut command)?;
    if arguments.cases == 0 || arguments.bless || !arguments.part.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = crate::cargo();
    command.args(["run", "--quiet", "--package", "whipstaff-differential", "--", "--helm2", "--oracle"]);
    command.arg(programs.join("helm2-engine"));
    command.args(["--cases", &arguments.cases.to_string(), "--seed", &arguments.seed.to_string()]);
    crate::succeed(&mut command)?;
    Ok(ExitCode::SUCCESS)
}
