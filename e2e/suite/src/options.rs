//! What the caller wants run.

use std::path::PathBuf;

/// One of the two clusters behind whipstaff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `whipstaff serve --sandbox`.
    Sandbox,
    /// `whipstaff serve` against etcd, kube-apiserver, controllers, scheduler and kwok.
    Real,
}

impl Target {
    /// Returns the name that reports and the command line use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Real => "real",
        }
    }
}

/// The settings of one run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where fixtures are built; outside the repository.
    pub cache: PathBuf,
    /// The folder of the corpus of real charts, which may not exist.
    pub corpus: PathBuf,
    /// The `cargo` to build whipstaff with.
    pub cargo: PathBuf,
    /// A whipstaff that is already built, instead of building one.
    pub whipstaff: Option<PathBuf>,
    /// Run on this cluster only; `None` runs on both.
    pub only: Option<Target>,
    /// Run only cases whose name contains this.
    pub filter: Option<String>,
    /// Leave everything running after the cases, until a signal comes.
    pub keep: bool,
    /// Something missing is a failure instead of a reason to skip.
    pub strict: bool,
    /// The first port of the range in which free ones are looked for.
    pub port: u16,
}

impl Options {
    /// Tells whether cases run on a target.
    #[must_use]
    pub fn wants(&self, target: Target) -> bool {
        self.only.is_none_or(|only| only == target)
    }
}
