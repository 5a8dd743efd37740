//! Chart, values and capabilities become manifests, hooks, CRDs and notes
