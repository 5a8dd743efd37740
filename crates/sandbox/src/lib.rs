//! An in-process Kubernetes API
