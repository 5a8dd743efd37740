//! Helm 2's dialect against Helm 2.17: snippets (`data/helm2/snippets.txt`) and charts of our own (`data/helm2/charts`),
//! with what Helm and Tiller make of them beside, and the v1 charts of the corpus.
//!
//! `cargo xtask helm2` builds Helm 2 and asks it all again; it sets `WHIPSTAFF_HELM2` to the folder with `helm` and
//! `faketiller`, and with `WHIPSTAFF_BLESS` what they say is recorded.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod corpus;
mod limits;
mod oracle;
mod ours;
mod releases;
mod snippets;
