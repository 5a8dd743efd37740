//! The contract: types, routes, problem catalogue, OpenAPI document; no implementation
