//! What the kinds have of their own: conversion, defaults, preparation and checks.

pub(crate) mod convert;
pub(crate) mod defaults;
pub(crate) mod names;
pub(crate) mod podspec;
pub(crate) mod prepare;
pub(crate) mod update;
pub(crate) mod validate;
