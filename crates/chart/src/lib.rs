//! The chart: metadata, files, values, schema, `--set`, constraints, archive.
//!
//! * [`load_archive`], [`load_dir`], [`load_path`], [`load_files`] make a [`Chart`];
//! * [`semver`] reads versions and constraints;
//! * [`values`] brings values together and processes dependencies;
//! * [`strvals`] reads `--set` and its kin;
//! * [`text`] prints as Go does.

pub mod capabilities;
mod chart;
mod content;
mod crds;
pub mod create;
mod error;
pub mod helm2;
pub mod listing;
mod load;
mod metadata;
mod options;
mod pack;
pub mod package;
pub mod provenance;
mod record;
pub mod schema;
pub mod semver;
pub mod strvals;
pub mod text;
pub mod time;
mod validate;
pub mod values;

pub use chart::{Chart, File};
pub use content::Content;
pub use crds::Crd;
pub use error::Error;
pub use load::{
    IgnoreRules, Limits, LoadError, LoadNotice, ReadMetadata, clean as clean_path, load_archive, load_dir,
    load_dir_telling, load_dir_within, load_files, load_folder, load_path, load_path_of_any_version, load_path_showing,
    load_path_telling, load_path_within, read_archive, read_dir,
};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};
pub use options::{OptionsError, ValueOptions};
pub use pack::{PackError, pack, pack_chart};
pub use validate::{NameError, ValidationError, validate_metadata_name, validate_release_name};
