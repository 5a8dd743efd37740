//! Why a chart could not be loaded; the texts are Helm's where Helm has one.

use crate::text::io_error;
use crate::validate::ValidationError;

/// Why a chart could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A file or folder could not be read; the text is Go's (`open /x: no such file or directory`).
    #[error("{text}")]
    Io {
        /// The operation, the path and the reason.
        text: String,
        /// The class of the reason.
        kind: std::io::ErrorKind,
    },
    /// `Chart.yaml` of a folder could not be read.
    #[error("unable to detect chart at {path}: {source}")]
    NoChart {
        /// The path of `Chart.yaml`.
        path: String,
        /// The reason.
        source: Box<LoadError>,
    },
    /// The file is no archive.
    #[error("{0}")]
    NotAnArchive(String),
    /// The archive could not be read; Helm keeps the reason, which is the source of this error, to itself.
    #[error("unable to load chart archive")]
    ArchiveFile(#[source] Box<LoadError>),
    /// The archive could not be read.
    #[error("unable to load chart archive: {0}")]
    Archive(#[source] Box<LoadError>),
    /// The bytes are no gzip stream.
    #[error("gzip: invalid header")]
    GzipHeader,
    /// The gzip or tar stream is damaged.
    #[error("{0}")]
    Damaged(String),
    /// An entry has an absolute path.
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    /// An entry lies beside the chart's folder.
    #[error("chart illegally contains content outside the base directory: {}", crate::text::quote(.0))]
    OutsideBase(String),
    /// An entry climbs out of the chart's folder.
    #[error("chart illegally references parent directory")]
    ParentDirectory,
    /// An entry has a drive letter.
    #[error("chart contains illegally named files")]
    IllegalName,
    /// `Chart.yaml` is a folder.
    #[error("chart yaml not in base directory")]
    ChartYamlNotInBase,
    /// The archive holds nothing.
    #[error("no files in chart archive")]
    NoFiles,
    /// The chart, with all archives inside it, is too large once unpacked.
    #[error("decompressed chart is larger than the maximum size {0}")]
    TooLarge(u64),
    /// The chart's folder is too large.
    #[error("chart exceeds maximum decompressed size of {0} bytes")]
    FolderTooLarge(u64),
    /// A file of the chart's folder could not be read.
    #[error("error reading {name}: {source}")]
    File {
        /// The path below the chart's folder.
        name: String,
        /// The reason.
        source: Box<LoadError>,
    },
    /// The chart has too many files.
    #[error("chart has more than the maximum of {0} files")]
    TooManyEntries(usize),
    /// Archives are nested too deeply in archives, or subcharts in subcharts.
    #[error("chart nests subcharts deeper than the maximum of {0}")]
    TooDeep(usize),
    /// The archive holds a link or a device, which a chart has no use for.
    #[error("chart archive holds {}, which is a link or a device; pack the file itself", crate::text::quote(.0))]
    SpecialEntry(String),
    /// The chart's folder holds a device, a socket or a pipe.
    #[error("cannot load irregular file {0} as it has file mode type bits set")]
    Irregular(String),
    /// A symbolic link leads nowhere.
    #[error("error evaluating symlink {path}: {source}")]
    Symlink {
        /// The path of the link.
        path: String,
        /// The reason.
        source: Box<LoadError>,
    },
    /// `.helmignore` holds a rule that Helm does not know.
    #[error("{0}")]
    Ignore(String),
    /// `Chart.yaml` is missing.
    #[error("Chart.yaml file is missing")]
    MissingChartYaml,
    /// `Chart.yaml` is missing, seen before anything was loaded.
    #[error("unable to detect chart version, no Chart.yaml found")]
    UnknownVersion,
    /// `apiVersion` is none that is known.
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// `apiVersion` is `v3`, which Helm 4 only experiments with.
    #[error("invalid chart apiVersion")]
    ExperimentalVersion,
    /// A file of the chart is not what it should be.
    #[error("cannot load {file}: {reason}")]
    Content {
        /// The file.
        file: &'static str,
        /// The reason, in the words of Helm's YAML library.
        reason: String,
    },
    /// The metadata is not valid.
    #[error("{0}")]
    Validation(#[from] ValidationError),
    /// A subchart could not be loaded.
    #[error("error unpacking subchart {name} in {parent}: {source}")]
    Subchart {
        /// The name of the file or folder in `charts/`.
        name: String,
        /// The chart that holds it.
        parent: String,
        /// The reason.
        source: Box<LoadError>,
    },
    /// A folder in `charts/` has a name that ends in `.tgz`.
    #[error("error unpacking subchart tar in {parent}: expected {expected}, got {got}")]
    SubchartTar {
        /// The chart that holds it.
        parent: String,
        /// The name of the folder.
        expected: String,
        /// The first file in it.
        got: String,
    },
}

impl LoadError {
    /// Gives the innermost reason, which is what went wrong where Helm's own text hides it.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::NoChart { source, .. }
            | Self::ArchiveFile(source)
            | Self::Archive(source)
            | Self::File { source, .. }
            | Self::Symlink { source, .. }
            | Self::Subchart { source, .. } => source.root(),
            other => other,
        }
    }

    pub(super) fn io(operation: &str, path: &str, error: &std::io::Error) -> Self {
        Self::Io { text: format!("{operation} {path}: {}", io_error(error)), kind: error.kind() }
    }
}
