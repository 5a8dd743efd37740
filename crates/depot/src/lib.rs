//! Where charts come from: HTTP repositories, their indexes and caches, search; OCI registries.
//!
//! * [`Repositories`] is Helm's `repositories.yaml`;
//! * [`Index`] is what an index says, kept small; [`open_index`] reads a cached one;
//! * [`refresh`] brings a cached index up to date;
//! * [`search`] finds charts as `helm search repo` does, [`hub::search`] asks a hub;
//! * [`resolve`] and [`find_in`] find what a reference means, [`Found::download`] and [`Found::cached`] fetch it;
//! * [`dependencies::Subcharts`] brings the subcharts of a chart into its folder;
//! * [`oci::Registry`] speaks to registries;
//! * [`publish::write`] makes an index of a folder.
//!
//! Nothing here reads the environment or prints: folders, proxies and the time are arguments, and what a person should
//! know comes back.

pub mod dependencies;
mod each;
mod error;
mod fetch;
pub mod hub;
mod index;
mod names;
pub mod oci;
pub mod publish;
mod pull;
mod refresh;
mod repositories;
mod search;
mod side;
mod url;

pub use each::{Turn, each};
pub use error::Error;
pub use fetch::{Access, Answer, Ask, FetchError, Fetcher, Pem, Reach, Validators};
#[doc(hidden)]
pub use index::read_both_ways;
pub use index::{Index, Notice, Skipped, Version, read_index};
pub use names::{CacheFiles, cache_files};
pub use pull::{Found, Home, check_scheme, find_in, resolve};
pub use refresh::{Refreshed, bring, index_digest, open_index, refresh};
pub use repositories::{Guard, Repositories, Repository};
pub use search::{Hit, Matcher, constrained, search};
pub use ureq::Proxy;
pub use url::{Origin, origin, public, redacted, resolve as resolve_url};
