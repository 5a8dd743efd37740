//! Kubernetes: discovery, apply, wait, delete, ownership; one client per caller
