//! Tiller's messages (`hapi` is what Helm 2 calls them), generated from the protos of this crate.

#![allow(missing_docs, clippy::doc_markdown, clippy::large_enum_variant)]

/// Charts and values.
pub mod chart {
    include!(concat!(env!("OUT_DIR"), "/hapi.chart.rs"));
}

/// Releases.
pub mod release {
    include!(concat!(env!("OUT_DIR"), "/hapi.release.rs"));

    impl Release {
        /// Where it stands; unknown when it does not say.
        pub fn code(&self) -> status::Code {
            self.info.as_ref().and_then(|info| info.status.as_ref()).map_or(status::Code::Unknown, Status::code)
        }
    }
}

/// What a Tiller says it is.
pub mod version {
    include!(concat!(env!("OUT_DIR"), "/hapi.version.rs"));
}

/// What Tiller is asked and answers.
pub mod services {
    /// Requests and answers.
    pub mod tiller {
        include!(concat!(env!("OUT_DIR"), "/hapi.services.tiller.rs"));
    }
}
