//! Charts of our own through Tiller.
